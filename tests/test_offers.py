"""What is offered where nothing was found surely, and what becomes of the choice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from t2c_ext.cli.parser import main
from t2c_ext.jobs import make_job
from t2c_ext.pipeline import Pipeline
from t2c_ext.recipe import Recipe
from t2c_ext.region.find import RegionNotFound, find_regions
from t2c_ext.region.offers import bind, offers, take
from t2c_ext.region.overlay import TINTS, numbered
from t2c_ext.settings import RegionSettings
from t2c_ext.types import FloatArray, Region, Stage
from t2c_ext.workspace import Workspace

PLAIN = RegionSettings(segmenter="clusters", matte="off", feather=0)
BLANK = np.zeros((30, 40, 3), np.float32)
BRIGHT = np.ones((30, 40, 3), np.float32)


def strip(left: int, right: int, value: float = 1.0) -> FloatArray:
    mask = np.zeros((30, 40), np.float32)
    mask[:, left:right] = value
    return mask


class Knows:
    """Fixed answers: for words (masks and scores, of dark and of bright pictures), and a fixed proposal."""

    name, limits, threshold = "knows", "", 0.5

    def __init__(
        self, answers: dict[str, Region], proposed: Sequence[Region] = (), bright: float | None = None
    ) -> None:
        self.answers, self.proposed, self.bright = answers, list(proposed), bright

    def segment(self, picture: FloatArray, words: Sequence[str]) -> list[Region]:
        score = self.bright if picture.max() > 0.5 else None
        rows = [self.answers[word] for word in words if word in self.answers]
        return [Region(row.name, row.mask, row.score if score is None else score) for row in rows]

    def propose(self, picture: FloatArray) -> list[Region]:
        return self.proposed


RIVER = Region("river", strip(0, 10), 0.3)
CLOUDS = Region("clouds", strip(10, 20), 0.2)
SEA = Region("possible water", strip(20, 30), 0.25)
ROCK = Region("region 1 (grey right)", strip(30, 40), 0.0)
UNSURE = Knows({"river": RIVER, "clouds": CLOUDS}, [ROCK, Region("possible water", strip(0, 9), 0.4), SEA])


def names(regions: Sequence[Region]) -> list[str]:
    return [region.name for region in regions]


def test_the_best_guess_comes_first_then_its_family_then_the_rest() -> None:
    assert names(offers(UNSURE, BLANK, ["clouds", "river"])) == [
        "possible river", "possible clouds", "possible water", "region 1 (grey right)",
    ]  # fmt: skip
    assert names(offers(UNSURE, BLANK, [])) == ["region 1 (grey right)", "possible water"], "of one name the first"


def test_a_guess_that_is_nowhere_likely_is_shown_where_it_is_likeliest() -> None:
    faint = Knows({"river": Region("river", strip(0, 10, 0.3) + strip(10, 20, 0.1), 0.1)})
    (offer,) = offers(faint, BLANK, ["river"])
    np.testing.assert_array_equal(offer.mask, strip(0, 10))
    assert offers(Knows({"river": Region("river", strip(0, 10, 0.05), 0.02)}), BLANK, ["river"]) == []


def test_offers_are_taken_by_name_by_number_and_as_the_best() -> None:
    offered = offers(UNSURE, BLANK, ["clouds", "river"])
    for asked, name in (
        ("best", "possible river"), ("Possible-Water", "possible water"), ("4", "region 1 (grey right)"),
        ("region 1", "region 1 (grey right)"),
    ):  # fmt: skip
        taken = take(offered, [asked])
        assert (names(taken.regions), taken.others) == ([name], ())
    assert take(offered, ["best", "1", "9", "sea"]).others == ("9", "sea")
    assert len(take(offered, ["best", "1"]).regions) == 1


@pytest.mark.parametrize(
    ("taken", "words", "bound"),
    [
        (["possible water"], ["river"], {"river": (20, 30)}),
        (["possible river", "possible water"], ["river"], {"river": (0, 10, 20, 30)}),
        (["region 1 (grey right)"], ["river"], {"river": (30, 40)}),
        (["possible river", "possible clouds"], ["clouds", "river"], {"river": (0, 10), "clouds": (10, 20)}),
        (["possible water", "region 1 (grey right)"], ["river", "clouds"], {"river": (20, 30), "clouds": (30, 40)}),
        (["possible water"], [], {"water": (20, 30)}),
        (["region 1 (grey right)", "possible water"], [], {"region 1 (grey right)": (30, 40), "water": (20, 30)}),
    ],
)
def test_what_was_said_of_a_word_holds_for_what_was_taken_for_it(
    taken: list[str], words: list[str], bound: dict[str, tuple[int, ...]]
) -> None:
    rows = {row.name: row for row in (SEA, ROCK, Region("possible river", strip(0, 10)),
                                      Region("possible clouds", strip(10, 20)))}  # fmt: skip
    found = bind([rows[name] for name in taken], words, [RIVER, CLOUDS])
    assert set(names(found)) == set(bound)
    for region in found:
        edges = bound[region.name]
        np.testing.assert_array_equal(region.mask, sum(map(strip, edges[::2], edges[1::2])))


def test_an_unnamed_piece_goes_to_the_word_whose_guess_lies_on_it() -> None:
    pieces = [Region("region 2 (blue top)", strip(12, 20)), Region("region 3 (brown left)", strip(0, 8))]
    found = {row.name: row.mask for row in bind(pieces, ["river", "clouds"], [RIVER, CLOUDS])}
    np.testing.assert_array_equal(found["clouds"], strip(12, 20))
    np.testing.assert_array_equal(found["river"], strip(0, 8))


def test_a_question_says_what_can_be_answered() -> None:
    with pytest.raises(RegionNotFound) as asked:
        find_regions(BLANK, ["river"], PLAIN, segmenter=UNSURE)
    assert '1 "possible river", 2 "region 1 (grey right)"' not in str(asked.value)
    assert '1 "possible river", 2 "possible water", 3 "region 1 (grey right)"' in str(asked.value)
    assert "(region best takes" in str(asked.value)
    for answer in [*names(asked.value.candidates), "best", "3"]:
        settings = RegionSettings(segmenter="clusters", matte="off", feather=0, region=answer)
        assert names(find_regions(BLANK, ["river"], settings, segmenter=UNSURE).regions) == ["river"]
    settings = RegionSettings(segmenter="clusters", matte="off", feather=0, region="river")
    with pytest.raises(RegionNotFound) as named:
        find_regions(BLANK, [], settings, segmenter=UNSURE)
    assert "(region NAME)" in str(named.value), "it would mean something else the next time"
    again = RegionSettings(segmenter="clusters", matte="off", feather=0, region=named.value.candidates[0].name)
    assert names(find_regions(BLANK, [], again, segmenter=UNSURE).regions) == ["river"]


def test_what_the_twin_does_not_show_is_sought_in_the_painting() -> None:
    sure_of_bright = Knows({"river": RIVER, "clouds": CLOUDS}, [ROCK], bright=0.9)
    found = find_regions(BLANK, ["river"], PLAIN, segmenter=sure_of_bright, painting=BRIGHT)
    assert names(found.regions) == ["river"] and "the painting itself: river" in found.notes[0]
    with pytest.raises(RegionNotFound) as asked:
        find_regions(BLANK, ["river"], PLAIN, segmenter=UNSURE, painting=BRIGHT)
    assert asked.value.picture is BRIGHT, "they are shown over what moves"
    assert find_regions(BRIGHT, ["river"], PLAIN, segmenter=sure_of_bright, painting=BLANK).notes == ()


def test_numbers_lie_on_their_regions_and_names_below() -> None:
    picture = np.full((240, 320, 3), 0.5, np.float32)
    regions = [Region("possible river", np.kron(strip(0, 20), np.ones((8, 8), np.float32))),
               Region("région 1", np.kron(strip(10, 40), np.ones((8, 8), np.float32)))]  # fmt: skip
    drawn = numbered(picture, regions)
    assert drawn.shape[0] > 240 and drawn.shape[1:] == (320, 3)
    blue, orange = (np.array(tint) * 0.32 + 0.68 * 0.5 for tint in TINTS[:2])
    np.testing.assert_allclose(drawn[10, 30] / 255, blue, atol=0.01)
    np.testing.assert_allclose(drawn[10, 120] / 255, blue, atol=0.01, err_msg="the first lies on top")
    np.testing.assert_allclose(drawn[10, 300] / 255, orange, atol=0.01)
    assert (drawn[40:200, 50:110] > 250).all(axis=2).any(), "a number's disc in the middle of the first"


@pytest.fixture(scope="module")
def puzzle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four flat fields of odd colours, in which nobody can know a river."""
    y, x = np.mgrid[:64, :96]
    fields = np.array([[[150, 60, 140], [70, 130, 60]], [[160, 120, 40], [60, 40, 30]]], np.uint8)
    noise = np.random.default_rng(3).integers(0, 12, (64, 96, 3))
    path = tmp_path_factory.mktemp("puzzle") / "fields.png"
    Image.fromarray((fields[(y > 30).astype(int), (x > 40).astype(int)] + noise).astype(np.uint8)).save(path)
    return path


def test_the_command_line_draws_beside_the_output_and_takes_the_best(
    puzzle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ask = ["animate", str(puzzle), "-o", "out.gif", "--motion", "river flowing left", "--frames", "4"]
    assert main(ask) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "out-offers/overview.png" in said.replace("\\", "/")
    masks = sorted(path.name for path in Path("out-offers").glob("*.png"))
    assert "overview.png" in masks and len(masks) > 2
    assert main(ask) == 1 and not Path("out-offers-2").exists(), "the same offers are not written again"
    Path("out-offers", "mine.txt").write_text("mine")
    assert main(ask) == 1 and Path("out-offers-2").is_dir() and Path("out-offers", "mine.txt").exists()
    assert main([*ask, "--region", "best"]) == 0 and Path("out.gif").exists()
    mask = next(name for name in masks if name != "overview.png")
    assert main([*ask[:3], "of-a-file.gif", *ask[4:], "--mask", f"out-offers/{mask}"]) == 0


def test_a_workspace_keeps_the_offers_until_one_is_taken(puzzle: Path, tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "work")
    recipe = Recipe().with_values({"motion": "river flowing left", "frames": 4})
    with pytest.raises(RegionNotFound) as asked:
        Pipeline(make_job(recipe, picture=puzzle), workspace).run()
    shown = asked.value.shown
    assert shown == workspace.root / "offers" / "overview.png" and shown.exists()
    assert len(list(shown.parent.glob("*.png"))) == len(asked.value.candidates) + 1
    chosen = recipe.with_values({"region": "best"})
    result = Pipeline(make_job(chosen, picture=puzzle), workspace).run(until=Stage.MOTION)
    assert result.regions is not None and names(result.regions.regions) == ["river"]
    assert result.flow is not None and result.flow.field[result.regions.mask > 0.5][:, 0].mean() < 0, "it flows left"
    assert not shown.parent.exists()
