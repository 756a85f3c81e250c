"""Words and the classes of the closed vocabularies."""

from __future__ import annotations

import random

import pytest

from t2c_ext.lexicon import load_lexicon
from t2c_ext.region.segmenters.labels import Classes, Vocabulary, labels_of, names_of


def listed(names: str) -> list[str]:
    return names.split("|")


# fmt: off
ADE20K = listed(
    "wall|building|sky|floor|tree|ceiling|road, route|bed|window |grass|cabinet|sidewalk, pavement|person|"
    "earth, ground|door|table|mountain, mount|plant|curtain|chair|car|water|painting, picture|sofa|shelf|house|sea|"
    "mirror|rug|field|armchair|seat|fence|desk|rock, stone|wardrobe, closet, press|lamp|tub|rail|cushion|"
    "base, pedestal, stand|box|column, pillar|signboard, sign|chest of drawers, chest, bureau, dresser|counter|sand|"
    "sink|skyscraper|fireplace|refrigerator, icebox|grandstand, covered stand|path|stairs|runway|"
    "case, display case, showcase, vitrine|pool table, billiard table, snooker table|pillow|screen door, screen|"
    "stairway, staircase|river|bridge, span|bookcase|blind, screen|coffee table|"
    "toilet, can, commode, crapper, pot, potty, stool, throne|flower|book|hill|bench|countertop|stove|"
    "palm, palm tree|kitchen island|computer|swivel chair|boat|bar|arcade machine|hovel, hut, hutch, shack, shanty|"
    "bus|towel|light|truck|tower|chandelier|awning, sunshade, sunblind|street lamp|booth|tv|plane|dirt track|clothes|"
    "pole|land, ground, soil|bannister, banister, balustrade, balusters, handrail|"
    "escalator, moving staircase, moving stairway|ottoman, pouf, pouffe, puff, hassock|bottle|"
    "buffet, counter, sideboard|poster, posting, placard, notice, bill, card|stage|van|ship|fountain|"
    "conveyer belt, conveyor belt, conveyer, conveyor, transporter|canopy|washer, automatic washer, washing machine|"
    "plaything, toy|pool|stool|barrel, cask|basket, handbasket|falls|tent|bag|minibike, motorbike|cradle|oven|ball|"
    "food, solid food|step, stair|tank, storage tank|trade name|microwave|pot|animal|bicycle|lake|dishwasher|screen|"
    "blanket, cover|sculpture|hood, exhaust hood|sconce|vase|traffic light|tray|trash can|fan|pier|crt screen|plate|"
    "monitor|bulletin board|shower|radiator|glass, drinking glass|clock|flag"
)
"""ADE20K's 150 classes in their order, as Mask2Former and OneFormer were published with them."""

SHORT_ADE20K = {
    2: "sky", 8: "windowpane", 21: "water", 26: "sea", 60: "river", 104: "fountain", 109: "swimming pool",
    113: "waterfall", 128: "lake", 149: "flag",
}
"""Classes of SegFormer's list, which numbers them alike and names some of them otherwise."""

COCO = listed(
    "person|bicycle|car|motorcycle|airplane|bus|train|truck|boat|traffic light|fire hydrant|stop sign|parking meter|"
    "bench|bird|cat|dog|horse|sheep|cow|elephant|bear|zebra|giraffe|backpack|umbrella|handbag|tie|suitcase|frisbee|"
    "skis|snowboard|sports ball|kite|baseball bat|baseball glove|skateboard|surfboard|tennis racket|bottle|wine glass|"
    "cup|fork|knife|spoon|bowl|banana|apple|sandwich|orange|broccoli|carrot|hot dog|pizza|donut|cake|chair|couch|"
    "potted plant|bed|dining table|toilet|tv|laptop|mouse|remote|keyboard|cell phone|microwave|oven|toaster|sink|"
    "refrigerator|book|clock|vase|scissors|teddy bear|hair drier|toothbrush|banner|blanket|bridge|cardboard|counter|"
    "curtain|door-stuff|floor-wood|flower|fruit|gravel|house|light|mirror-stuff|net|pillow|platform|playingfield|"
    "railroad|river|road|roof|sand|sea|shelf|snow|stairs|tent|towel|wall-brick|wall-stone|wall-tile|wall-wood|"
    "water-other|window-blind|window-other|tree-merged|fence-merged|ceiling-merged|sky-other-merged|cabinet-merged|"
    "table-merged|floor-other-merged|pavement-merged|mountain-merged|grass-merged|dirt-merged|paper-merged|"
    "food-other-merged|building-other-merged|rock-merged|wall-other-merged|rug-merged"
)
"""COCO panoptic's 133 classes in their order."""
# fmt: on

WATERS = {"river", "water", "lake", "sea"}


def classes(word: str, labels: list[str]) -> tuple[set[str], set[str]]:
    """The labels that stand for a word: its own and the near ones."""
    found = Vocabulary(labels).find(word)
    assert found is not None
    return {labels[index] for index in found.own}, {labels[index] for index in found.near}


def test_the_published_lists_are_whole() -> None:
    assert len(ADE20K) == 150
    assert len(COCO) == 133
    assert len(set(COCO)) == 133


@pytest.mark.parametrize(
    ("word", "own", "near"),
    [
        ("river", WATERS, set()),
        ("Mountain Streams", WATERS, set()),
        ("ocean waves", WATERS, set()),
        ("lake", WATERS | {"pool"}, set()),
        ("water", WATERS | {"pool"}, {"falls", "fountain"}),
        ("waterfall", {"falls"}, {"water", "river"}),
        ("fountain", {"fountain"}, {"water"}),
        ("clouds", {"sky"}, set()),
        ("northern lights", {"sky"}, set()),
        ("wheat field", {"grass", "field"}, {"plant"}),
        ("dunes", {"sand"}, {"earth, ground"}),
    ],
)
def test_words_of_the_lexicon_in_ade20k(word: str, own: set[str], near: set[str]) -> None:
    assert classes(word, ADE20K) == (own, near)


@pytest.mark.parametrize(
    ("word", "own", "near"),
    [
        ("river", {"river", "water-other", "sea"}, set()),
        ("waterfall", {"water-other", "river"}, set()),
        ("stormy sky", {"sky-other-merged"}, set()),
        ("meadow", {"grass-merged"}, set()),
        ("sand", {"sand"}, {"dirt-merged"}),
    ],
)
def test_words_of_the_lexicon_in_coco(word: str, own: set[str], near: set[str]) -> None:
    assert classes(word, COCO) == (own, near)


@pytest.mark.parametrize("labels", [ADE20K, COCO], ids=["ade20k", "coco"])
def test_things_without_a_class_are_left_to_others(labels: list[str]) -> None:
    vocabulary = Vocabulary(labels)
    for word in ("smoke", "thick fog", "steam", "flames", "snowflakes", "rain", "lava", "sparks", "dragon", ""):
        assert vocabulary.find(word) is None, word


@pytest.mark.parametrize("labels", [ADE20K, COCO], ids=["ade20k", "coco"])
def test_every_row_of_the_lexicon_is_found_or_unseen(labels: list[str]) -> None:
    vocabulary = Vocabulary(labels)
    for thing in load_lexicon():
        found = vocabulary.find(thing.name)
        assert (found is None) == thing.unseen, thing.name
        assert found is None or found.own, thing.name


def test_every_class_of_the_lexicon_exists() -> None:
    ade20k = set().union(*map(names_of, ADE20K))
    coco = set().union(*map(names_of, COCO))
    for thing in load_lexicon():
        assert all(names_of(name) & ade20k for name in thing.ade20k), thing.name
        assert all(names_of(name) & coco for name in thing.coco), thing.name
        assert all(names_of(name) & (ade20k | coco) for name in thing.near), thing.name


@pytest.mark.parametrize(
    ("word", "labels", "own"),
    [
        ("flags", ADE20K, {"flag"}),
        ("red silk curtain", ADE20K, {"curtain"}),
        ("sailing boats", COCO, {"boat"}),
        ("trees", COCO, {"tree-merged"}),
        ("pavement", ADE20K, {"sidewalk, pavement"}),
        ("Window", ADE20K, {"window "}),
    ],
)
def test_any_other_word_that_names_a_class_is_that_class(word: str, labels: list[str], own: set[str]) -> None:
    assert classes(word, labels) == (own, set())


def test_the_numbers_follow_the_labels() -> None:
    assert Vocabulary(ADE20K).find("sky") == Classes((2,))
    assert Vocabulary(COCO).find("sky") == Classes((119,))
    shuffled = random.Random(0).sample(ADE20K, len(ADE20K))
    assert classes("river", shuffled) == (WATERS, set())


def test_lists_that_name_classes_otherwise_mean_the_same() -> None:
    other = [SHORT_ADE20K.get(index, label) for index, label in enumerate(ADE20K)]
    for word in ("river", "water", "waterfall", "lake", "clouds", "flag", "window"):
        assert Vocabulary(other).find(word) == Vocabulary(ADE20K).find(word), word


def test_labels_come_from_any_id2label() -> None:
    assert labels_of({"1": "b", "0": "a"}) == ("a", "b")
    assert labels_of({2: "c", 0: "a"}) == ("a", "", "c")
    assert labels_of({}) == ()


def test_what_moves_of_its_own_accord() -> None:
    vocabulary = Vocabulary(ADE20K)
    groups = [{vocabulary.name(index) for index in group} for group in vocabulary.movers()]
    assert groups[0] == {"river", "water", "lake", "sea", "pool"}
    assert {"sky"} in groups
    assert {"falls", "fountain"} in groups
    assert sum(len(group) for group in groups) == len(set().union(*groups))
    assert Vocabulary(COCO).name(119) == "sky"
