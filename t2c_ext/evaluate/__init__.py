"""The measures of a clip: does it close, stay sharp, hold together, stand still outside, and move as it was told."""

from __future__ import annotations

from t2c_ext.evaluate.file import evaluate_file
from t2c_ext.evaluate.meter import evaluate, moving_area
from t2c_ext.evaluate.report import Report, Row

__all__ = ["Report", "Row", "evaluate", "evaluate_file", "moving_area"]
