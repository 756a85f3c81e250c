"""Where models are looked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from t2c_ext.errors import UserError
from t2c_ext.weights.catalogue import catalogue, model_named
from t2c_ext.weights.find import find_model, require_model
from t2c_ext.weights.listing import list_models
from t2c_ext.weights.places import VARIABLE, Places, hub_cache, user_folder

AGREED = {
    "motion-pretrained",
    "motion-direction-pretrained",
    "video-pretrained",
    "mask2former-ade",
    "mask2former-coco",
    "oneformer-ade",
    "oneformer-coco",
    "segformer-ade",
    "clipseg",
    "grounding-dino",
    "sam2",
    "sam3",
    "odise",
}


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No model of this machine is found."""
    for name in (VARIABLE, "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    for name in ("XDG_DATA_HOME", "LOCALAPPDATA", "HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    return tmp_path


def put(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"{}")
    return folder


def whole(name: str) -> list[str]:
    return [need.split(" | ")[-1] for need in model_named(name).needs]


def test_the_catalogue_says_what_a_person_needs_to_know() -> None:
    assert {model.name for model in catalogue()} >= AGREED
    assert len({model.name for model in catalogue()}) == len(catalogue())
    for model in catalogue():
        assert model.purpose
        assert model.source.startswith("https://")
        assert sum(map(bool, (model.hub, model.drive, model.url, model.library))) == 1
        assert bool(model.needs) != bool(model.library)
        assert not model.revision or len(model.revision) == 40
        assert not model.drive or model.archive


@pytest.mark.parametrize("name", sorted(AGREED | {"clip-text"}))
def test_a_model_is_found_in_the_folder_that_the_user_names(name: str, tmp_path: Path) -> None:
    places = Places(named=tmp_path / "models")
    assert find_model(name, places) is None
    folder = put(tmp_path / "models" / name, *whole(name))
    found = find_model(name, places)
    assert found == (folder / whole(name)[0] if model_named(name).single else folder)
    (folder / whole(name)[0]).write_bytes(b"")
    assert find_model(name, places) is None


def test_a_model_that_lacks_a_file_is_not_found(tmp_path: Path) -> None:
    put(tmp_path / "clipseg", *whole("clipseg")[1:])
    assert find_model("clipseg", Places(named=tmp_path)) is None


def test_the_papers_own_checkout_serves_and_safetensors_come_first(tmp_path: Path) -> None:
    pickle = put(tmp_path, "checkpoints/video-pretrained/latest_net_G.pth") / "checkpoints/video-pretrained"
    places = Places(named=tmp_path)
    assert find_model("video-pretrained", places) == pickle / "latest_net_G.pth"
    put(pickle, "latest_net_G.safetensors")
    assert find_model("video-pretrained", places) == pickle / "latest_net_G.safetensors"
    put(tmp_path, *("checkpoints/stable-diffusion-v1-4/" + name for name in whole("clip-text")))
    assert find_model("clip-text", places) == tmp_path / "checkpoints/stable-diffusion-v1-4"


def test_places_are_searched_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, os.pathsep.join([str(tmp_path / "one"), "", str(tmp_path / "two")]))
    places = Places(named=tmp_path / "named", webui=tmp_path / "webui")
    order = [
        tmp_path / "named",
        tmp_path / "one",
        tmp_path / "two",
        tmp_path / "webui" / "t2c",
        tmp_path / "webui",
        user_folder(),
    ]
    assert list(places.folders()) == order
    assert places.target() == order[0]
    assert Places().target() == tmp_path / "one"
    for folder in reversed(order):
        put(folder, "odise/" + whole("odise")[0])
        assert find_model("odise", places) == folder / "odise" / whole("odise")[0]


@pytest.mark.parametrize(
    ("platform", "end"),
    [
        ("linux", "home/text2cinemagraph/models"),
        ("darwin", "home/Library/Application Support/text2cinemagraph/models"),
        ("win32", "home/text2cinemagraph/models"),
    ],
)
def test_the_users_folder_is_where_the_platform_keeps_data(
    platform: str, end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    assert user_folder() == tmp_path / end


def test_what_lies_in_the_hubs_cache_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "hf" / "hub" / "models--CIDAS--clipseg-rd64-refined"
    assert hub_cache() == tmp_path / "hf" / "hub"
    old = put(root / "snapshots" / ("a" * 40), *whole("clipseg"))
    assert find_model("clipseg") == old
    new = put(root / "snapshots" / ("b" * 40), *whole("clipseg"))
    put(root / "refs", "main")
    (root / "refs" / "main").write_text("b" * 40)
    assert find_model("clipseg") == new
    (new / whole("clipseg")[0]).unlink()
    assert find_model("clipseg") == old
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "elsewhere"))
    assert find_model("clipseg") is None


def test_the_catalogues_commit_is_preferred_in_the_hubs_cache(tmp_path: Path) -> None:
    model = model_named("mask2former-ade")
    root = tmp_path / "hf" / "hub" / ("models--" + model.hub.replace("/", "--")) / "snapshots"
    other = put(root / ("0" * 40), *whole(model.name))
    assert find_model(model.name) == other
    pinned = put(root / model.revision, *whole(model.name))
    assert find_model(model.name) == pinned


def test_an_unknown_name_and_a_missing_model_are_errors_that_help(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no model called 'clipsec'; there are .*clipseg"):
        find_model("clipsec")
    with pytest.raises(UserError, match="not here; get clipseg"):
        require_model("clipseg")
    put(tmp_path / "clipseg", *whole("clipseg"))
    assert require_model("clipseg", Places(named=tmp_path)) == tmp_path / "clipseg"


def test_the_list_tells_what_is_here(tmp_path: Path) -> None:
    put(tmp_path / "clipseg", *whole("clipseg"))
    rows = {row.model.name: row for row in list_models(Places(named=tmp_path))}
    assert list(rows) == [model.name for model in catalogue()]
    assert rows["clipseg"].line().startswith("clipseg: here (")
    assert str(tmp_path / "clipseg") in rows["clipseg"].line()
    assert rows["odise"].line().startswith("odise: missing (")
    assert "CC BY-NC-SA" in rows["odise"].line()
    assert all("\n" not in row.line() for row in rows.values())


def test_a_folder_of_models_may_have_a_colon_in_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / os.pathsep.join(["a", "b"])
    folder.mkdir()
    monkeypatch.setenv("T2C_MODELS_PATH", str(folder))
    assert Places().folders()[0] == folder
    monkeypatch.setenv("T2C_MODELS_PATH", os.pathsep.join([str(tmp_path), str(folder.parent / "c")]))
    assert Places().folders()[:2] == (tmp_path, tmp_path / "c")
