"""The segmenters' networks, end to end: tiny models, real loading, real processors, masks of the picture's own size."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import segmenter_models as tiny
import torch

from t2c_ext.errors import UserError
from t2c_ext.region.segmenters import closed_networks, open_networks
from t2c_ext.region.segmenters.closed import ClosedNetwork, ClosedSegmenter
from t2c_ext.region.segmenters.likelihood import certainty, enlarge, working_size
from t2c_ext.region.segmenters.networks import Hardware, Network, best_hardware, load_model
from t2c_ext.region.segmenters.open import OpenSegmenter, Sight

CPU = Hardware("cpu")
HALF = Hardware("cpu", half=True)
SHAPES = [(45, 80), (33, 57), (129, 64), (1, 300), (300, 1), (1, 1)]
CLOSED: dict[str, tuple[Callable[[Path], Path], Callable[[Path, Hardware], ClosedNetwork]]] = {
    "segformer": (tiny.segformer, closed_networks.SegFormer),
    "mask2former": (tiny.mask2former, closed_networks.Mask2Former),
    "oneformer": (tiny.oneformer, closed_networks.OneFormer),
}


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module", params=CLOSED)
def closed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    make, _ = CLOSED[request.param]
    return request.param, make(tmp_path_factory.mktemp(request.param))


def segmenter(name: str, folder: Path, hardware: Hardware = CPU) -> ClosedSegmenter:
    return ClosedSegmenter(name, lambda: CLOSED[name][1](folder, hardware))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_closed_masks_have_the_pictures_own_size(closed: tuple[str, Path], shape: tuple[int, int]) -> None:
    picture = tiny.stripes(*shape)
    regions = segmenter(*closed).segment(picture, ["river", "dragon", "clouds"])
    assert [region.name for region in regions] == ["river", "clouds"]
    for region in regions:
        assert region.mask.shape == shape
        assert region.mask.dtype == np.float32
        assert 0 <= region.mask.min() <= region.mask.max() <= 1
        assert 0 <= region.score <= 1
        assert region.source == closed[0]


def test_closed_probabilities_are_shares(closed: tuple[str, Path]) -> None:
    name, folder = closed
    network = CLOSED[name][1](folder, CPU)
    assert network.labels == tiny.LABELS
    probabilities = network.probabilities(tiny.stripes(45, 80))
    assert probabilities.shape[0] == len(tiny.LABELS)
    assert probabilities.min() >= 0
    assert probabilities.sum(axis=0).max() <= 1 + 1e-5
    np.testing.assert_array_equal(probabilities, network.probabilities(tiny.stripes(45, 80)))


def test_half_precision_sees_the_same(closed: tuple[str, Path]) -> None:
    picture = tiny.stripes(45, 80)
    whole = segmenter(*closed).segment(picture, ["sky"])[0]
    half = segmenter(*closed, HALF).segment(picture, ["sky"])[0]
    np.testing.assert_allclose(half.mask, whole.mask, atol=0.05)


def test_queries_become_class_probabilities() -> None:
    """Two queries: one surely water in the left half, one surely sky everywhere; a third is nothing."""
    far = 20.0
    classes = torch.tensor([[[0.0, 0, far, 0], [far, 0, 0, 0], [0, 0, 0, far]]])
    masks = torch.full((1, 3, 2, 4), far)
    masks[0, 0, :, 2:] = -far

    class Output:
        class_queries_logits = classes
        masks_queries_logits = masks

    probabilities = closed_networks._of_queries(Output).numpy()
    np.testing.assert_allclose(probabilities[2], [[0.5, 0.5, 0, 0]] * 2, atol=1e-6)
    np.testing.assert_allclose(probabilities[0], [[0.5, 0.5, 1, 1]] * 2, atol=1e-6)
    np.testing.assert_allclose(probabilities[1], 0, atol=1e-6)


@pytest.mark.parametrize("shape", [(128, 128), (90, 161), (301, 77)], ids=str)
def test_known_colours_become_known_regions(tmp_path: Path, shape: tuple[int, int]) -> None:
    """Red is sky, green a tree, blue water, by the classifier's own weights: each lies where its colour does."""
    picture = tiny.stripes(*shape)
    network = segmenter("segformer", tiny.colour_segformer(tmp_path / "model"))
    regions = {region.name: region for region in network.segment(picture, ["clouds", "river", "tree"])}
    for name, channel in (("clouds", 0), ("tree", 1), ("river", 2)):
        truth = picture[..., channel] == 1
        found = regions[name].mask >= 0.5
        assert (found & truth).sum() / (found | truth).sum() > 0.9, name
        assert regions[name].score > 0.9
        assert regions[name].mask[truth].mean() > 0.9


def test_labels_in_another_order_mean_other_colours(tmp_path: Path) -> None:
    folder = tiny.colour_segformer(tmp_path / "model", ("river", "wall", "sky"))
    regions = segmenter("segformer", folder).segment(tiny.stripes(128, 128), ["water", "sky"])
    assert regions[0].mask[:60, :90].min() > 0.9
    assert regions[1].mask[70:, :90].min() > 0.9


def test_what_is_absent_scores_low(tmp_path: Path) -> None:
    network = segmenter("segformer", tiny.colour_segformer(tmp_path / "model"))
    red = np.zeros((64, 96, 3), np.float32) + np.float32(tiny.RED)
    regions = {region.name: region.score for region in network.segment(red, ["sky", "river"])}
    assert regions["sky"] > 0.9
    assert regions["river"] < 0.1


def test_near_classes_count_only_where_its_own_are_absent(tmp_path: Path) -> None:
    labels = ("waterfall, falls", "swimming pool", "river")
    network = segmenter("segformer", tiny.colour_segformer(tmp_path / "model", labels))
    both = network.segment(tiny.stripes(128, 128), ["waterfall"])[0]
    assert both.mask[:60, :90].min() > 0.9
    assert both.mask[70:].max() < 0.1
    blue = np.zeros((64, 64, 3), np.float32) + np.float32(tiny.BLUE)
    assert network.segment(blue, ["waterfall"])[0].mask.min() > 0.9


def test_offers_are_disjoint_named_and_movers_come_first(tmp_path: Path) -> None:
    network = segmenter("segformer", tiny.colour_segformer(tmp_path / "model"))
    picture = tiny.stripes(120, 200)
    offered = network.propose(picture)
    assert [region.name for region in offered] in (["sky", "water", "tree"], ["water", "sky", "tree"])
    assert sum(region.mask for region in offered).max() == 1
    assert all(region.score > 0.8 for region in offered)
    again = network.propose(picture)
    assert all((one.mask == other.mask).all() for one, other in zip(offered, again, strict=True))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_clipseg_masks_have_the_pictures_own_size(tmp_path: Path, shape: tuple[int, int]) -> None:
    folder = tiny.clipseg(tmp_path / "model")
    network = OpenSegmenter("clipseg", lambda: open_networks.ClipSeg(folder, CPU))
    regions = network.segment(tiny.stripes(*shape), ["thick smoke", "fog"])
    assert [(region.name, region.mask.shape, region.source) for region in regions] == [
        ("thick smoke", shape, "clipseg"),
        ("fog", shape, "clipseg"),
    ]
    assert all(0 <= region.score <= 1 for region in regions)
    assert network.segment(tiny.stripes(*shape), []) == []


def test_clipseg_listens_to_the_words_one_by_one(tmp_path: Path) -> None:
    network = open_networks.ClipSeg(tiny.clipseg(tmp_path / "model"), CPU)
    picture = np.random.default_rng(0).random((40, 60, 3)).astype(np.float32)
    smoke, fog = network.look(picture, ["smoke", "fog"])
    assert np.abs(smoke.probability - fog.probability).max() > 1e-6
    (alone,) = network.look(picture, ["fog"])
    np.testing.assert_allclose(alone.probability, fog.probability, atol=1e-5)


@pytest.mark.parametrize("shape", [(45, 80), (1, 300), (129, 64)], ids=str)
def test_grounding_dino_and_sam2(tmp_path: Path, shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_networks, "LEAST_BOX", 0.0)
    folders = tiny.grounding_dino(tmp_path / "boxes"), tiny.sam2(tmp_path / "masks")
    for hardware in (CPU, HALF):
        network = OpenSegmenter("grounding-dino", lambda on=hardware: open_networks.GroundedSam(*folders, on))
        regions = network.segment(tiny.stripes(*shape), ["river", "thick smoke"])
        assert [region.name for region in regions] == ["river", "thick smoke"]
        assert all(region.mask.shape == shape and 0 <= region.score <= 1 for region in regions)


def test_no_box_is_no_region(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_networks, "LEAST_BOX", 1.0)
    folders = tiny.grounding_dino(tmp_path / "boxes"), tiny.sam2(tmp_path / "masks")
    network = OpenSegmenter("grounding-dino", lambda: open_networks.GroundedSam(*folders, CPU))
    (region,) = network.segment(tiny.stripes(45, 80), ["river"])
    assert region.score == 0
    assert region.mask.max() < 0.01


def test_sam2_is_asked_in_the_coordinates_of_its_own_square(tmp_path: Path) -> None:
    """The masks are those of the model itself, given the box in pixels of the square it sees."""
    folders = tiny.grounding_dino(tmp_path / "boxes"), tiny.sam2(tmp_path / "masks")
    network = open_networks.GroundedSam(*folders, CPU)
    picture = tiny.stripes(45, 80)
    (filled,) = network._fill(picture, [np.float32([[0.25, 0.5, 0.75, 1.0]])])
    model = load_model("Sam2Model", folders[1])
    with torch.no_grad():
        output = model(
            pixel_values=network._prepare(picture),
            input_boxes=torch.tensor([[[16.0, 32.0, 48.0, 64.0]]]),
            multimask_output=False,
        )
    np.testing.assert_allclose(filled[0], output.pred_masks[0, 0, 0].sigmoid().numpy(), atol=1e-5)


def test_sam2_is_read_from_the_published_video_model(tmp_path: Path) -> None:
    """SAM 2.1 is published as a model for videos, of which the one for pictures is a part."""
    folder = tiny.sam2(tmp_path / "masks")
    config = json.loads((folder / "config.json").read_text()) | {"model_type": "sam2_video"}
    tiny.write_json(folder / "config.json", config)
    weights = tiny.load_file(folder / "model.safetensors") | {"memory_encoder.unused": torch.zeros(3)}
    tiny.save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert type(load_model("Sam2Model", folder)).__name__ == "Sam2Model"


@pytest.mark.parametrize("shape", [(45, 80), (129, 64)], ids=str)
def test_sam3(tmp_path: Path, shape: tuple[int, int]) -> None:
    folder = tiny.sam3(tmp_path / "model")
    network = OpenSegmenter("sam3", lambda: open_networks.Sam3(folder, CPU))
    regions = network.segment(tiny.stripes(*shape), ["river", "thick smoke"])
    assert [region.name for region in regions] == ["river", "thick smoke"]
    assert all(region.mask.shape == shape and 0 <= region.score <= 1 for region in regions)


def test_enlarged_maps_keep_their_place_their_ends_and_their_odds() -> None:
    small = np.float32([[0, 0, 1, 1]])
    large = enlarge(small, 8, 32)
    assert large.shape == (8, 32)
    np.testing.assert_array_equal(large[:, :12], 0)
    np.testing.assert_array_equal(large[:, 20:], 1)
    np.testing.assert_allclose(large[:, 12:20] + large[:, 19:11:-1], 1, atol=1e-4)
    even = np.full((5, 7), 0.3, np.float32)
    np.testing.assert_allclose(enlarge(even, 13, 4), 0.3, atol=1e-3)


@pytest.mark.parametrize(
    ("mask", "score"),
    [
        (np.full((10, 10), 0.8), 0.8),
        (np.full((10, 10), 0.4), 0.2),
        (np.zeros((10, 10)), 0.0),
        (np.pad(np.ones((1, 1)), ((0, 19), (0, 19))), 0.5),
    ],
    ids=["sure", "unsure", "absent", "a speck"],
)
def test_certainty(mask: np.ndarray, score: float) -> None:
    assert certainty(mask.astype(np.float32)) == pytest.approx(score)


@pytest.mark.parametrize(
    ("size", "limits", "seen"),
    [
        ((512, 512), (640, 2560), (640, 640)),
        ((1080, 1920), (640, 2560), (640, 1152)),
        ((45, 80), (64, 160), (64, 128)),
        ((1, 3000), (640, 2560), (32, 2560)),
    ],
)
def test_working_sizes_keep_the_shape_in_whole_cells(
    size: tuple[int, int], limits: tuple[int, int], seen: tuple[int, int]
) -> None:
    assert working_size(*size, *limits) == seen


@pytest.mark.parametrize(("score", "bent"), [(0.0, 0.0), (0.35, 0.5), (1.0, 1.0), (0.175, 0.25), (0.675, 0.75)])
def test_a_networks_own_even_odds_become_one_half(score: float, bent: float) -> None:
    assert open_networks.even_odds(score, 0.35) == pytest.approx(bent)


def test_prepared_pictures_are_normalised_squares(tmp_path: Path) -> None:
    tiny.image_settings(tmp_path, "Sam2ImageProcessor", {"height": 8, "width": 8}, image_mean=[0.5, 0.25, 0.0])
    prepare = open_networks.Prepare(tmp_path, side=1024, mean=(0, 0, 0), deviation=(1, 1, 1))
    pixels = prepare(tiny.stripes(6, 20)).numpy()
    assert pixels.shape == (1, 3, 8, 8)
    np.testing.assert_allclose(pixels[0, :, 0, 0], [1, -0.5, 0], atol=1e-6)
    np.testing.assert_allclose(pixels[0, :, -1, 0], [-1, -0.5, 2], atol=1e-6)
    np.testing.assert_allclose(pixels[0, :, 0, -1], [-1, 1.5, 0], atol=1e-6)


def test_open_offers_are_disjoint_and_named_by_certainty() -> None:
    class Network:
        def look(self, picture: np.ndarray, words: list[str]) -> list[Sight]:
            left, right, none = np.zeros((3, 10, 10), np.float32)
            left[:, :5], right[:, 4:] = 1, 1
            seen = {"sky": Sight(left, 0.9), "water": Sight(right, 0.4), "fog": Sight(left, 0.6)}
            return [seen.get(word, Sight(none)) for word in words]

    offered = OpenSegmenter("open", Network).propose(tiny.stripes(10, 10))
    assert [region.name for region in offered] == ["sky", "possible water"]
    assert sum(region.mask for region in offered).max() == 1


def test_pickled_weights_give_the_same_and_code_in_them_is_refused(tmp_path: Path) -> None:
    folder = tiny.colour_segformer(tmp_path / "model")
    weights = tiny.load_file(folder / "model.safetensors")
    whole = segmenter("segformer", folder).segment(tiny.stripes(64, 64), ["sky"])[0]
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    pickled = segmenter("segformer", folder).segment(tiny.stripes(64, 64), ["sky"])[0]
    np.testing.assert_allclose(pickled.mask, whole.mask, atol=1e-6)

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "was-run",)

    torch.save(weights | {"evil": Evil()}, folder / "pytorch_model.bin", pickle_module=pickle)
    with pytest.raises(UserError, match="more than weights"):
        load_model("SegformerForSemanticSegmentation", folder)
    assert not (tmp_path / "was-run").exists()


def test_a_damaged_or_incomplete_model_is_refused_in_one_line(tmp_path: Path) -> None:
    folder = tiny.segformer(tmp_path / "model")
    weights = tiny.load_file(folder / "model.safetensors")
    lacking = shutil.copytree(folder, tmp_path / "lacking")
    tiny.save_file(
        {name: values for name, values in weights.items() if name != "decode_head.classifier.weight"},
        lacking / "model.safetensors",
        metadata={"format": "pt"},
    )
    other = shutil.copytree(folder, tmp_path / "other")
    tiny.save_file(
        weights | {"decode_head.classifier.weight": torch.zeros(7, 8, 1, 1)},
        other / "model.safetensors",
        metadata={"format": "pt"},
    )
    cut = shutil.copytree(folder, tmp_path / "cut")
    (cut / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:1000])
    empty = tmp_path / "empty"
    empty.mkdir()
    shutil.copy(folder / "config.json", empty)
    for wrong in (lacking, other, cut, empty):
        with pytest.raises(UserError) as caught:
            load_model("SegformerForSemanticSegmentation", wrong)
        assert "\n" not in str(caught.value)
        assert str(wrong) in str(caught.value)
    with pytest.raises(UserError, match="has no NoSuchModel"):
        load_model("NoSuchModel", folder)


def test_devices() -> None:
    assert best_hardware("cpu") == CPU
    with pytest.raises(UserError, match="no device 'abacus'"):
        best_hardware("abacus")


def test_too_little_memory_moves_the_network_to_the_cpu(tmp_path: Path) -> None:
    network = Network("SegformerForSemanticSegmentation", tiny.segformer(tmp_path / "model"), Hardware("cpu:0"))
    devices = []

    def call(model: object, send: object) -> str:
        devices.append(network.device)
        if len(devices) == 1:
            raise torch.cuda.OutOfMemoryError("out of memory")
        return "done"

    assert network(call) == "done"
    assert devices == ["cpu:0", "cpu"]
    with pytest.raises(torch.cuda.OutOfMemoryError):
        network(lambda model, send: (_ for _ in ()).throw(torch.cuda.OutOfMemoryError()))


def test_half_precision_that_overflows_is_followed_by_single_precision(tmp_path: Path) -> None:
    network = Network("SegformerForSemanticSegmentation", tiny.segformer(tmp_path / "model"), HALF)
    kinds = []

    def call(model: torch.nn.Module, send: object) -> list[torch.Tensor]:
        kinds.append(next(model.parameters()).dtype)
        return [torch.tensor([1.0, torch.inf if len(kinds) == 1 else 2.0])]

    assert network(call)[0].tolist() == [1, 2]
    assert kinds == [torch.bfloat16, torch.float32]


OLDER = {
    "segformer": {"size": 64, "reduce_labels": True, "feature_extractor_type": "SegformerFeatureExtractor"},
    "mask2former": {"reduce_labels": True, "ignore_index": 255, "num_labels": 3, "size_divisor": 32},
    "oneformer": {"max_size": 160, "reduce_labels": True, "num_labels": 3, "processor_class": "OneFormerProcessor"},
}
"""Settings as older repositories of the hub have them."""


def test_settings_of_older_repositories_are_understood(closed: tuple[str, Path], tmp_path: Path) -> None:
    name, folder = closed
    older = shutil.copytree(folder, tmp_path / "older")
    settings = json.loads((older / "preprocessor_config.json").read_text()) | OLDER[name]
    if "feature_extractor_type" in settings:
        del settings["image_processor_type"]
    tiny.write_json(older / "preprocessor_config.json", settings)
    picture = tiny.stripes(45, 80)
    (one,), (other,) = (
        segmenter(name, older).segment(picture, ["sky"]),
        segmenter(name, folder).segment(picture, ["sky"]),
    )
    np.testing.assert_array_equal(one.mask, other.mask)


def test_older_settings_of_clipseg_are_understood(tmp_path: Path) -> None:
    folder = tiny.clipseg(tmp_path / "model")
    tiny.image_settings(
        folder, "", 32, feature_extractor_type="ViTFeatureExtractor", processor_class="CLIPSegProcessor"
    )
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    del settings["image_processor_type"], settings["do_rescale"], settings["rescale_factor"]
    tiny.write_json(folder / "preprocessor_config.json", settings)
    (sight,) = open_networks.ClipSeg(folder, CPU).look(tiny.stripes(45, 80), ["smoke"])
    assert sight.probability.shape == (32, 32)
