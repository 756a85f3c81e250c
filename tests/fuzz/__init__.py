"""Damaged and hostile input for every door: `python -m tests.fuzz --tries 5000 --seed 1 [--door NAME]`."""
