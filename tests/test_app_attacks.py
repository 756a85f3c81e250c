"""The app as it is served, attacked; with the Gradio of T2C_APP_PYTHON's environment, or this one's."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

pytest.importorskip("gradio", reason="Gradio is not installed")

from attacks import ATTACKS, TAKEN, Attack, Target, picture
from browser.studio_app import served


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    place = tmp_path_factory.mktemp("attacked").resolve()
    outside = place / "outside"
    outside.mkdir()
    (outside / "secret.png").write_bytes(picture((80, 40)))
    with served(place / "work") as address:
        yield Target(address, place / "work", outside)


@pytest.mark.thorough
@pytest.mark.parametrize("attack", [row for row in ATTACKS if not row.slow], ids=lambda row: row.run.__name__)
def test_the_app_lets_no_one_in(target: Target, attack: Attack) -> None:
    outcome = attack.run(target)
    assert outcome.held, f"{attack.name}: {outcome.how}"


def test_a_visitor_s_own_picture_is_taken(target: Target) -> None:
    assert TAKEN in target.put_in(picture()).body, "else nothing above would show"
    assert not sys.platform.startswith("linux") or target.memory() > 0
