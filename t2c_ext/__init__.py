"""Text2Cinemagraph: turn a prompt or a painting into a seamless loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from t2c_ext.api import animate as animate
    from t2c_ext.api import generate as generate
    from t2c_ext.recipe import Recipe as Recipe

__version__ = "0.1.0"
__all__ = ["Recipe", "__version__", "animate", "generate"]


def __getattr__(name: str) -> object:
    # Loaded on first use: importing the package must stay quick inside a host.
    if name in ("animate", "generate"):
        from t2c_ext import api

        return getattr(api, name)
    if name == "Recipe":
        from t2c_ext.recipe import Recipe

        return Recipe
    raise AttributeError(f"module 't2c_ext' has no attribute {name!r}")
