"""Models that improve results: what they are, whether they are here, and how to get them."""
