"""One WebUI for all tests that need no special one; skipped where none is named."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from webui.browser import chromium, opened_page
from webui.kinds import A1111, kind_of
from webui.models import write_lora, write_miniature, write_vae
from webui.requests import ask, txt2img
from webui.server import Host, Server, running


@pytest.fixture(scope="session")
def host(pytestconfig: pytest.Config) -> Host:
    """The checkout that is named by --webui-dir or T2C_WEBUI_DIR."""
    folder = pytestconfig.getoption("--webui-dir") or os.environ.get("T2C_WEBUI_DIR")
    if not folder:
        pytest.skip("no WebUI is named; give --webui-dir (or T2C_WEBUI_DIR)")
    place = Path(folder).resolve()
    if not (place / "launch.py").is_file():
        pytest.fail(f"{place} is no WebUI: it has no launch.py")
    own = next((path for path in (place / "venv/bin/python", place / "venv/Scripts/python.exe") if path.exists()), None)
    python = pytestconfig.getoption("--webui-python") or os.environ.get("T2C_WEBUI_PYTHON") or own
    if not python:
        pytest.fail("the WebUI has no venv of its own; name its Python by --webui-python (or T2C_WEBUI_PYTHON)")
    cache = pytestconfig.cache
    models = cache.mkdir(f"{kind_of(place).name}-models") if cache is not None else place / "models"
    return Host(place, Path(python), models)


@pytest.fixture(scope="session")
def only_a1111(host: Host) -> None:
    """For what the forks do not have, or do in another way."""
    if host.kind is not A1111:
        pytest.skip("only AUTOMATIC1111's WebUI has this")


@dataclass(frozen=True)
class Fresh:
    """What a server was like before anything of ours ran in it.

    Attributes:
        picture: the ordinary picture.
        state: the probe's.
    """

    picture: np.ndarray
    state: dict[str, Any]


def fresh_state(server: Server) -> Fresh:
    """Ask a server that has just started."""
    return Fresh(ask(server, txt2img()).pictures[0], server.get("/probe/state"))


def assert_no_trace(server: Server, fresh: Fresh) -> None:
    """No hook is left, the next ordinary picture is a fresh server's, and the weights are as they were.

    The host takes a LoRA off, or the VAE of one picture, when the next picture begins; so weights are looked at last.
    """
    server.post("/probe/reset")
    left = {name: value for name, value in server.get("/probe/state").items() if name != "weights"}
    assert left == {name: value for name, value in fresh.state.items() if name != "weights"}
    same = np.array_equal(ask(server, txt2img()).pictures[0], fresh.picture)
    assert same, "the next ordinary picture is not a fresh server's"
    assert server.get("/probe/state") == fresh.state


@pytest.fixture(scope="session")
def shared_server(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Fresh]]:
    """A server with its page, and what it was like at first."""
    host.prepare(["sd1"])
    write_lora(host.models, host.kind.widths)
    write_vae(host.models, host.kind.checkpoint("sd1"))
    if host.kind is A1111:  # the forks know a checkpoint by its width, which the miniature's is not
        write_miniature(host.models)
    with running(host, tmp_path_factory.mktemp("webui"), page=True) as server:
        yield server, fresh_state(server)


@pytest.fixture
def server(shared_server: tuple[Server, Fresh]) -> Iterator[Server]:
    """The shared server; after each test there is no trace of it."""
    found, fresh = shared_server
    found.post("/probe/reset")
    yield found
    assert_no_trace(found, fresh)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium."""
    yield from chromium()


@pytest.fixture
def page(server: Server, browser: Any, tmp_path: Path) -> Iterator[Any]:
    """The WebUI's page."""
    yield from opened_page(server, browser, tmp_path)
