"""What the text encoder notes about a prompt for the generation parameters."""

from types import SimpleNamespace
from typing import Any

model_hijack: Any = SimpleNamespace(extra_generation_params={}, comments=[])
