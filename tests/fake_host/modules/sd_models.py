"""Checkpoints; A1111 loads the chosen one by itself."""
