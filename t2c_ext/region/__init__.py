"""The region stage: where it moves."""
