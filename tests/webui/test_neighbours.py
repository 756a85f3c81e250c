"""Beside extensions that hook into the same places, as ControlNet and ADetailer do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from webui.conftest import Fresh, assert_no_trace, fresh_state
from webui.requests import ask, largest_difference, moves, twinned, txt2img
from webui.server import Host, Server, running

pytestmark = pytest.mark.usefixtures("only_a1111")

STAND_INS = Path(__file__).parent / "neighbours"


@pytest.fixture(scope="module")
def neighbourhood(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Fresh]]:
    with running(host, tmp_path_factory.mktemp("neighbours"), extensions=[STAND_INS]) as server:
        yield server, fresh_state(server)


def _neighbours(control: bool = False, reference: bool = False, detail: bool = False) -> dict[str, Any]:
    return {"Control stand-in": {"args": [control, reference]}, "Detail stand-in": {"args": [detail]}}


@pytest.mark.parametrize("kind", ["control", "detail"])
@pytest.mark.parametrize("size", [1, 2])
def test_a_neighbour_works_with_the_twin(neighbourhood: tuple[Server, Fresh], kind: str, size: int) -> None:
    server, fresh = neighbourhood
    server.post("/probe/reset")
    request, guests = txt2img(batch_size=size), _neighbours(**{kind: True})
    bare = ask(server, request)
    plain = ask(server, request | {"alwayson_scripts": guests})
    assert largest_difference(bare.pictures[0], plain.pictures[0]) > 1
    server.post("/probe/reset")
    paired = ask(server, request | {"alwayson_scripts": guests | twinned()})
    assert len(paired.pictures) == size
    assert max(map(largest_difference, plain.pictures, paired.pictures)) <= 1
    assert len(paired.loops) == size and all(map(moves, paired.loops)) and not paired.notes
    sessions = server.get("/probe/seen")["sessions"]
    assert [(session["injection"], session["capture"], session["attached"]) for session in sessions] == [(17, 20, 0)]
    assert_no_trace(server, fresh)


def test_a_second_run_of_the_layers_is_declined_with_a_sentence(neighbourhood: tuple[Server, Fresh]) -> None:
    server, fresh = neighbourhood
    server.post("/probe/reset")
    guests = _neighbours(control=True, reference=True)
    plain = ask(server, txt2img(alwayson_scripts=guests))
    paired = ask(server, txt2img(alwayson_scripts=guests | twinned()))
    assert largest_difference(plain.pictures[0], paired.pictures[0]) <= 1
    assert any("no twin was made" in note and "reference" in note for note in paired.notes), paired.notes
    assert moves(paired.loops[0])
    assert_no_trace(server, fresh)
