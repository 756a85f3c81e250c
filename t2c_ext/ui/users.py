"""The users and passwords that the app lets in, from where no other user of the machine sees them."""

from __future__ import annotations

from pathlib import Path

from t2c_ext.documents import read_text
from t2c_ext.errors import UserError

VARIABLE = "T2C_AUTH"
"""The environment's variable with pairs USER:PASSWORD, separated by commas."""

LARGEST = 64_000
"""Bytes of a file of users."""


def pair(text: str, where: str) -> tuple[str, str]:
    """User and password; UserError when it is no such pair, without showing it."""
    user, colon, password = text.partition(":")
    if not (user.strip() and colon and password):
        raise UserError(f"{where} must be USER:PASSWORD")
    return user.strip(), password


def from_variable(value: str) -> list[tuple[str, str]]:
    """The pairs of the environment's variable; UserError where one is none."""
    return [pair(text.strip(), f"each part of {VARIABLE}") for text in value.split(",") if text.strip()]


def from_file(path: Path) -> list[tuple[str, str]]:
    """The pairs of a file, one on a line; empty lines and those that begin with # are passed over.

    Raises:
        UserError: it cannot be read, holds something else, or nobody.
    """
    rows = [
        pair(line, f"line {number} of {path}")
        for number, line in enumerate(read_text(path, LARGEST).splitlines(), 1)
        if line.strip() and not line.startswith("#")
    ]
    if not rows:
        raise UserError(f"{path} names no user; give a file with USER:PASSWORD on each line")
    return rows
