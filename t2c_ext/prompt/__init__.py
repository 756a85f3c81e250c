"""The prompt stage: what the words say about what moves and where to."""

from t2c_ext.prompt.parse import parse

__all__ = ["parse"]
