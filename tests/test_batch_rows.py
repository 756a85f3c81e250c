"""Lists and sweeps: what becomes a row, what each row's files are called, and what is said of broken ones."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t2c_ext.batch.outcome import DONE, FAILED, Outcome, from_document
from t2c_ext.batch.plan import BROKEN, fingerprint, make_plan
from t2c_ext.batch.rows import Broken, Row, read_list, rows_from
from t2c_ext.batch.sweep import multiplied, parse_sweep
from t2c_ext.errors import UserError
from t2c_ext.recipe import Recipe

MODEL = Recipe().with_values({"model": "sd15.safetensors"})


def rows_of(place: Path, base: Recipe = MODEL) -> list[Row]:
    rows = read_list(place, base)
    assert all(isinstance(row, Row) for row in rows), rows
    return [row for row in rows if isinstance(row, Row)]


def broken_of(place: Path, base: Recipe = MODEL) -> list[tuple[str, str]]:
    return [(row.label, row.reason) for row in read_list(place, base) if isinstance(row, Broken)]


def written(place: Path, text: str) -> Path:
    place.write_text(text, encoding="utf-8")
    return place


def test_lines_of_json_name_a_picture_or_a_prompt_and_any_setting(tmp_path: Path) -> None:
    for name in ("a.png", "m.png", "n.png"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "arrows.json").write_text('{"version": 1, "pins": [[0.5, 0.5]]}')
    lines = [
        {"picture": "a.png", "mask": "m.png", "speed": 2, "arrows": "arrows.json"},
        {"prompt": "a river flowing left, ukiyo-e", "seed": 7, "name": "My River"},
        {"image": "a.png", "mask": {"river": "m.png", "clouds": "n.png"}},
    ]
    place = written(tmp_path / "list.jsonl", "\n\n".join(json.dumps(line) for line in lines))
    first, second, third = rows_of(place)
    assert (first.picture, first.masks, first.wanted) == (str(tmp_path / "a.png"), str(tmp_path / "m.png"), "a")
    assert first.recipe.motion.speed == 2 and json.loads(first.recipe.motion.hints)["pins"] == [[0.5, 0.5]]
    assert (second.wanted, second.recipe.prompt.seed, second.picture) == ("My River", 7, None)
    assert second.label == "list.jsonl, line 3"
    assert third.masks == {"river": str(tmp_path / "m.png"), "clouds": str(tmp_path / "n.png")}


def test_a_row_has_a_depth_or_that_of_the_command(tmp_path: Path) -> None:
    for name in ("a.png", "d.png", "e.npy"):
        (tmp_path / name).write_bytes(b"x")
    lines = [{"picture": "a.png", "depth": "d.png"}, {"picture": "a.png"}, {"picture": "a.png", "depth": "gone.png"}]
    place = written(tmp_path / "list.jsonl", "\n".join(json.dumps(line) for line in lines))
    own, usual, gone = read_list(place, Recipe(), depth=str(tmp_path / "e.npy"))
    assert isinstance(own, Row) and own.depth == str(tmp_path / "d.png") and own.depth in own.files
    assert isinstance(usual, Row) and usual.depth == str(tmp_path / "e.npy")
    assert isinstance(gone, Broken) and "its depth gone.png" in gone.reason
    without = replace(usual, depth=None)
    assert len({fingerprint(row) for row in (own, usual, without)}) == 3


@pytest.mark.parametrize("divider", [",", ";", "\t"])
def test_a_table_has_a_setting_in_each_column(tmp_path: Path, divider: str) -> None:
    (tmp_path / "m.png").write_bytes(b"x")
    header = divider.join(("prompt", "seed", "speed", "mask.river"))
    body = divider.join(('"a river\nflowing left"', "3", "", "m.png"))
    first, second = rows_of(written(tmp_path / "list.csv", f"{header}\n{body}\n{divider * 3}\nsea{divider}4\n"))
    assert (first.recipe.prompt.prompt, first.recipe.prompt.seed) == ("a river\nflowing left", 3)
    assert (first.recipe.motion.speed, first.masks) == (1.0, {"river": str(tmp_path / "m.png")})
    assert (second.recipe.prompt.prompt, second.recipe.prompt.seed, second.wanted) == ("sea", 4, "sea")
    assert second.label == "list.csv, line 5"


def test_a_text_has_a_prompt_in_each_line(tmp_path: Path) -> None:
    rows = rows_of(written(tmp_path / "list.txt", "# scenes\na river flowing left\n\n  a waterfall\n"))
    assert [row.recipe.prompt.prompt for row in rows] == ["a river flowing left", "a waterfall"]
    assert [row.wanted for row in rows] == ["a-river-flowing-left", "a-waterfall"]


def test_a_folder_has_a_picture_in_each_row_and_stems_that_several_have_get_their_endings(tmp_path: Path) -> None:
    for name in ("b.png", "a.png", "a.jpg", ".hidden.png", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    rows = rows_of(tmp_path, Recipe())
    assert [row.wanted for row in rows] == ["a-jpg", "a-png", "b"]


BROKEN_LINES = {
    '{"picture": "gone.png"}': "cannot read its picture gone.png: there is no such file",
    '{"prompt": "sea", "speed": "fast"}': "speed is 'fast', but must be a number",
    '{"prompt": "sea", "sped": 2}': "there is no setting called 'sped'",
    '{"prompt": "sea"': "the row is not valid JSON: Expecting ',' delimiter",
    "[1, 2]": "the row is a list, but must be an object: {...}",
    '{"speed": 2}': "it names neither a picture nor a prompt",
    '{"prompt": "sea", "mask": 3}': "its mask is of type int; name a file",
    '{"prompt": "sea", "arrows": "{}"}': "hints",
}


@pytest.mark.parametrize("line", BROKEN_LINES)
def test_a_broken_row_is_told_by_its_line_and_the_others_stand(tmp_path: Path, line: str) -> None:
    place = written(tmp_path / "list.jsonl", f'{{"prompt": "sky"}}\n{line}\n{{"prompt": "river"}}\n')
    ((label, reason),) = broken_of(place)
    assert label == "list.jsonl, line 2" and BROKEN_LINES[line] in reason and "\n" not in reason
    assert sum(isinstance(row, Row) for row in read_list(place, MODEL)) == 2


def test_a_prompt_without_a_model_is_drawn_by_the_built_in_one(tmp_path: Path) -> None:
    (row,) = rows_of(written(tmp_path / "list.txt", "a river\n"), Recipe())
    assert row.recipe == Recipe().with_values({"prompt": "a river"}).with_some_model()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("list.csv", "prompt,sped\nsea,2\n", "line 1: there is no setting called 'sped'"),
        ("list.csv", "prompt,prompt\nsea,2\n", "line 1: the column 'prompt' is there twice"),
        ("list.txt", "\n# nothing\n", "holds no rows"),
        ("list.doc", "x", "is no list"),
    ],
)
def test_a_list_that_cannot_be_meant_is_refused(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        read_list(written(tmp_path / name, text), MODEL)


def test_pythons_rows_are_mappings_prompts_and_paths(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    rows = rows_from([{"prompt": "sea", "seed": 2}, "a river", tmp_path / "a.png"], MODEL)
    assert [row.wanted for row in rows] == ["sea", "a-river", "a"]
    assert [row.label for row in rows] == ["row 1", "row 2", "row 3"]


# --- sweeps -----------------------------------------------------------------------------------------------------------


def test_a_sweep_takes_lists_ranges_and_quoted_texts() -> None:
    sweep = parse_sweep(
        ["speed=0.5,1,2", "seed=1..4", "guidance=3..9:2", 'motion="river left, clouds right",river right', "flip=true"]
    )
    assert sweep == {
        "speed": (0.5, 1.0, 2.0),
        "seed": (1, 2, 3, 4),
        "guidance": (3.0, 5.0, 7.0, 9.0),
        "motion": ("river left, clouds right", "river right"),
        "flip": (True,),
    }


def test_a_sweep_multiplies_rows_and_names_them() -> None:
    rows = multiplied(rows_from(["sea", "river"], MODEL), parse_sweep(["speed=0.5,1", "seed=1..2"]))
    assert [row.wanted for row in rows[:4]] == [
        "sea-speed-0.5-seed-1", "sea-speed-0.5-seed-2", "sea-speed-1-seed-1", "sea-speed-1-seed-2",
    ]  # fmt: skip
    made = [row for row in rows if isinstance(row, Row)]
    assert [row.group for row in made] == [0] * 4 + [1] * 4
    assert [(row.recipe.motion.speed, row.recipe.prompt.seed) for row in made[:4]] == [
        (0.5, 1), (0.5, 2), (1.0, 1), (1.0, 2),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["speed", "sped=1", "speed=fast", "seed=4..1", "speed=", "seed=0..99999999"])
def test_a_sweep_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(UserError):
        multiplied(rows_from(["sea"], MODEL), parse_sweep([text]))


# --- names, and what is left to do ------------------------------------------------------------------------------------


def outcome(name: str, fingerprint: str, **more: object) -> Outcome:
    return Outcome(name, DONE, fingerprint=fingerprint, file=f"{name}.mp4", bytes=1, **more)  # type: ignore[arg-type]


def done(planned: object) -> Outcome:
    return outcome(planned.name, planned.fingerprint, origin=planned.origin)  # type: ignore[attr-defined]


@given(st.lists(st.sampled_from(["sea", "SEA", "Sea-2", "river", "index", "unfinished"]), min_size=1, max_size=12))
def test_every_row_has_files_of_its_own_and_keeps_them(names: list[str]) -> None:
    rows = rows_from([{"prompt": f"{number}", "name": name} for number, name in enumerate(names)], MODEL)
    plan = make_plan(rows, [], lambda row: True)
    folded = [planned.name.casefold() for planned in plan.todo]
    assert len(set(folded)) == len(rows) and not {"index", "unfinished", "batch"} & set(folded)
    assert len({planned.key for planned in plan.todo}) == len(rows)
    # whichever of them are done, the others keep their names and what is unfinished of them
    half = [done(planned) for planned in plan.todo[::2]]
    again = make_plan(rows, half, lambda row: True)
    assert [row.name for row in again.finished] == [row.name for row in half]
    assert {(row.name, row.key) for row in again.todo} == {(row.name, row.key) for row in plan.todo[1::2]}


def test_rows_that_are_the_same_are_made_once_each() -> None:
    rows = rows_from(["sea", "sea"], MODEL)
    first, second = make_plan(rows, [], lambda row: True).todo
    assert (first.name, second.name) == ("sea", "sea-2") and first.fingerprint == second.fingerprint
    left = make_plan(rows, [done(second)], lambda row: True)
    assert [row.name for row in left.finished] == ["sea-2"]
    assert [(row.name, row.key) for row in left.todo] == [("sea", first.key)]


def test_a_changed_row_takes_its_own_loops_place_and_a_new_one_none() -> None:
    before = [done(planned) for planned in make_plan(rows_from(["sea", "river"], MODEL), [], lambda row: True).todo]
    changed = rows_from([{"prompt": "storm", "name": "sea"}, {"prompt": "sea", "speed": 2}, "river"], MODEL)
    plan = make_plan(changed, before, lambda row: True)
    assert [row.name for row in plan.finished] == ["river"]
    assert [row.name for row in plan.todo] == ["sea", "sea-2"], "two rows want the name; the first one has it"
    other = make_plan(rows_from([{"prompt": "storm", "name": "sea"}], MODEL), before, lambda row: True, "another list")
    assert [row.name for row in other.todo] == ["sea-2"], "a row of another list replaces no loop of this one"


def test_a_loop_that_is_gone_or_whose_picture_changed_is_made_again(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(b"one")
    rows = rows_from([picture], Recipe())
    (planned,) = make_plan(rows, [], lambda row: True).todo
    state = picture.stat()
    inputs = {str(picture): {"bytes": 3, "time": state.st_mtime_ns, "digest": ""}}
    finished = outcome(planned.name, planned.fingerprint, inputs=inputs)
    assert make_plan(rows, [finished], lambda row: True).finished
    assert make_plan(rows, [finished], lambda row: False).todo
    picture.write_bytes(b"other")
    (again,) = make_plan(rows, [finished], lambda row: True).todo
    assert again.name == planned.name


def test_a_job_of_ray_goes_on_wherever_its_files_are_laid_out(tmp_path: Path) -> None:
    plans = []
    for package in ("_ray_pkg_0a1b", "_ray_pkg_2c3d"):
        folder = tmp_path / package
        folder.mkdir()
        (folder / "a.png").write_bytes(b"one")
        rows = rows_from([folder / "a.png"], Recipe())
        plans.append(make_plan(rows, [done(plan.todo[0]) for plan in plans], lambda row: True, f"{folder}/list.csv"))
    assert len(plans[0].todo) == 1 and len(plans[1].finished) == 1


def test_a_picture_that_only_its_time_tells_from_before_is_the_same(tmp_path: Path) -> None:
    from t2c_ext.batch.inputs import is_as_it_was, state_of

    picture = tmp_path / "a.png"
    picture.write_bytes(b"one")
    before = state_of(str(picture)) | {"time": 1}
    assert is_as_it_was(str(picture), before)
    assert not is_as_it_was(str(picture), before | {"digest": "other"})


def test_a_broken_row_is_an_outcome() -> None:
    (only,) = make_plan([Broken("list.csv, line 3", "sea", "it is broken")], [], lambda row: True).broken
    assert (only.state, only.error, only.kind, only.label) == (FAILED, "it is broken", BROKEN, "list.csv, line 3")


def test_an_outcome_is_read_as_it_was_written() -> None:
    full = outcome("sea", "f", size=(3, 4), notes=("a",), seconds={"loop": 0.5}, swept={"speed": 2.0}, group=3)
    assert from_document(json.loads(json.dumps(full.to_document()))) == full
