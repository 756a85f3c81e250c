"""The twin stage: the artistic picture and its natural-looking twin, from a source."""
