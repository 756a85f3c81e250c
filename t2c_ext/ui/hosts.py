"""The names under which the app may be asked, and by whose pages.

A page of another site can have a browser ask any address, that of this machine too. What it asks is known by `Origin`
and `Sec-Fetch-Site`; what it asks under a name of its own that it has pointed here (DNS rebinding), by `Host`.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from t2c_ext.ui.asgi import Message, header

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Names of this machine that it alone reaches."""

DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass
class Hosts:
    """Where the app may be reached.

    Attributes:
        names: of the address that it listens at, in small letters.
        given: further ones, such as that of a proxy before it; their pages may be of another scheme or port.
        numbers: whether any address in numbers will do, for it cannot be pointed elsewhere; true where the app listens
            at all addresses of the machine.
    """

    names: set[str]
    given: set[str] = field(default_factory=set)
    numbers: bool = False

    @classmethod
    def of(cls, address: str, given: Iterable[str] = ()) -> Hosts:
        """Those of an app that listens at an address or name."""
        own, more = address.lower(), {name.lower() for name in given}
        if _number(own) and ipaddress.ip_address(own).is_unspecified:
            machine = socket.gethostname().lower()
            return cls({*LOOPBACK, machine, f"{machine}.local"}, more, numbers=True)
        if only_here(own):
            return cls({*LOOPBACK, own}, more)
        machine = socket.gethostname().lower()
        return cls({own, machine, f"{machine}.local"}, more)

    def allows(self, host: str) -> bool:
        """Whether a request's `Host` is one of them."""
        name, _ = _name_and_port(f"//{host}")
        return name in self.names | self.given or (self.numbers and _number(name))

    def same_site(self, origin: str, host: str) -> bool:
        """Whether a page of that `Origin` may ask under that `Host`."""
        name, port = _name_and_port(origin)
        return bool(name) and (
            name in self.given or (name, port) == _name_and_port(f"//{host}", urlsplit(origin).scheme)
        )


def only_here(address: str) -> bool:
    """Whether a server that listens at an address or name is reached by this machine alone."""
    name = address.lower()
    return name == "localhost" or (_number(name) and ipaddress.ip_address(name).is_loopback)


def from_elsewhere(scope: Message, hosts: Hosts) -> bool:
    """Whether another site's page has a browser ask this; to follow a link to the page itself is no such thing."""
    origin, host = header(scope, "origin"), header(scope, "host")
    if origin and not hosts.same_site(origin, host):
        return True
    followed = scope["type"] == "http" and scope["path"] == "/" and scope["method"] in ("GET", "HEAD")
    followed = followed and header(scope, "sec-fetch-mode") == "navigate"
    return not origin and not followed and header(scope, "sec-fetch-site") in ("cross-site", "same-site")


def _name_and_port(address: str, scheme: str = "") -> tuple[str, int | None]:
    """Name and port of an address; the name is "" where it cannot be read."""
    try:
        parts = urlsplit(address)
        name, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return "", None
    if "@" in parts.netloc:
        return "", None
    return name, port if port is not None else DEFAULT_PORTS.get(parts.scheme or scheme)


def _number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
