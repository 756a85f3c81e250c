"""Hands over to the package beside this folder."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from t2c_ext.webui.register import register
from t2c_ext.webui.script import CinemagraphScript  # noqa: F401

register()
