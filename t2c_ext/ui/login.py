"""The door where the app asks for a password; the same before every Gradio, and before all that it serves."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape
from urllib.parse import parse_qs

from t2c_ext.ui.asgi import Header
from t2c_ext.ui.limits import Throttle

LARGEST = 4_096
"""Bytes of a form with a name and a password."""

HEADERS: tuple[Header, ...] = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"),
    (b"cache-control", b"no-store"),
)

_STYLE = (
    "body{font:16px system-ui,sans-serif;display:grid;place-items:center;min-height:90vh;color-scheme:light dark}"
    "form{display:grid;gap:.75rem;width:min(20rem,90vw)}input,button{font:inherit;padding:.5rem;width:100%;"
    "box-sizing:border-box}p{min-height:1.5em;margin:0}"
)


@dataclass(frozen=True)
class Login:
    """Who may come in.

    Attributes:
        users: pairs of user and password.
        tries: how often a wrong one may be given.
    """

    users: Sequence[tuple[str, str]]
    tries: Throttle = field(default_factory=Throttle)

    def admits(self, form: bytes) -> bool:
        """Whether a form holds one of the pairs; takes as long for a wrong one as for a right one."""
        try:
            fields = parse_qs(form.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=8)
        except ValueError:  # more fields than the form has
            return False
        given = _digest(fields.get("user", [""])[0], fields.get("password", [""])[0])
        return any([hmac.compare_digest(given, _digest(*pair)) for pair in self.users])


def _digest(user: str, password: str) -> bytes:
    """The same length for all."""
    return sha256(sha256(user.encode()).digest() + sha256(password.encode()).digest()).digest()


def page(title: str, sentence: str = "") -> str:
    """The form (HTML)."""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<style>{_STYLE}</style>"
        f'<form method="post" action="login"><h1>{escape(title)}</h1><p role="alert">{escape(sentence)}</p>'
        '<label>User <input name="user" autocomplete="username" required autofocus></label>'
        '<label>Password <input name="password" type="password" autocomplete="current-password" required></label>'
        "<button>Log in</button></form></html>"
    )
