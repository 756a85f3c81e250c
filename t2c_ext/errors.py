"""The two ways in which a run ends early."""

from __future__ import annotations


class UserError(ValueError):
    """Something the user can mend; its message is one line that says what is wrong and what to do."""


class Cancelled(Exception):
    """The user stopped the run; what was finished is kept."""
