"""Segmentation from attention against the fixtures of its authors' code."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from conftest import SHARED  # noqa: E402
from torch.nn import functional  # noqa: E402

from t2c_ext.region import evidence  # noqa: E402
from t2c_ext.twin.capture import attention_maps  # noqa: E402
from t2c_ext.twin.grounding import competition  # noqa: E402
from t2c_ext.twin.grounding.heads import HeadMethod, head_weights, joined_heads, word_map  # noqa: E402
from t2c_ext.twin.grounding.joint import (  # noqa: E402
    Stream,
    attended,
    concept_heat,
    concept_outputs,
    concept_scores,
    image_attention,
    rotated,
)
from t2c_ext.twin.grounding.layer_weights import (  # noqa: E402
    Agreement,
    LayerMethod,
    layer_score,
    layer_weights,
    reference_affinity,
    resized_self_attention,
)
from t2c_ext.twin.grounding.merging import head_mean, mean_self_attention, normalised, summed  # noqa: E402
from t2c_ext.twin.grounding.positions import phrase_positions  # noqa: E402
from t2c_ext.twin.grounding.propagation import refined  # noqa: E402

pytestmark = pytest.mark.parity

HEADS = {
    "dot": HeadMethod.DOT,
    "dot_clamp": HeadMethod.CLAMPED,
    "average": HeadMethod.MEAN,
    "l2": HeadMethod.NORM,
    "cosine": HeadMethod.COSINE,
}
LAYERS = {"dot": LayerMethod.DOT, "mse": LayerMethod.DISTANCE, "iou": LayerMethod.OVERLAP}
BACKGROUNDS = {
    "offset": evidence.Background.OFFSET,
    "vanilla": evidence.Background.LEVEL,
    "max": evidence.Background.LARGER,
    "avg": evidence.Background.MEAN,
    "exact": evidence.Background.OWN,
}
CLEAR = 1e-3
"""A margin above which a label is judged."""


@dataclass(frozen=True)
class Set:
    """A folder of fixtures."""

    folder: Path

    @cached_property
    def index(self) -> dict[str, Any]:
        rows = json.loads((self.folder / "INDEX.json").read_text(encoding="utf-8"))
        return {row["file"]: row for row in rows}

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        if name not in self.index:
            pytest.skip(f"this set has no {name}")
        with np.load(self.folder / name, allow_pickle=False) as data:
            return {key: data[key] for key in data.files}

    def document(self, name: str) -> Any:
        if name not in self.index:
            pytest.skip(f"this set has no {name}")
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def check(self, name: str, found: Any, wanted: np.ndarray) -> None:
        """|found - wanted| <= atol + rtol |wanted|."""
        found = found.numpy() if isinstance(found, torch.Tensor) else np.asarray(found)
        tolerance = self.index[name]["tolerance"]
        assert found.shape == wanted.shape
        excess = np.abs(found - wanted) / (tolerance["atol"] + tolerance["rtol"] * np.abs(wanted))
        assert excess.max(initial=0) <= 1, f"{excess.max():.3f} of the tolerance of {name}"


@pytest.fixture(scope="module")
def given(pytestconfig: pytest.Config) -> Set:
    folder = Path(pytestconfig.getoption("--segmentation-fixtures") or SHARED / "segmentation")
    if not (folder / "INDEX.json").is_file():
        pytest.skip("the fixtures of segmentation are not here")
    return Set(folder)


@dataclass(frozen=True)
class Layer:
    """One layer's inputs, without a batch."""

    size: tuple[int, int]
    query: Any
    key: Any
    value: Any
    projection: Any
    self_query: Any
    self_key: Any

    @cached_property
    def probabilities(self) -> Any:
        return torch.softmax(self.query @ self.key.mT * self.query.shape[-1] ** -0.5, dim=-1)

    @cached_property
    def outputs(self) -> Any:
        return self.probabilities @ self.value

    @cached_property
    def self_attention(self) -> Any:
        return head_mean(self.self_query, self.self_key)

    @property
    def feature(self) -> Any:
        return self.query.transpose(0, 1).flatten(1)

    def map(self, method: HeadMethod = HeadMethod.DOT) -> Any:
        return word_map(self.query, self.key, self.value, self.projection, method=method)


@dataclass(frozen=True)
class Case:
    """Layers, and what the document beside them says."""

    layers: Sequence[Layer]
    document: Mapping[str, Any]

    @property
    def target(self) -> tuple[int, int]:
        height, width = self.document["target_size"]
        return height, width

    @cached_property
    def classes(self) -> list[int]:
        return self.document.get("class_order") or [int(name) for name in self.document["objects"]]

    @property
    def things(self) -> list[list[int]]:
        return [self.document["objects"][str(number)] for number in self.classes]

    @property
    def background(self) -> list[list[int]]:
        found: list[list[int]] = self.document["background_objects"]
        return found

    @property
    def nouns(self) -> list[list[int]]:
        return [*self.things, *self.background]

    @property
    def reference(self) -> Layer:
        return self.layers[self.document["ref_layer"]]

    def affinity(self, first_channel: bool = False) -> Any:
        feature = self.reference.feature
        return reference_affinity(feature[:, :1] if first_channel else feature)

    def scores(self, method: LayerMethod, first_channel: bool = False, renormalise: bool = False) -> Any:
        affinity, size = self.affinity(first_channel), self.reference.size
        if method is LayerMethod.DOT:
            agreement = Agreement(affinity, size, renormalise)
            return torch.stack([agreement.score(one.self_query, one.self_key, one.size) for one in self.layers])
        resized = (resized_self_attention(one.self_attention, one.size, size, renormalise) for one in self.layers)
        return torch.stack([layer_score(affinity, one, method) for one in resized])

    def total(self, heads: HeadMethod, layers: LayerMethod, first_channel: bool = False) -> Any:
        weights = layer_weights(self.scores(layers, first_channel))
        return summed([one.map(heads) for one in self.layers], [one.size for one in self.layers], weights, self.target)

    @cached_property
    def spread(self) -> np.ndarray:
        """The mean self-attention of the layers that refine."""
        layers = (self.layers[number] for number in self.document["refine_layers"])
        found: np.ndarray = mean_self_attention(((one.self_attention, one.size) for one in layers), self.target).numpy()
        return found

    def competing(self, tokens: np.ndarray, scales: bool = True) -> np.ndarray:
        if scales:
            return competition.competing(tokens, self.things, self.background)
        maps = competition.stretched(competition.smoothed(competition.noun_maps(tokens, self.nouns)))
        return competition.with_background(maps, len(self.things))

    def labels(self, maps: np.ndarray, size: Sequence[int], mode: str = "offset", number: float = 0.0) -> Any:
        """Labels and margins; classes that are not in the picture have zeros, as in the authors' evaluation."""
        height, width = (int(side) for side in size)
        found = evidence.evidence(evidence.enlarged(maps, height, width), BACKGROUNDS[mode], number)
        values = np.zeros((self.document["class_count"], height, width), np.float32)
        values[[0, *self.classes]] = found
        return evidence.labels(values), evidence.margins(values)


def _layers(data: Mapping[str, np.ndarray], sizes: Sequence[Mapping[str, Any]], pick: Any = None) -> list[Layer]:
    def tensor(name: str) -> Any:
        return torch.from_numpy(data[name] if pick is None else pick(name, data[name]))

    return [
        Layer((row["h"], row["w"]), *(tensor(f"L{number}_{part}") for part in ("q", "k", "v", "wo", "sq", "sk")))
        for number, row in enumerate(sizes)
    ]


@pytest.fixture(scope="module")
def case(given: Set) -> Case:
    document = given.document("case.json")
    return Case(_layers(given.arrays("case_inputs.npz"), document["layers"]), document)


def test_heads(given: Set, case: Case) -> None:
    data = given.arrays("heads.npz")
    for number, layer in enumerate(case.layers):
        given.check("heads.npz", layer.outputs.transpose(0, 1).flatten(1), data[f"L{number}_post"])
        if f"L{number}_probs" in data:
            given.check("heads.npz", layer.probabilities, data[f"L{number}_probs"])
        for name, method in HEADS.items():
            weights = head_weights(layer.outputs, layer.projection, method)
            given.check("heads.npz", weights, data[f"L{number}_w_{name}"])
        given.check("heads.npz", layer.map(), data[f"L{number}_map"])


def test_one_attention(given: Set) -> None:
    """From what goes into an attention to what its heads have to say, each row of the batch by itself."""
    data = given.arrays("capture.npz")
    words, places = torch.from_numpy(data["e"]), torch.from_numpy(data["x"])
    heads = data["probs"].shape[1]
    inputs = {"q": places, "k": words, "v": words}
    projected = {part: values @ torch.from_numpy(data[f"W{part}"]).T for part, values in inputs.items()}
    projection = torch.from_numpy(data["Wo"])
    given.check("capture.npz", projected["q"], data["query"])
    given.check("capture.npz", projected["q"].mT.reshape(data["query_map"].shape), data["query_map"])
    for row in range(len(places)):
        query, key, value = (
            values[row].reshape(values.shape[1], heads, -1).transpose(0, 1) for values in projected.values()
        )
        probabilities = torch.cat([part for _, part in attention_maps(query, key, query.shape[-1] ** -0.5)], dim=1)
        outputs = probabilities @ value
        parts = projection.reshape(len(projection), heads, -1).permute(1, 2, 0)
        weights = head_weights(outputs, projection)
        found = {
            "probs": probabilities,
            "value": value,
            "post": outputs.transpose(0, 1).flatten(1),
            "contributions": outputs @ parts,
            "out": (outputs @ parts).sum(dim=0) + torch.from_numpy(data["bo"]),
            "head_weights": weights,
        }
        for name, values in found.items():
            given.check("capture.npz", values, data[name][row])
        joined = word_map(query, key, value, projection)
        assert torch.allclose(joined, joined_heads(probabilities, weights), atol=1e-6)


def test_layers(given: Set, case: Case) -> None:
    data = given.arrays("layers.npz")
    reference = case.reference
    given.check("layers.npz", reference.feature.T.unflatten(1, reference.size), data["ref_q"])
    given.check("layers.npz", case.affinity(), data["ref_affinity_all"])
    given.check("layers.npz", case.affinity(first_channel=True), data["ref_affinity_ch0"])
    wanted = {f"{name}_all": case.scores(method) for name, method in LAYERS.items()}
    wanted["dot_ch0"] = case.scores(LayerMethod.DOT, first_channel=True)
    wanted["dot_all_rows_renormalised"] = case.scores(LayerMethod.DOT, renormalise=True)
    for name, scores in wanted.items():
        given.check("layers.npz", scores, data[f"score_{name}"])
        given.check("layers.npz", layer_weights(scores), data[f"weight_{name}"])
    resized = [resized_self_attention(one.self_attention, one.size, reference.size) for one in case.layers]
    given.check("layers.npz", resized[int(data["resized_self_layer"])], data["resized_self_head_mean"])
    given.check("layers.npz", [float(one.sum(dim=1).mean()) for one in resized], data["self_row_sums"])


def test_the_score_from_queries_and_keys_is_that_of_the_resized_map(case: Case) -> None:
    affinity, size = case.affinity(), case.reference.size
    for renormalise in (False, True):
        agreement = Agreement(affinity, size, renormalise)
        for layer in case.layers:
            resized = resized_self_attention(layer.self_attention, layer.size, size, renormalise)
            found = agreement.score(layer.self_query, layer.self_key, layer.size)
            assert float(found) == pytest.approx(float(layer_score(affinity, resized)), rel=1e-5)


def test_sum(given: Set, case: Case) -> None:
    data = given.arrays("aggregate.npz")
    total = case.total(HeadMethod.DOT, LayerMethod.DOT)
    given.check("aggregate.npz", total, data["sum_paper"])
    given.check("aggregate.npz", normalised(total), data["A_paper"])
    first = case.total(HeadMethod.DOT, LayerMethod.DOT, first_channel=True)
    given.check("aggregate.npz", normalised(first), data["A_main_script"])
    given.check("aggregate.npz", normalised(case.total(HeadMethod.MEAN, LayerMethod.MEAN)), data["A_vanilla"])


def test_negative_weights(given: Set) -> None:
    data = given.arrays("clamp.npz")
    probabilities, value, projection = (torch.from_numpy(data[name]) for name in ("probs", "v", "wo"))
    outputs = probabilities @ value
    weights = head_weights(outputs, projection)
    joined = joined_heads(probabilities, weights)
    given.check("clamp.npz", weights, data["w"])
    given.check("clamp.npz", joined, data["map"])
    given.check("clamp.npz", head_weights(outputs, projection, HeadMethod.CLAMPED), data["w_clamped"])
    height, width = (int(side) for side in data["hw"])
    given.check("clamp.npz", normalised(joined.T.unflatten(1, (height, width))), data["A"])


def test_rescaling(given: Set, case: Case) -> None:
    data = given.arrays("rescale.npz")
    tokens = data["A"]
    merged = competition.noun_maps(tokens, case.nouns)
    whole = competition.content(tokens, case.document["content_token_ids"])
    sizes = np.array([len(noun) for noun in case.nouns], np.float32)[:, None, None]
    shares = competition.rescaled(merged, whole)
    smooth = competition.smoothed(shares)
    found = {
        "merged_mean": merged,
        "merged_sum": merged * sizes,
        "factor": whole,
        "rescaled": shares,
        "smoothed": smooth,
        "normed": competition.stretched(smooth),
        "with_background": competition.competing(tokens, case.things, case.background),
        "normed_sum": competition.stretched(competition.smoothed(competition.rescaled(merged * sizes, whole))),
        "vanilla_smoothed": competition.smoothed(competition.noun_maps(data["vanilla_A"], case.nouns)),
        "impulse_smoothed": competition.smoothed(data["impulse"]),
    }
    found["vanilla_normed"] = competition.stretched(found["vanilla_smoothed"])
    for name, values in found.items():
        given.check("rescale.npz", values, data[name])


def test_refinement(given: Set, case: Case) -> None:
    data = given.arrays("refine.npz")
    maps, spread = data["maps_in"], case.spread
    given.check("refine.npz", spread[data["S_rows_index"]], data["S_rows"])
    given.check("refine.npz", spread.sum(axis=1), data["S_row_sums"])
    once = (spread @ maps.reshape(len(maps), -1).T).T.reshape(maps.shape)
    given.check("refine.npz", once, data["S_times_maps"])
    for power in (1, 2, 5):
        given.check("refine.npz", refined(maps, spread, power), data[f"refined_{power}"])
    given.check("refine.npz", refined(data["null_in"], spread), data["null_refined_2"])


def test_decision(given: Set, case: Case) -> None:
    data = given.arrays("decide.npz")
    height, width = (int(side) for side in data["size"])
    given.check("decide.npz", evidence.enlarged(data["maps"], height, width), data["upsampled"])
    names = [name.removeprefix("labels_") for name in data if name.startswith("labels_")]
    assert names
    for name in names:
        mode, number = name.split("_")
        labels, margin = case.labels(data["maps"], data["size"], mode, float(number))
        given.check("decide.npz", margin, data[f"margin_{name}"])
        clear = data[f"margin_{name}"] > CLEAR
        assert np.array_equal(labels[clear], data[f"labels_{name}"][clear])


VARIANTS: dict[str, tuple[HeadMethod, LayerMethod, bool]] = {
    "paper": (HeadMethod.DOT, LayerMethod.DOT, True),
    "main_script": (HeadMethod.DOT, LayerMethod.DOT, True),
    "vanilla": (HeadMethod.MEAN, LayerMethod.MEAN, False),
    "clamped_heads": (HeadMethod.CLAMPED, LayerMethod.DOT, True),
    "l2_heads": (HeadMethod.NORM, LayerMethod.DOT, True),
    "cosine_heads": (HeadMethod.COSINE, LayerMethod.DOT, True),
    "mse_layers": (HeadMethod.DOT, LayerMethod.DISTANCE, True),
    "iou_layers": (HeadMethod.DOT, LayerMethod.OVERLAP, True),
    "sum_tokens": (HeadMethod.DOT, LayerMethod.DOT, True),
    "only_heads": (HeadMethod.DOT, LayerMethod.MEAN, False),
    "only_layers": (HeadMethod.MEAN, LayerMethod.DOT, False),
    "only_rescale": (HeadMethod.MEAN, LayerMethod.MEAN, True),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_the_whole_way(given: Set, case: Case, name: str) -> None:
    data = given.arrays("variants.npz")
    heads, layers, scales = VARIANTS[name]
    tokens = normalised(case.total(heads, layers, first_channel=name == "main_script")).numpy()
    final = refined(case.competing(tokens, scales), case.spread)
    given.check("variants.npz", final, data[f"final_{name}"])
    labels, _ = case.labels(final, case.document["label_size"])
    clear = ~data[f"unsure_{name}"]
    assert np.array_equal(labels[clear], data[f"labels_{name}"][clear])


def test_a_picture_that_is_not_square(given: Set) -> None:
    document, data = given.document("rect.json"), given.arrays("rect.npz")
    case = Case(_layers(data, document["layers"]), document)
    scores = case.scores(LayerMethod.DOT)
    tokens = normalised(case.total(HeadMethod.DOT, LayerMethod.DOT))
    merged = competition.rescaled(
        competition.noun_maps(tokens.numpy(), case.nouns),
        competition.content(tokens.numpy(), document["content_token_ids"]),
    )
    competing = case.competing(tokens.numpy())
    final = refined(competing, case.spread)
    labels, margin = case.labels(final, document["label_size"])
    found = {
        "ref_affinity": case.affinity(),
        "layer_scores": scores,
        "layer_weights": layer_weights(scores),
        "A": tokens,
        "normed": competition.stretched(competition.smoothed(merged)),
        "with_background": competing,
        "final": final,
        "margin": margin,
    }
    for name, values in found.items():
        given.check("rect.npz", values, data[name])
    clear = data["margin"] > CLEAR
    assert np.array_equal(labels[clear], data["labels"][clear])


def _step(data: Mapping[str, np.ndarray], document: Mapping[str, Any], row: int, step: int) -> Case:
    """One row of the batch at one step."""

    def pick(name: str, values: np.ndarray) -> np.ndarray:
        part = name.split("_")[1]
        if part == "wo":
            return values
        return np.ascontiguousarray(values[row] if part in ("k", "v") else values[step, row])

    return Case(_layers(data, document["layers"], pick), document)


def _averaged_first(cases: Sequence[Case]) -> tuple[Any, np.ndarray, np.ndarray]:
    """Layer weights, tokens and self-attention where maps, self-attention and reference are averaged over the steps."""
    sizes = [layer.size for layer in cases[0].layers]
    affinity = torch.stack([case.affinity() for case in cases]).mean(dim=0)
    maps, scores = [], []
    for number, size in enumerate(sizes):
        attention = torch.stack([case.layers[number].self_attention for case in cases]).mean(dim=0)
        scores.append(layer_score(affinity, resized_self_attention(attention, size, cases[0].reference.size)))
        maps.append(torch.stack([case.layers[number].map() for case in cases]).mean(dim=0))
    weights = layer_weights(scores)
    tokens = normalised(summed(maps, sizes, weights, cases[0].target)).numpy()
    return weights, tokens, np.mean([case.spread for case in cases], axis=0)


def test_steps_of_a_sampling(given: Set) -> None:
    """Weighed in each step, then averaged; and averaged first, then weighed by layer."""
    document, data = given.document("steps.json"), given.arrays("steps.npz")
    row, count = int(data["batch_cond_index"]), document["steps"]
    cases = [_step(data, document, row, step) for step in range(count)]
    tokens = [normalised(case.total(HeadMethod.DOT, LayerMethod.DOT)).numpy() for case in cases]
    weights = [layer_weights(case.scores(LayerMethod.DOT)).numpy() for case in cases]
    given.check("steps.npz", np.stack(tokens), data["A_step"])
    given.check("steps.npz", np.stack(weights), data["layer_weights_step"])
    for name, first in (("schemeA", 0), ("schemeA_last2", count - 2)):
        mean = np.mean(tokens[first:], axis=0)
        spread = np.mean([case.spread for case in cases[first:]], axis=0)
        given.check("steps.npz", mean, data[f"{name}_A"])
        competing = cases[0].competing(mean)
        if f"{name}_normed" in data:
            merged = competition.rescaled(
                competition.noun_maps(mean, cases[0].nouns), competition.content(mean, document["content_token_ids"])
            )
            given.check("steps.npz", competition.stretched(competition.smoothed(merged)), data[f"{name}_normed"])
        given.check("steps.npz", refined(competing, spread), data[f"{name}_final"])
    weights, mean, spread = _averaged_first(cases)
    given.check("steps.npz", weights, data["schemeB_layer_weights"])
    given.check("steps.npz", mean, data["schemeB_A"])
    given.check("steps.npz", refined(cases[0].competing(mean), spread), data["schemeB_final"])
    other = _step(data, document, 1 - row, count - 1)
    given.check("steps.npz", normalised(other.total(HeadMethod.DOT, LayerMethod.DOT)), data["uncond_A_last"])


def test_nouns_without_a_rival(given: Set) -> None:
    """Which tokens were taken stands nowhere: those that give the maps."""
    data = given.arrays("edge.npz")
    tokens = data["A"]
    alone = [competition.competing(tokens, [[number]], []) for number in range(len(tokens))]
    one = min(alone, key=lambda maps: float(np.abs(maps[0] - data["suggested_single"][0]).max()))
    given.check("edge.npz", one[:1], data["suggested_single"])
    assert not one[1].any()
    for name, noun in (("single_rescaled", [0]), ("two_tokens_one_noun_rescaled", [0, 1])):
        flat = competition.rescaled(competition.noun_maps(tokens, [noun]), competition.content(tokens, noun))
        given.check("edge.npz", flat, data[name])
        assert not competition.stretched(competition.smoothed(flat)).any()


def test_two_nouns_mirror_each_other(given: Set) -> None:
    data = given.arrays("edge.npz")
    tokens = data["A"]
    wanted = data["two_nouns_rescaled"]
    pairs = [(first, other) for first in range(len(tokens)) for other in range(len(tokens)) if first != other]
    shares = {pair: competition.rescaled(tokens[list(pair)], competition.content(tokens, pair)) for pair in pairs}
    pair = min(pairs, key=lambda pair: float(np.abs(shares[pair] - wanted).max()))
    given.check("edge.npz", shares[pair], wanted)
    given.check("edge.npz", competition.stretched(competition.smoothed(shares[pair])), data["two_nouns_normed"])
    given.check(
        "edge.npz", competition.competing(tokens, [[pair[0]], [pair[1]]], []), data["two_nouns_with_background"]
    )


def test_tokens(given: Set) -> None:
    for row in given.document("tokens.json"):
        phrases = row["phrases"]
        found = phrase_positions(row["caption"], row["tokens"], [phrase["text"] for phrase in phrases])
        objects: dict[str, list[int]] = {}
        background = []
        for phrase, positions in zip(phrases, found, strict=True):
            if phrase["class_id"] is None:
                background.append(list(positions))
            else:
                objects.setdefault(str(phrase["class_id"]), []).extend(positions)
        wanted = row["sound"]
        assert objects == wanted["objects"]
        assert background == wanted["background_objects"]
        content = sorted({token for positions in found for token in positions})
        assert content == wanted["content_token_ids"]


# --- transformers with a joint attention ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Joint:
    """The three streams of one attention, the image's rotated."""

    data: Mapping[str, Any]

    def stream(self, name: str) -> Stream:
        query, key, value = (self.data[f"{name}_{part}"] for part in "qkv")
        if name == "img":
            query, key = (_turned(values, self.data) for values in (query, key))
        return Stream(query, key, value)


def _turned(values: Any, data: Mapping[str, Any]) -> Any:
    return rotated(values, data["img_ids"], data["axes_dim"].tolist(), float(data["theta"]))


def _tensors(data: Mapping[str, np.ndarray]) -> dict[str, Any]:
    return {name: torch.from_numpy(values) for name, values in data.items()}


def _side_by_side(values: Any) -> Any:
    return values.transpose(0, 1).flatten(1)


def test_words_beside_the_prompt(given: Set) -> None:
    data = given.arrays("ca_attention.npz")
    tensors = _tensors(data)
    joint = Joint(tensors)
    image, text, words = (joint.stream(name) for name in ("img", "txt", "con"))
    size = (int(data["grid"][0]), int(data["grid"][1]))
    image_out, words_out = attended(image.query, [text, image]), concept_outputs(words, image)
    scores = concept_scores(words_out, image_out)
    found = {
        "img_q_rope": image.query,
        "img_k_rope": image.key,
        "img_out": image_out,
        "txt_out": attended(text.query, [text, image]),
        "con_out": words_out,
        "scores": scores,
        "heat": concept_heat(scores, size),
        "con_out_cross_only": attended(words.query, [image]),
        "con_out_self_only": attended(words.query, [words]),
        "cross_space_scores": concept_scores(_side_by_side(tensors["con_q"]), _side_by_side(tensors["img_q"])),
    }
    for name, values in found.items():
        given.check("ca_attention.npz", values, data[name])


def test_the_parts_of_a_joint_attention(given: Set) -> None:
    data = given.arrays("ca_goca_joint.npz")
    joint = Joint(_tensors(given.arrays("ca_attention.npz")))
    cross, own = image_attention(joint.stream("txt"), joint.stream("img"))
    given.check("ca_goca_joint.npz", cross, data["cross"])
    given.check("ca_goca_joint.npz", own, data["self_head_mean"])
    given.check("ca_goca_joint.npz", cross.mean(dim=0), data["cross_head_mean"])
    given.check("ca_goca_joint.npz", cross.sum(dim=2), data["cross_row_sums"])


def test_heat_over_steps_and_layers(given: Set) -> None:
    data = given.arrays("ca_heatmaps.npz")
    tensors = _tensors(data)
    size = (int(data["grid"][0]), int(data["grid"][1]))
    scores = concept_scores(tensors["con_vectors"], tensors["img_vectors"])
    heat = concept_heat(scores, size)
    raw = scores.reshape(-1, *scores.shape[-2:]).mean(dim=0).reshape(-1, *size)
    given.check("ca_heatmaps.npz", heat, data["heat_softmax_then_mean"])
    given.check("ca_heatmaps.npz", concept_heat(scores, size, shares_first=False), data["heat_mean_then_softmax"])
    given.check("ca_heatmaps.npz", raw, data["raw_mean"])
    given.check("ca_heatmaps.npz", concept_heat(scores[-1, -1], size), data["heat_last"])
    clear = data["margin"] > CLEAR
    assert np.array_equal(evidence.labels(heat.numpy())[clear], data["labels"][clear])
    given.check("ca_heatmaps.npz", evidence.margins(heat.numpy()), data["margin"])
    above = (raw > raw.mean(dim=(1, 2), keepdim=True)).numpy()
    sure = (raw - raw.mean(dim=(1, 2), keepdim=True)).abs().numpy() > CLEAR
    assert np.array_equal(above[sure], data["mask_above_mean"][sure])


@dataclass(frozen=True)
class Block:
    """A double block of FLUX, as the model itself computes it around its attention."""

    data: Mapping[str, Any]
    heads: int

    def linear(self, name: str, values: Any) -> Any:
        return functional.linear(values, self.data[f"{name}_w"], self.data[f"{name}_b"])

    def modulation(self, weights: str, vector: str) -> Any:
        return self.linear(f"{weights}_mod", functional.silu(self.data[vector])).chunk(6, dim=-1)

    def stream(self, weights: str, values: Any, modulation: Any) -> Stream:
        inner = self.linear(f"{weights}_qkv", (1 + modulation[1]) * _normal(values) + modulation[0])
        query, key, value = inner.reshape(len(values), 3, self.heads, -1).permute(1, 2, 0, 3)
        return Stream(_root_mean(query, self.data[f"{weights}_qn"]), _root_mean(key, self.data[f"{weights}_kn"]), value)

    def after(self, weights: str, values: Any, output: Any, modulation: Any) -> Any:
        values = values + modulation[2] * self.linear(f"{weights}_proj", output)
        inner = self.linear(f"{weights}_m1", (1 + modulation[4]) * _normal(values) + modulation[3])
        return values + modulation[5] * self.linear(f"{weights}_m2", functional.gelu(inner, approximate="tanh"))


def _normal(values: Any) -> Any:
    return functional.layer_norm(values, values.shape[-1:], eps=1e-6)


def _root_mean(values: Any, scale: Any) -> Any:
    return values * torch.rsqrt((values**2).mean(dim=-1, keepdim=True) + 1e-6) * scale


def test_a_whole_block_with_words_beside_the_prompt(given: Set) -> None:
    data = given.arrays("ca_block.npz")
    tensors = _tensors(data)
    block = Block(tensors, int(data["heads"]))
    weights = {"img": "img", "txt": "txt", "con": "txt"}
    vectors = {"img": "vec", "txt": "vec", "con": "con_vec"}
    modulations = {name: block.modulation(own, vectors[name]) for name, own in weights.items()}
    streams = {name: block.stream(own, tensors[name], modulations[name]) for name, own in weights.items()}
    image = streams["img"]
    image = Stream(_turned(image.query, tensors), _turned(image.key, tensors), image.value)
    outputs = {
        "img": attended(image.query, [streams["txt"], image]),
        "txt": attended(streams["txt"].query, [streams["txt"], image]),
        "con": concept_outputs(streams["con"], image),
    }
    for name, own in weights.items():
        found = block.after(own, tensors[name], outputs[name], modulations[name])
        given.check("ca_block.npz", found, data[f"{name}_next"])


def test_every_fixture_is_judged(given: Set) -> None:
    """No file of the set is passed over: each is named in this module."""
    source = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in given.index if f'"{name}"' not in source] == []
