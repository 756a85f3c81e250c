"""The page with all loops of a batch."""
