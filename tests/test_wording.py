"""What each face says of an error, and that what is below the faces speaks no face's language."""

from __future__ import annotations

import ast
import copy
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from t2c_ext.errors import DOWNLOAD, RUN, UserError, Way
from t2c_ext.region.find import RegionNotFound
from t2c_ext.settings import table
from t2c_ext.types import Region
from t2c_ext.wording import COMMAND_LINE, PAGE, REQUEST, say

PACKAGE = Path(__file__).parents[1] / "t2c_ext"
FACES = ("cli", "app.py", "wording.py")
"""Rooms that are a face, or hold the words of one."""

OF_ANOTHER = ("ray start --head", "--enable-insecure-extension-access", "t2c app --allow-host NAME")
"""Commands of other programs, and what whoever starts a server reads in the browser."""

ERRORS = {
    "nothing": (UserError("the picture is damaged"), ("the picture is damaged",) * 4),
    "several ways": (
        UserError(
            "nothing moves",
            ways=[Way("name it", "motion"), Way("paint a mask", "mask"), Way("keep the pictures", "workspace")],
        ),
        (
            "nothing moves; name it (--motion), paint a mask (--mask), or keep the pictures (--workspace)",
            "nothing moves; name it (Motion), paint it on the canvas, or keep the pictures",
            "nothing moves; name it (motion), paint a mask (mask), or keep the pictures",
            "nothing moves; name it (motion), paint a mask (mask), or keep the pictures (workspace)",
        ),
    ),
    "a value": (
        UserError("no picture came", ways=[Way("try another precision", "precision", "fp32 or bf16")]),
        (
            "no picture came; try another precision (--precision fp32 or bf16)",
            "no picture came; try another precision (Precision fp32 or bf16)",
            "no picture came; try another precision (precision fp32 or bf16)",
            "no picture came; try another precision (precision fp32 or bf16)",
        ),
    ),
    "a setting": (
        UserError("is 9, but must be less", setting="phase_spread"),
        (
            "--phase-spread is 9, but must be less",
            "Phase spread is 9, but must be less",
            "phase_spread is 9, but must be less",
            "phase_spread is 9, but must be less",
        ),
    ),
    "an option with another name": (
        UserError("is no drawing", setting="hints"),
        ("--arrows is no drawing", "Hints is no drawing", "hints is no drawing", "hints is no drawing"),
    ),
    "a download": (
        UserError("the model x is not here", ways=[Way("get x", DOWNLOAD, "x")]),
        (
            "the model x is not here; get it with: t2c models download x",
            'the model x is not here; get x in the list "Models" of the Cinemagraph page',
            "the model x is not here; get x",
            "the model x is not here; get x",
        ),
    ),
    "a workspace": (
        UserError("f is a workspace", ways=[Way("run it by itself", RUN, "f")]),
        (
            "f is a workspace; run it with: t2c run f",
            "f is a workspace; run it by itself",
            "f is a workspace; run it by itself",
            "f is a workspace; run it by itself",
        ),
    ),
    "a place": (
        UserError("is 9", setting="speed").within("a.json").within("b"),
        ("b: a.json: --speed is 9", "b: a.json: Speed is 9", "b: a.json: speed is 9", "b: a.json: speed is 9"),
    ),
    "what looks like a template": (
        UserError("{0} {} is %s", ways=[Way("get {x}", DOWNLOAD, "{}")]),
        (
            "{0} {} is %s; get it with: t2c models download {}",
            '{0} {} is %s; get {} in the list "Models" of the Cinemagraph page',
            "{0} {} is %s; get {x}",
            "{0} {} is %s; get {x}",
        ),
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_each_face_has_its_words(case: str) -> None:
    error, sentences = ERRORS[case]
    assert (say(error, COMMAND_LINE), say(error, PAGE), say(error, REQUEST), str(error)) == sentences


@pytest.mark.parametrize("case", ERRORS)
def test_an_error_that_crosses_processes_says_the_same(case: str) -> None:
    error, _ = ERRORS[case]
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (str(other), say(other, COMMAND_LINE)) == (str(error), say(error, COMMAND_LINE))


def test_a_question_crosses_processes() -> None:
    region = Region("river", np.ones((2, 3), np.float32), 1.0, "x")
    error = RegionNotFound("I could not find the sea", ["sea"], [region], numbers=False)
    other = pickle.loads(pickle.dumps(error))
    assert (str(other), other.words, other.candidates[0].name) == (str(error), ("sea",), "river")
    assert say(other.shown_in(Path("o.png")), COMMAND_LINE) == (
        'I could not find the sea; choose one of these regions, which are drawn in o.png: 1 "river" (--region NAME), '
        "or paint a mask (--mask)"
    )


def test_an_error_stays_one_line() -> None:
    error = UserError("a\nb", ways=[Way("c\td", "mask", "e\rf")]).within("g\nh")
    assert say(error, COMMAND_LINE) == r"g\nh: a\nb; c\td (--mask e\rf)"


def test_a_folder_can_be_left_out_of_words_and_place() -> None:
    error = UserError("/srv/a is b", setting="speed", ways=[Way("c")]).within("/srv/d").without("/srv/")
    assert (str(error), error.setting, error.problem) == ("d: speed a is b; c", "speed", "a is b")


def texts(path: Path) -> Iterator[str]:
    """The texts of a module that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value


CORE = [path for path in sorted(PACKAGE.rglob("*.py")) if path.relative_to(PACKAGE).parts[0] not in FACES]


def test_no_text_of_the_core_names_an_option_or_a_command() -> None:
    said = [(path, text) for path in CORE if path.name != "style.py" for text in texts(path)]
    assert len(said) > 3000
    for path, text in said:
        rest = text
        for command in OF_ANOTHER:
            rest = rest.replace(command, "")
        assert not re.search(r"(^|[\s(])--[a-z]|\bt2c (?!\{)[a-z]+", rest), f"{path.relative_to(PACKAGE)}: {text}"


def test_every_way_goes_by_what_the_command_line_has() -> None:
    found = []
    for path in CORE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Way" and len(node.args) > 1:
                found.append((path, node.args[1]))
    assert len(found) > 15
    for path, by in found:
        if isinstance(by, ast.Constant):
            assert COMMAND_LINE.name(by.value), f"{path.relative_to(PACKAGE)}: the command line has no {by.value}"
        else:
            assert ast.unparse(by) in ("DOWNLOAD", "RUN")


def test_every_option_of_a_way_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    from t2c_ext.cli import main

    offered = ""
    for command in ("animate", "batch", "app"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        offered += capsys.readouterr().out
    for option in (*COMMAND_LINE.others.values(), *(row.flag for row in table())):
        assert re.search(rf"{option}\b", offered), option
