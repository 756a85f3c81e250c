"""Files of weights that would run something: none does, through any door, and every door is the same one."""

from __future__ import annotations

import ast
import importlib.util
import io
import os
import pickle
import random
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from t2c_ext.errors import UserError
from t2c_ext.weights.pickles import BadPickle, CodeInPickle, Made, Name, read_pickle

PACKAGE = Path(__file__).parents[1] / "t2c_ext"

FORBIDDEN_MODULES = {
    "pickle",
    "cPickle",
    "dill",
    "joblib",
    "marshal",
    "shelve",
    "cloudpickle",
    "torch.jit",
    "torch.hub",
}
FORBIDDEN_CALLS = {"torch.load", "numpy.load", "eval", "exec"}
FORBIDDEN_METHODS = {
    *("read_array", "PackageImporter", "load_state_dict_from_url"),
    *("load_textual_inversion", "from_single_file", "load_attn_procs", "load_adapter"),
}
LIBRARIES_THAT_READ = {
    # what is named here reads configurations and vocabularies, which are text
    "t2c_ext/twin/diffusion/tokenizer.py": {"CLIPTokenizer.from_pretrained"},
    "t2c_ext/motion/text_context.py": {"CLIPTokenizer.from_pretrained"},
    "t2c_ext/region/segmenters/networks.py": {
        "model_type.config_class.from_pretrained",
        "model_type.from_pretrained",
        "kind.from_pretrained",
    },
}


def calls(path: Path) -> list[tuple[str, ast.Call]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [(ast.unparse(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call)]


@pytest.mark.parametrize("room", sorted({path.parent for path in PACKAGE.rglob("*.py")}), ids=lambda room: room.name)
def test_no_module_reads_weights_in_its_own_way(room: Path) -> None:
    for path in sorted(room.glob("*.py")):
        where = path.relative_to(PACKAGE.parent).as_posix()
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not imported & FORBIDDEN_MODULES, where
        for name, call in calls(path):
            last = name.rsplit(".", 1)[-1]
            assert name not in FORBIDDEN_CALLS and last not in FORBIDDEN_METHODS, f"{where}:{call.lineno}: {name}"
            assert last != "from_pretrained" or name in LIBRARIES_THAT_READ.get(where, ()), f"{where}:{call.lineno}"
            if name == "np.load":
                assert [word.value.value for word in call.keywords if word.arg == "allow_pickle"] == [False]


class Code:
    """A pickle of this would make a folder."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


class Method:
    """A pickle of this would make a file, by a method of a harmless class."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.mark,)


def read(content: bytes) -> Any:
    return read_pickle(io.BytesIO(content), len(content))


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("kind", [Code, Method])
def test_a_call_is_refused_and_not_made(kind: Callable[[Path], object], protocol: int, tmp_path: Path) -> None:
    mark = tmp_path / "it_ran"
    for content in (kind(mark), {"a": [kind(mark)]}, {"callbacks": {"x": kind(mark)}}):
        with pytest.raises(CodeInPickle):
            read(pickle.dumps(content, protocol))
    assert not mark.exists()


BY_HAND: dict[str, bytes] = {
    "a global": b"cos\nsystem\n(S'touch {mark}'\ntR.",
    "an instance": b"(S'touch {mark}'\nios\nsystem\n.",
    "an object": b"(cos\nsystem\nS'touch {mark}'\no.",
    "a global of the stack": b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x0ctouch {mark}\x85R.",
    "a new object": b"\x80\x02csubprocess\nPopen\nS'touch {mark}'\n\x85\x81.",
    "a new object with names": b"\x80\x04\x8c\x0asubprocess\x8c\x05Popen\x93)}\x92.",
    "eval": b"c__builtin__\neval\n(S'1'\ntR.",
    "an attribute that is called": b"c__builtin__\ngetattr\n(cos\npath\nS'exists'\ntR(S'x'\ntR.",
    "a function of functools that is called": b"cfunctools\npartial\n(cos\nsystem\ntR(S'x'\ntR.",
    "an extension": b"\x80\x02\x82\x01.",
    "a wide extension": b"\x80\x02\x84\x01\x00\x00\x00.",
    "a buffer from outside": b"\x80\x05\x97.",
}


@pytest.mark.parametrize("kind", BY_HAND)
def test_pickles_written_by_hand(kind: str, tmp_path: Path) -> None:
    mark = tmp_path / "it_ran"
    with pytest.raises(BadPickle):
        read(BY_HAND[kind].replace(b"{mark}", str(mark).encode()))
    assert not mark.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x04r\xff\xff\xff\xffN.",  # a memo of four thousand million places
        b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + b"x.",  # a text of 2^62 bytes
        b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b".",
        b"\x80\x02]" + b"2a" * 30 + b".",  # a list inside itself
        b"(" * 5000 + b".",
        b"\x80\x02}" + b"N" + b"\x86" * 2000 + b".",
        b"0.",
        b"h\x05.",
        b"",
        b"\x80\x02}q\x00]N\x85R.",
        b"I" + b"9" * 6000 + b"\n.",
    ],
)
def test_damaged_and_greedy_pickles_end_at_once(content: bytes) -> None:
    try:
        read(content)
    except BadPickle as error:
        assert "\n" not in str(error)


def test_a_key_whose_hash_would_take_for_ever() -> None:
    pair = b"\x80\x02}(NN\x86" + b"2\x86" * 60 + b"Nu."  # a tuple of 2^60 ends
    assert len(read(pair)) == 1


def test_data_stays_data() -> None:
    content = {"a": [1, 2.5, None, True, b"x", ("y",)], "b": {3: {4}}, "c": np.float64(2.0), "d": Path("x")}
    for protocol in range(6):
        found = read(pickle.dumps(content, protocol))
        assert found["a"][:4] == [1, 2.5, None, True] and found["a"][5] == ("y",)
        assert isinstance(found["d"], Made) and found["d"].maker.module.startswith("pathlib")
        assert isinstance(found["c"], Made)


def test_names_are_never_imported() -> None:
    assert read(b"cno.such.module\nThing\n.") == Name("no.such.module", "Thing")
    made = read(b"cno.such.module\nThing\n(S'a'\ntR}S'b'\nI1\nsb.")
    assert made.maker == Name("no.such.module", "Thing") and made.args == ("a",) and made.state == {"b": 1}


torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from t2c_ext.motion.field import read_flow  # noqa: E402
from t2c_ext.twin.diffusion.extras import load_embeddings  # noqa: E402
from t2c_ext.weights.folders import TRANSFORMER, load_folder  # noqa: E402
from t2c_ext.weights.states import load_content, load_state, load_tensor  # noqa: E402


def doors(path: Path) -> dict[str, Callable[[], object]]:
    """Every way in which a file of torch's comes into the package, but for whole models."""
    folder = path.parent / "folder"
    folder.mkdir(exist_ok=True)
    (folder / "pytorch_model.bin").write_bytes(path.read_bytes())
    (folder / "river.pt").write_bytes(path.read_bytes())
    flow = path.parent / "flow.pt"
    flow.write_bytes(path.read_bytes())
    return {
        "a state": lambda: load_state(path),
        "a content": lambda: load_content(path),
        "a tensor": lambda: load_tensor(path),
        "a flow": lambda: read_flow(flow),
        "an embedding": lambda: load_embeddings(components(), str(folder), ["a river"]),
        "a folder": lambda: load_folder(folder, TRANSFORMER),
    }


def components() -> Any:
    class Encoder:
        width, embeddings = 8, {}

    class Components:
        encoders = (Encoder(),)

    return Components()


EVIL_MODULE = """
import torch


class Evil(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = torch.zeros(1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.a

    @torch.jit.export
    def __getstate__(self) -> tuple[torch.Tensor, bool]:
        return (torch.zeros(1), self.training)

    @torch.jit.export
    def __setstate__(self, state: tuple[torch.Tensor, bool]) -> None:
        torch.save(state[0], {mark!r})
        self.a = state[0]
        self.training = state[1]
"""


def script(path: Path) -> None:
    """A TorchScript archive that writes a file when it is loaded, as torch before 2.6 does whatever it is told."""
    source = path.parent / "evil_module.py"
    source.write_text(EVIL_MODULE.replace("{mark!r}", repr(str(path.parent / "it_ran"))))
    description = importlib.util.spec_from_file_location(f"evil_{path.parent.name}", source)
    assert description is not None and description.loader is not None
    module = importlib.util.module_from_spec(description)
    description.loader.exec_module(module)
    torch.jit.save(torch.jit.script(module.Evil()), str(path))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 6), reason="mended in torch 2.6")
@pytest.mark.parametrize("kind", ["TorchScript", "TorchScript in a second directory"])
def test_the_attack_is_real(kind: str, tmp_path: Path) -> None:
    ATTACKS[kind](tmp_path / "weights.pt")
    torch.load(tmp_path / "weights.pt", map_location="cpu", weights_only=True)
    assert (tmp_path / "it_ran").exists()


def prefixed(path: Path) -> None:
    script(path)
    path.write_bytes(b"\x80\x02}." + path.read_bytes())


def with_two_directories(path: Path) -> None:
    """A zip archive in which torch's reader finds a TorchScript program, and Python's only data.

    Torch takes the directory at the place that the end record says; Python takes the one just before the end record.
    """
    script(path)
    raw = path.read_bytes()
    end = raw.rfind(b"PK\x05\x06")
    size, start = struct.unpack("<II", raw[end + 12 : end + 20])
    if start == 0xFFFFFFFF or size == 0xFFFFFFFF:
        locator = raw.rfind(b"PK\x06\x07")
        (record,) = struct.unpack("<Q", raw[locator + 8 : locator + 16])
        size, start = struct.unpack("<QQ", raw[record + 40 : record + 56])
    decoy = raw[start : start + size].replace(b"constants.pkl", b"konstants.pkl")
    last = bytearray(raw[end:])
    last[12:20] = struct.pack("<II", size, start)
    path.write_bytes(raw[: start + size] + decoy + bytes(last))


def legacy_tar(path: Path) -> None:
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT, encoding="latin-1") as archive:
        for name in ("\x80sys_info", "pickle", "tensors", "storages"):
            content = pickle.dumps(Code(path.parent / "it_ran"), 2)
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


def plain_tar(path: Path) -> None:
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("pickle"))


def nested_zip(path: Path) -> None:
    script(path)
    inner = path.read_bytes()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", inner)
        archive.writestr("archive/inner.zip", inner)


def saved(content: object, legacy: bool = False) -> Callable[[Path], None]:
    return lambda path: torch.save(content, path, _use_new_zipfile_serialization=not legacy)


def evil_safetensors(path: Path) -> None:
    path.write_bytes(pickle.dumps({"a": Code(path.parent / "it_ran")}, 2))


def evil_package(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/.data/extern_modules", "")
        archive.writestr("model/model/model.pkl", pickle.dumps(Code(path.parent / "it_ran"), 2))


ATTACKS: dict[str, Callable[[Path], None]] = {
    "TorchScript": script,
    "TorchScript behind a pickle": prefixed,
    "TorchScript in a second directory": with_two_directories,
    "a tar of torch's": legacy_tar,
    "a packed tar": plain_tar,
    "a zip in a zip": nested_zip,
    "a package": evil_package,
    "a pickle": evil_safetensors,
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("ending", [".pt", ".safetensors", ".ckpt"])
@pytest.mark.parametrize("kind", ATTACKS)
def test_no_door_lets_code_in(kind: str, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"weights{ending}"
    ATTACKS[kind](path)
    for name, door in doors(path).items():
        try:
            result = door()
        except UserError as error:
            assert "\n" not in str(error)
        else:
            # what is left of an archive when nothing in it runs holds no tensor
            assert kind.startswith("TorchScript") and not isinstance(result, torch.Tensor), name
    assert not (tmp_path / "it_ran").exists()


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("kind", [Code, Method])
def test_code_beside_tensors_is_refused_at_every_door(
    kind: Callable[[Path], object], legacy: bool, tmp_path: Path
) -> None:
    path = tmp_path / "weights.pt"
    saved({"a": torch.zeros(2), "b": kind(tmp_path / "it_ran")}, legacy)(path)
    for door in doors(path).values():
        with pytest.raises(UserError, match="holds code") as caught:
            door()
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "it_ran").exists()


def mutated(raw: bytes, chance: random.Random) -> bytes:
    """The bytes with a few changed, cut out, doubled or replaced by large numbers."""
    found = bytearray(raw)
    for _ in range(chance.choice([1, 1, 2, 4, 16])):
        at, kind = chance.randrange(len(found) + 1), chance.randrange(5)
        if kind == 0:
            found[at : at + 1] = bytes([chance.randrange(256)])
        elif kind == 1:
            del found[at : at + chance.randrange(1, 20)]
        elif kind == 2:
            found[at:at] = found[chance.randrange(len(found) + 1) :][: chance.randrange(1, 60)]
        elif kind == 3:
            found[at : at + 4] = chance.choice([b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", bytes(4)])
        else:
            del found[at:]
    return bytes(found)


def with_other_pickle(raw: bytes, chance: random.Random) -> bytes:
    """A zip archive of torch's whose pickle is changed and whose checksums are right."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as source, zipfile.ZipFile(target, "w") as archive:
        for entry in source.infolist():
            content = source.read(entry)
            archive.writestr(entry.filename, mutated(content, chance) if "data.pkl" in entry.filename else content)
    return target.getvalue()


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files_are_read_or_refused_in_a_line(seed: int, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    chance, path = random.Random(seed), tmp_path / "weights.pt"
    state = {"a": torch.zeros(4, 3), "b": torch.arange(5), "c": torch.ones(2).half()}
    torch.save({"state_dict": state, "x": [np.float64(1), Path("x"), {1}]}, tmp_path / "zip")
    torch.save(state, tmp_path / "old", _use_new_zipfile_serialization=False)
    save_file(state, str(tmp_path / "safe"))
    sources = {name: (tmp_path / name).read_bytes() for name in ("zip", "old", "safe")}
    for _ in range(60):
        name = chance.choice(list(sources))
        inside = name == "zip" and chance.random() < 0.7
        path.write_bytes((with_other_pickle if inside else mutated)(sources[name], chance))
        for read_file in (load_state, load_content):
            try:
                read_file(path)
            except UserError as error:
                assert "\n" not in str(error)
