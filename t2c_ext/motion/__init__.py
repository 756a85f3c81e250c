"""The motion stage: which way and how fast."""
