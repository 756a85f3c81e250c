"""The place at which the app listens, taken before anything slow is begun, so that a wrong one is told at once."""

from __future__ import annotations

import errno
import os
import socket

from t2c_ext.errors import UserError, Way

PORTS = range(7860, 7960)
"""Tried one after the other where none is asked for; Gradio's."""

_BACKLOG = 128


def listen(host: str, port: int | None = None) -> socket.socket:
    """A socket that listens there.

    Args:
        host: an address or name of this machine.
        port: 1..65535; None: the first free one of `PORTS`.

    Raises:
        UserError: there is no such address, it is not this machine's, or the port is taken or not to be had.
    """
    if port is not None and not 1 <= port <= 65535:
        raise UserError(f"the port is {port}, but must be from 1 to 65535")
    family, address = _resolved(host)
    if port is not None:
        return _bound(family, address, port, host)
    for candidate in PORTS:
        try:
            return _bound(family, address, candidate, host)
        except _Taken:
            continue
    raise UserError(f"the ports {PORTS.start} to {PORTS.stop - 1} are all taken", ways=[Way("give another", "port")])


class _Taken(UserError):
    """Something else listens there."""


def _resolved(host: str) -> tuple[socket.AddressFamily, str]:
    """The family and number of an address; those of IPv4 first."""
    try:
        rows = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM) if host else []
    except (OSError, UnicodeError):
        rows = []
    rows.sort(key=lambda row: row[0] != socket.AF_INET)
    if not rows:
        raise UserError(f"is {host!r}, which is no address or known name; give one of this computer's", setting="host")
    return rows[0][0], str(rows[0][4][0])


def _bound(family: socket.AddressFamily, address: str, port: int, host: str) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # else a stopped app holds it for minutes
        else:
            listening.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE"), 1)  # noqa: B009
        if family == socket.AF_INET6 and address == "::":
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listening.bind((address, port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise _why_not(error, host, port) from None
    return listening


def _why_not(error: OSError, host: str, port: int) -> UserError:
    if error.errno == errno.EADDRINUSE:
        return _Taken(f"port {port} of {host} is taken by another program", ways=[Way("give another", "port")])
    if error.errno == errno.EACCES:
        return UserError(f"port {port} may not be used without administrator's rights; give one from 1024 on")
    if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
        return UserError(f"is {host}, which is no address of this computer; 0.0.0.0 means all of them", setting="host")
    return UserError(f"cannot listen at {host}, port {port}: {error.strerror or error}")
