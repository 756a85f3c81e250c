"""`t2c`, the command line; one module for each command."""

from t2c_ext.cli.parser import main

__all__ = ["main"]
