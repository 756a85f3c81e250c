"""The prompt stage: what the words say about what moves and where to."""
