"""Which segmenter answers: by name, by what is here, one after the other; and the paper's own."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from t2c_ext.errors import DOWNLOAD, UserError
from t2c_ext.region.find import RegionNotFound, find_regions
from t2c_ext.region.segmenters import choose, small, vote
from t2c_ext.region.segmenters.choose import (
    CLOSED,
    LIGHT,
    NAMES,
    OPEN,
    built_in,
    choose_segmenter,
    is_light,
    make_segmenter,
)
from t2c_ext.region.segmenters.closed import ClosedSegmenter
from t2c_ext.region.segmenters.clusters import ClusterSegmenter
from t2c_ext.region.segmenters.networks import Lazily
from t2c_ext.region.segmenters.open import OpenSegmenter
from t2c_ext.region.segmenters.relay import Relay
from t2c_ext.region.segmenters.small import SmallSegmenter
from t2c_ext.region.segmenters.vote import VoteSegmenter
from t2c_ext.settings import RegionSettings, table
from t2c_ext.types import FloatArray, Region

PICTURE = np.zeros((20, 40, 3), np.float32)


class Knows:
    """Answers the words it is given scores for, and remembers what it was asked."""

    threshold = 0.5

    def __init__(self, name: str, **scores: float) -> None:
        self.name, self.scores = name, scores
        self.asked: list[list[str]] = []
        self.closed = False

    def segment(self, picture: FloatArray, words: Sequence[str]) -> list[Region]:
        self.asked.append(list(words))
        mask = np.ones(picture.shape[:2], np.float32)
        return [Region(word, mask, self.scores[word], self.name) for word in words if word in self.scores]

    def propose(self, picture: FloatArray) -> list[Region]:
        return [Region(f"from {self.name}", np.ones(picture.shape[:2], np.float32), 0.5, self.name)]

    def close(self) -> None:
        self.closed = True


def sources(relay: Relay, *words: str) -> list[tuple[str, str]]:
    return [(region.name, region.source) for region in relay.segment(PICTURE, words)]


def test_the_setting_offers_exactly_what_can_be_made() -> None:
    (setting,) = (row for row in table() if row.name == "segmenter")
    assert setting.choices == NAMES, (
        "write the same names, in this order, into the choices of `segmenter` in t2c_ext/settings.py, "
        "then run python tests/readme_settings.py"
    )


@pytest.mark.parametrize("name", LIGHT)
def test_what_comes_with_the_package_answers_without_a_model(name: str) -> None:
    picture = np.random.default_rng(0).random((48, 64, 3)).astype(np.float32)
    segmenter = make_segmenter(name, find=lambda _: None)
    assert segmenter.name == name and is_light(segmenter) and 0 < segmenter.threshold <= 1
    for region in (*segmenter.segment(picture, ["river", "sky"]), *segmenter.propose(picture)):
        assert region.mask.shape == (48, 64) and region.mask.dtype == np.float32
        assert region.mask.min() >= 0 and region.mask.max() <= 1
    segmenter.close()


def test_each_word_goes_to_the_first_that_is_sure() -> None:
    closed, anything = Knows("closed", river=0.9, sky=0.3, lake=0.2), Knows("open", sky=0.8, smoke=0.7, lake=0.1)
    last = Knows("last", smoke=0.9, sky=0.9, lake=0.9)
    relay = Relay([closed, anything], last)
    assert sources(relay, "smoke", "river", "sky", "lake") == [
        ("smoke", "open"),
        ("river", "closed"),
        ("sky", "open"),
        ("lake", "closed"),
    ]
    assert anything.asked == [["smoke", "sky", "lake"]]
    assert last.asked == []


def test_the_last_resort_answers_only_what_no_model_had_an_answer_for() -> None:
    last = Knows("last", fire=0.6, river=0.9)
    relay = Relay([Knows("closed", river=0.1)], last)
    assert sources(relay, "river", "fire", "dragon") == [("river", "closed"), ("fire", "last")]
    assert last.asked == [["fire", "dragon"]]


def test_a_relay_offers_what_its_best_model_offers_and_closes_all() -> None:
    members = [Knows("one"), Knows("two"), Knows("last")]
    relay = Relay(members[:2], members[2])
    assert [region.source for region in relay.propose(PICTURE)] == ["one"]
    relay.close()
    assert all(member.closed for member in members)


def here(*names: str) -> choose.Finder:
    return lambda name: Path(name) if name in names else None


@pytest.fixture
def everything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "_require", lambda backend: None)


@pytest.mark.usefixtures("everything_runs")
@pytest.mark.parametrize(
    ("names", "members"),
    [
        (["mask2former-ade", "segformer-ade"], ["mask2former-ade"]),
        (["segformer-ade", "oneformer-ade", "mask2former-coco"], ["oneformer-ade"]),
        (["segformer-ade", "mask2former-coco", "clipseg"], ["mask2former-coco", "clipseg"]),
        (["grounding-dino", "sam2", "segformer-ade"], ["segformer-ade", "grounding-dino"]),
        (["grounding-dino", "segformer-ade"], ["segformer-ade"]),
        (["odise", "clipseg"], ["clipseg"]),
        (["odise"], ["odise"]),
        (["sam3", "clipseg"], ["sam3"]),
    ],
)
def test_auto_takes_the_best_that_is_here(names: list[str], members: list[str]) -> None:
    made = make_segmenter("auto", here(*names))
    assert isinstance(made, Relay)
    assert [member.name for member in made._models] == members
    assert isinstance(made.last_resort, VoteSegmenter)
    assert made.name == members[0]


def test_auto_without_any_model_is_what_comes_with_the_package() -> None:
    assert isinstance(make_segmenter("auto", here()), VoteSegmenter)
    assert isinstance(make_segmenter("small", here("clipseg")), SmallSegmenter)
    assert isinstance(make_segmenter("clusters", here("clipseg")), ClusterSegmenter)


def test_auto_passes_over_a_model_that_the_installed_libraries_cannot_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> object:
        raise UserError(f"no {name}")

    monkeypatch.setattr(choose, "from_transformers", refuse)
    assert isinstance(make_segmenter("auto", here("segformer-ade", "clipseg")), VoteSegmenter)


@pytest.mark.parametrize("name", [*CLOSED, *OPEN])
def test_a_named_segmenter_without_its_model_says_what_to_do(name: str) -> None:
    with pytest.raises(UserError, match=f"the segmenter {name} needs .* which is not here; get ") as caught:
        make_segmenter(name, here())
    assert caught.value.ways[0].by == DOWNLOAD
    assert "\n" not in str(caught.value)


def test_grounding_dino_needs_both_of_its_models() -> None:
    with pytest.raises(UserError, match="not here; get sam2"):
        make_segmenter("grounding-dino", here("grounding-dino"))


@pytest.mark.usefixtures("everything_runs")
def test_a_named_one_is_itself_and_a_closed_vocabulary_gets_help() -> None:
    alone = make_segmenter("clipseg", here("clipseg", "oneformer-ade"))
    assert isinstance(alone, OpenSegmenter)
    helped = make_segmenter("segformer-ade", here("clipseg", "oneformer-ade", "segformer-ade"))
    assert isinstance(helped, Relay)
    assert [member.name for member in helped._models] == ["segformer-ade", "clipseg"]


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(UserError, match="no segmenter called 'nobody'"):
        make_segmenter("nobody", here())


def test_a_painted_mask_of_one_thing_needs_no_segmenter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("T2C_MODELS_PATH", "")
    mask = np.zeros((20, 40), np.float32)
    mask[:, 20:] = 1
    settings = RegionSettings(segmenter="mask2former-ade", matte="off", feather=0)
    found = find_regions(PICTURE, ["river"], settings, mask=mask)
    np.testing.assert_array_equal(found.mask, mask)


class Network:
    """A closed-vocabulary network that says sky above and river below."""

    labels = ("sky", "river")

    def probabilities(self, picture: FloatArray) -> FloatArray:
        upper = np.repeat(np.float32([[0.9], [0.9], [0.05], [0.05]]), 4, axis=1)
        return np.stack([upper, 0.95 - upper])


def test_a_network_is_loaded_once_and_let_go() -> None:
    pytest.importorskip("torch")
    made: list[weakref.ref[Network]] = []

    def load() -> Network:
        network = Network()
        made.append(weakref.ref(network))
        return network

    segmenter = ClosedSegmenter("closed", load)
    assert not made
    segmenter.segment(PICTURE, ["sky"])
    segmenter.segment(PICTURE.copy(), ["river", "lake"])
    segmenter.propose(PICTURE)
    assert len(made) == 1
    assert made[0]() is not None
    segmenter.close()
    gc.collect()
    assert made[0]() is None
    segmenter.close()
    segmenter.segment(PICTURE, ["sky"])
    assert len(made) == 2


def test_nothing_is_let_go_that_was_never_made() -> None:
    Lazily(lambda: pytest.fail("made")).close()


def test_an_own_segmenter_is_closed_after_use_and_a_given_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    own, given = Knows("own", river=0.9), Knows("given", river=0.9)
    devices: list[str | None] = []

    def make(name: str, device: str | None) -> Knows:
        devices.append(device)
        return own

    monkeypatch.setattr("t2c_ext.region.find.make_segmenter", make)
    settings = RegionSettings(matte="off", feather=0)
    assert find_regions(PICTURE, ["river"], settings).notes == ("found by own: river",)
    assert own.closed
    find_regions(PICTURE, ["river"], settings, device="cpu")
    assert devices == [None, "cpu"]
    find_regions(PICTURE, ["river"], settings, segmenter=given)
    assert not given.closed
    failing = Knows("failing")
    monkeypatch.setattr("t2c_ext.region.find.make_segmenter", lambda name, device: failing)
    with pytest.raises(RegionNotFound):
        find_regions(PICTURE, ["river"], settings)
    assert failing.closed


def test_an_installed_model_is_found_used_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole way: a model in the user's folder, `auto`, words, regions of the picture's size with their maker."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    import segmenter_models as tiny

    tiny.colour_segformer(tmp_path / "segformer-ade")
    monkeypatch.setenv("T2C_MODELS_PATH", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "none"))
    picture = tiny.stripes(121, 200)
    found = find_regions(picture, ["clouds", "river", "smoke"], RegionSettings())
    assert [(region.name, region.source) for region in found.regions] == [
        ("clouds", "segformer-ade"),
        ("river", "segformer-ade"),
    ]
    assert found.notes[-1] == "found by segformer-ade: clouds, river"
    assert "smoke" in found.notes[0]
    truth = picture[..., 2] == 1
    inside = found.regions[1].mask >= 0.5
    assert inside.shape == (121, 200)
    assert (inside & truth).sum() / (inside | truth).sum() > 0.95
    chosen = find_regions(picture, [], RegionSettings(region="water"))
    assert (chosen.mask[70:, :140] > 0.5).mean() > 0.95


ODISE = {
    "odise/__init__.py": "",
    "odise/model_zoo.py": """
class Node:
    def __init__(self, **parts):
        self.__dict__.update(parts)

def get_config(name):
    assert name == "Panoptic/odise_label_coco_50e.py"
    head = Node(alpha=0.3, beta=0.7)
    model = Node(overlap_threshold=0.8, object_mask_threshold=0.1, clip_head=head)
    test = Node(mapper=Node(augmentations=None))
    return Node(model=model, train=Node(device="cuda"), dataloader=Node(test=test))
""",
    "odise/config.py": """
import torch

class Model(torch.nn.Module):
    def __init__(self, settings):
        super().__init__()
        self.settings = settings
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, inputs, labels):
        head = self.settings.clip_head
        assert (self.settings.overlap_threshold, self.settings.object_mask_threshold) == (0, 0)
        assert (head.alpha, head.beta) == (0.35, 0.65)
        assert self.weight.item() == 7
        results = []
        for row in inputs:
            image = row["image"]
            assert image.dtype == torch.float32 and image.max() > 1
            size = (row["height"], row["width"])
            small = torch.nn.functional.interpolate(image[None], size=size)[0]
            ids, segments = torch.zeros(size, dtype=torch.int32), []
            for index, names in enumerate(labels):
                channel = 2 if "river" in names else 0 if "smoke" in names else None
                if channel is not None and (small[channel] > 128).any():
                    ids[small[channel] > 128] = len(segments) + 1
                    segments.append({"id": len(segments) + 1, "isthing": True, "category_id": index})
            results.append({"panoptic_seg": (ids, segments)})
        return results

def instantiate_odise(settings):
    return Model(settings)
""",
    "odise/checkpoint.py": """
import torch

class ODISECheckpointer:
    def __init__(self, model):
        self.model = model

    def load(self, path):
        self.model.load_state_dict(torch.load(path, weights_only=True)["model"])
""",
    "odise/modeling/__init__.py": "",
    "odise/modeling/wrapper.py": """
import torch

class OpenPanopticInference(torch.nn.Module):
    def __init__(self, model, labels, metadata, semantic_on, instance_on, panoptic_on):
        super().__init__()
        assert (semantic_on, instance_on, panoptic_on) == (False, False, True)
        assert metadata.thing_classes == [names[0] for names in labels]
        self.model, self.labels = model, labels

    def forward(self, inputs):
        assert not self.training
        return self.model(inputs, self.labels)
""",
    "detectron2/__init__.py": "",
    "detectron2/config.py": """
class Mapper:
    @staticmethod
    def augmentations(given):
        given.image = given.image.repeat(2, axis=0).repeat(2, axis=1)

def instantiate(node):
    return Mapper
""",
    "detectron2/utils/__init__.py": "",
    "detectron2/utils/env.py": "def seed_all_rng(seed):\n    assert seed == 42\n",
    "detectron2/data/__init__.py": """
class Metadata:
    pass

class Catalog(dict):
    def get(self, name):
        return self.setdefault(name, Metadata())

MetadataCatalog = Catalog()
""",
    "detectron2/data/transforms.py": """
class AugInput:
    def __init__(self, image):
        self.image = image
""",
}
"""The entry points that ODISE's own demonstration uses, with a model that takes blue for water and red for smoke."""


@pytest.fixture
def odise_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package on the path, and the checkpoint of its model."""
    torch = pytest.importorskip("torch")
    for name, text in ODISE.items():
        path = tmp_path / "packages" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    checkpoint = tmp_path / "odise_label_coco_50e-b67d2efc.pth"
    torch.save({"model": {"weight": torch.tensor([7.0])}}, checkpoint)
    yield checkpoint
    import sys

    for name in [name for name in sys.modules if name.split(".")[0] in ("odise", "detectron2")]:
        del sys.modules[name]


def scene() -> FloatArray:
    """Red above, blue below, black between."""
    picture = np.zeros((31, 50, 3), np.float32)
    picture[:10, :, 0] = 1
    picture[20:, :, 2] = 1
    return picture


def test_odise_finds_what_has_a_panoptic_id(odise_package: Path) -> None:
    pytest.importorskip("transformers")
    segmenter = make_segmenter("odise", lambda name: odise_package, device="cpu")
    river, smoke, dragon = segmenter.segment(scene(), ["river", "smoke", "dragon"])
    assert river.mask.shape == (31, 50)
    np.testing.assert_array_equal(river.mask > 0.5, scene()[..., 2] == 1)
    np.testing.assert_array_equal(smoke.mask > 0.5, scene()[..., 0] == 1)
    assert dragon.mask.max() < 0.01
    assert river.score > 0.5 > dragon.score
    assert river.source == "odise"
    segmenter.close()


def test_odise_is_asked_with_the_papers_vocabulary(odise_package: Path) -> None:
    from t2c_ext.region.segmenters.odise import classes_of, vocabulary_of

    assert vocabulary_of(["river"]) == "water, waterfall, river, ocean, lake, sea"
    assert classes_of(vocabulary_of(["lake"])) == [["water", "waterfall", "river", "ocean", "lake", "sea"]]
    smoke, dragon = classes_of(vocabulary_of(["thick smoke", "dragon"]))
    assert smoke[:2] == ["thick smoke", "smoke"]
    assert dragon == ["dragon"]
    assert classes_of(" a , b;c;; ") == [["a", "b"], ["c"]]


def test_odise_refuses_a_checkpoint_with_code(odise_package: Path, tmp_path: Path) -> None:
    import torch

    from t2c_ext.region.segmenters.networks import Hardware
    from t2c_ext.region.segmenters.odise import Odise

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[Path]]:
            return Path.touch, (tmp_path / "was-run",)

    torch.save({"model": Evil()}, odise_package)
    with pytest.raises(UserError, match="more than weights"):
        Odise(odise_package, Hardware("cpu"))
    assert not (tmp_path / "was-run").exists()


def test_odise_without_its_package_says_so(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    segmenter = make_segmenter("odise", lambda name: tmp_path / "checkpoint.pth")
    with pytest.raises(UserError, match="odise"):
        segmenter.segment(scene(), ["river"])


@pytest.mark.parametrize(("module", "name"), [(vote, "CAUTION"), (vote, "SEEN"), (small, "EXPECTED")])
def test_results_of_other_weights_are_out_of_date(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    before = choose_segmenter("auto", lambda _: None)
    assert before == choose_segmenter("auto", lambda _: None)
    monkeypatch.setattr(module, name, 0.25)
    built_in.cache_clear()
    try:
        assert choose_segmenter("auto", lambda _: None) != before
    finally:
        monkeypatch.undo()
        built_in.cache_clear()
