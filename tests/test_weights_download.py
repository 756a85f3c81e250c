"""Downloads: from a server on this machine that answers as the hub does, and from archives."""

from __future__ import annotations

import email.message
import hashlib
import inspect
import io
import json
import os
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hub_server import COMMIT, Hub, serving

from t2c_ext.errors import Cancelled, UserError
from t2c_ext.progress import Reporter
from t2c_ext.weights.checksums import RECORD, read_checksums
from t2c_ext.weights.download import download_models
from t2c_ext.weights.fetch import Remote, Unreachable, _WebOnly, fetch
from t2c_ext.weights.find import find_model
from t2c_ext.weights.first_seen import RECORD as FIRST_SEEN
from t2c_ext.weights.first_seen import keep_first_seen
from t2c_ext.weights.places import VARIABLE, Places
from t2c_ext.weights.verify import State, verify_models

WEIGHTS = hashlib.sha256(b"seed").digest() * 100_000
"""3.2 MB."""

CLIPSEG = "CIDAS/clipseg-rd64-refined/"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr("t2c_ext.weights.fetch.time.sleep", lambda seconds: None)
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No model of this machine is found."""
    for name in (VARIABLE, "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HF_HOME", "XDG_DATA_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))


def remote(hub: Hub, data: bytes = WEIGHTS, **changes: Any) -> Remote:
    hub.files["o/n/w.bin"] = data
    values = {"url": f"{hub.url}/o/n/resolve/main/w.bin", "size": len(data), "sha256": digest(data)}
    return Remote(**{**values, **changes})


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def silent(here: int, total: int) -> None:
    """Tell nothing."""


class TestOneFile:
    def test_it_arrives_whole_with_progress(self, hub: Hub, tmp_path: Path) -> None:
        told: list[tuple[int, int]] = []
        assert fetch(remote(hub), tmp_path / "a" / "w.bin", lambda *row: told.append(row)) == digest(WEIGHTS)
        assert (tmp_path / "a" / "w.bin").read_bytes() == WEIGHTS
        assert [path.name for path in (tmp_path / "a").iterdir()] == ["w.bin"]
        assert told[-1] == (len(WEIGHTS), len(WEIGHTS))
        assert [here for here, _ in told] == sorted({here for here, _ in told})
        assert len(told) >= 4

    def test_a_broken_connection_is_taken_up_where_it_broke(self, hub: Hub, tmp_path: Path) -> None:
        hub.breaks, hub.fails = 2, 1
        fetch(remote(hub), tmp_path / "w.bin", silent)
        assert (tmp_path / "w.bin").read_bytes() == WEIGHTS
        starts = [headers.get("range") for headers in hub.sent("w.bin")]
        assert starts == [None, None, f"bytes={len(WEIGHTS) // 2}-", f"bytes={3 * len(WEIGHTS) // 4}-"]

    def test_a_later_run_goes_on_where_the_first_stopped(self, hub: Hub, tmp_path: Path) -> None:
        def stop(here: int, total: int) -> None:
            if here > 2_000_000:
                raise Cancelled

        with pytest.raises(Cancelled):
            fetch(remote(hub), tmp_path / "w.bin", stop)
        assert not (tmp_path / "w.bin").exists()
        kept = (tmp_path / "w.bin.part").stat().st_size
        assert kept > 2_000_000
        fetch(remote(hub), tmp_path / "w.bin", silent)
        assert hub.sent("w.bin")[-1]["range"] == f"bytes={kept}-"
        assert (tmp_path / "w.bin").read_bytes() == WEIGHTS

    def test_a_server_that_cannot_resume_sends_it_all(self, hub: Hub, tmp_path: Path) -> None:
        (tmp_path / "w.bin.part").write_bytes(b"something else")
        hub.ranges = False
        fetch(remote(hub), tmp_path / "w.bin", silent)
        assert (tmp_path / "w.bin").read_bytes() == WEIGHTS

    def test_a_part_that_is_too_long_is_thrown_away(self, hub: Hub, tmp_path: Path) -> None:
        (tmp_path / "w.bin.part").write_bytes(WEIGHTS + b"more")
        fetch(remote(hub), tmp_path / "w.bin", silent)
        assert (tmp_path / "w.bin").read_bytes() == WEIGHTS

    def test_without_a_checksum_nothing_is_resumed(self, hub: Hub, tmp_path: Path) -> None:
        (tmp_path / "w.bin.part").write_bytes(b"of another version")
        assert fetch(remote(hub, sha256="", size=0), tmp_path / "w.bin", silent) == digest(WEIGHTS)

    def test_a_wrong_checksum_leaves_nothing(self, hub: Hub, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="not the file that was meant"):
            fetch(remote(hub, sha256="0" * 64), tmp_path / "w.bin", silent)
        assert list(tmp_path.iterdir()) == []

    def test_the_first_digits_of_a_checksum_decide(self, hub: Hub, tmp_path: Path) -> None:
        fetch(remote(hub, sha256=digest(WEIGHTS)[:8]), tmp_path / "w.bin", silent)
        with pytest.raises(UserError, match="not the file"):
            fetch(remote(hub, sha256="0" * 8), tmp_path / "x.bin", silent)

    def test_what_keeps_breaking_is_unreachable(self, hub: Hub, tmp_path: Path) -> None:
        hub.fails = 99
        with pytest.raises(Unreachable, match="refused \\(503"):
            fetch(remote(hub), tmp_path / "w.bin", silent)
        assert len(hub.sent("w.bin")) == 4

    def test_a_refusal_is_not_asked_again(self, hub: Hub, tmp_path: Path) -> None:
        with pytest.raises(Unreachable, match="404: it is not there"):
            fetch(remote(hub, url=f"{hub.url}/storage/none"), tmp_path / "w.bin", silent)
        assert len(hub.asked) == 1

    def test_offline_is_said(self, hub: Hub, tmp_path: Path) -> None:
        with pytest.raises(Unreachable, match="no connection"):
            fetch(Remote("http://127.0.0.1:1/w.bin"), tmp_path / "w.bin", silent)

    def test_a_token_is_not_handed_on(self, hub: Hub, tmp_path: Path) -> None:
        fetch(remote(hub, headers={"authorization": "Bearer secret"}), tmp_path / "w.bin", silent)
        first, second = hub.asked
        assert first[2]["authorization"] == "Bearer secret"
        assert second[0].startswith("localhost")
        assert "authorization" not in second[2]

    def test_a_full_disk_is_said_before(self, hub: Hub, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="MB free, but the file needs"):
            fetch(remote(hub, size=10**18), tmp_path / "w.bin", silent)
        assert hub.asked == []

    def test_only_web_addresses_are_opened(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("t2c_ext.weights.fetch.time.sleep", lambda seconds: None)
        with pytest.raises(Unreachable, match="not a web address"):
            fetch(Remote((tmp_path / "x").as_uri()), tmp_path / "w.bin", silent)

    def test_more_than_was_said_is_not_taken(self, hub: Hub, tmp_path: Path) -> None:
        with pytest.raises(UserError, match=r"sends more than the 1\.0 MB that w\.bin has"):
            fetch(remote(hub, size=1_000_000), tmp_path / "w.bin", silent)
        assert not (tmp_path / "w.bin").exists()
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 1_000_000

    def test_an_endless_answer_is_cut_off(self, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("t2c_ext.weights.fetch.MOST_BYTES", 2_000_000)
        with pytest.raises(UserError, match="which no file of a model has"):
            fetch(remote(hub), tmp_path / "w.bin", silent)
        hub.endless = True
        with pytest.raises(UserError, match="sends more than"):
            fetch(remote(hub, size=0, sha256=""), tmp_path / "w.bin", silent)
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 2_000_000

    @pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x", "gopher://127.0.0.1/"])
    def test_no_address_leads_elsewhere_than_to_the_web(self, target: str, hub: Hub, tmp_path: Path) -> None:
        hub.leads_to = target
        with pytest.raises(Unreachable, match=r"is not allowed|it leads to"):
            fetch(remote(hub), tmp_path / "w.bin", silent)
        assert list(tmp_path.iterdir()) == []

    def test_https_does_not_lead_to_http(self) -> None:
        request = urllib.request.Request("https://a.example/w.bin")
        answer = (io.BytesIO(), 302, "Found", email.message.Message())
        with pytest.raises(urllib.error.HTTPError, match="it leads to http:"):
            _WebOnly().redirect_request(request, *answer, "http://a.example/w.bin")
        followed = _WebOnly().redirect_request(request, *answer, "https://b.example/w.bin")
        assert followed is not None and followed.full_url == "https://b.example/w.bin"


def run(hub: Hub, folder: Path, *names: str) -> tuple[int, dict[str, Any]]:
    """`download_models` in a process of its own, whose hub is the server."""
    pytest.importorskip("huggingface_hub")
    code = """if True:
        import json, sys
        from pathlib import Path
        from t2c_ext.errors import UserError
        from t2c_ext.progress import Reporter
        from t2c_ext.weights.download import download_models
        from t2c_ext.weights.places import Places
        told = []
        try:
            found = download_models(sys.argv[2:], Places(Path(sys.argv[1])), Reporter(lambda *row: told.append(row)))
        except UserError as error:
            print(json.dumps({"error": str(error), "told": told}))
            sys.exit(1)
        print(json.dumps({"found": {name: str(path) for name, path in found.items()}, "told": told}))
    """
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_TOKEN": "secret", "HF_HUB_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), *names], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


def clipseg(hub: Hub) -> dict[str, bytes]:
    """The repository of clipseg, with files that nobody needs."""
    wanted = {
        "config.json": b'{"a": 1}',
        "preprocessor_config.json": b"{}",
        "vocab.json": b"{}",
        "merges.txt": b"a b",
        "tokenizer_config.json": b"{}",
        "model.safetensors": WEIGHTS,
    }
    extra = {"pytorch_model.bin": WEIGHTS[::-1], "README.md": b"read me", "onnx/config.json": b"{}"}
    hub.files.update({CLIPSEG + name: data for name, data in (wanted | extra).items()})
    return wanted


class TestHub:
    def test_a_model_arrives_is_found_and_verified(self, hub: Hub, tmp_path: Path) -> None:
        wanted, places = clipseg(hub), Places(tmp_path / "models")
        code, answer = run(hub, tmp_path / "models", "clipseg")
        assert (code, answer["found"]) == (0, {"clipseg": str(tmp_path / "models" / "clipseg")})
        folder = tmp_path / "models" / "clipseg"
        assert {path.name: path.read_bytes() for path in folder.iterdir() if path.name != RECORD} == wanted
        assert read_checksums(folder) == {name: digest(data) for name, data in wanted.items()}
        assert COMMIT in json.loads((folder / RECORD).read_text())["source"]
        size = sum(map(len, wanted.values()))
        assert answer["told"][-1] == ["clipseg", size, size]
        assert [row[1] for row in answer["told"]] == sorted(row[1] for row in answer["told"])
        assert verify_models(["clipseg"], places)[0].state is State.WHOLE
        hub.asked.clear()
        assert run(hub, tmp_path / "models", "clipseg")[1]["found"] == answer["found"]
        assert hub.asked == []

    def test_what_is_whole_already_is_not_fetched_again(self, hub: Hub, tmp_path: Path) -> None:
        wanted = clipseg(hub)
        (tmp_path / "clipseg").mkdir()
        (tmp_path / "clipseg" / "model.safetensors").write_bytes(WEIGHTS)
        (tmp_path / "clipseg" / "config.json").write_bytes(b'{"b": 2}')  # as long, but another
        run(hub, tmp_path, "clipseg")
        assert hub.sent("model.safetensors") == []
        assert (tmp_path / "clipseg" / "config.json").read_bytes() == wanted["config.json"]

    def test_the_pickle_comes_where_there_is_nothing_safer(self, hub: Hub, tmp_path: Path) -> None:
        clipseg(hub)
        del hub.files[CLIPSEG + "model.safetensors"]
        assert run(hub, tmp_path, "clipseg")[0] == 0
        assert (tmp_path / "clipseg" / "pytorch_model.bin").read_bytes() == WEIGHTS[::-1]

    def test_refusals_say_what_to_do_by_hand(self, hub: Hub, tmp_path: Path) -> None:
        clipseg(hub)
        hub.gated = ("CIDAS/clipseg-rd64-refined",)
        code, answer = run(hub, tmp_path, "clipseg")
        assert code == 1
        assert "terms accepted" in answer["error"]
        assert (
            "by hand: config.json, preprocessor_config.json, vocab.json, merges.txt, model.safetensors from https://"
            in answer["error"]
        )
        assert str(tmp_path / "clipseg") in answer["error"]
        hub.gated = ()
        del hub.files[CLIPSEG + "vocab.json"]
        assert "has no vocab.json" in run(hub, tmp_path, "clipseg")[1]["error"]
        assert "no such repository" in run(hub, tmp_path, "sam2")[1]["error"]
        hub.port = 1
        assert "no answer from the hub" in run(hub, tmp_path, "clipseg")[1]["error"]

    def test_a_repository_cannot_name_files_outside(self, hub: Hub, tmp_path: Path) -> None:
        clipseg(hub)
        hub.files[CLIPSEG + "..\\evil.json"] = b"{}"
        assert "unsafe name" in run(hub, tmp_path / "models", "clipseg")[1]["error"]
        assert [path.name for path in tmp_path.rglob("*evil*")] == []

    def test_the_first_commit_is_asked_for_again(self, hub: Hub, tmp_path: Path) -> None:
        clipseg(hub)
        run(hub, tmp_path, "clipseg")
        assert json.loads((tmp_path / FIRST_SEEN).read_text()) == {"CIDAS/clipseg-rd64-refined": COMMIT}
        (tmp_path / "clipseg" / "vocab.json").unlink()
        hub.asked.clear()
        hub.commit = "d" * 40  # what the newest is now
        assert run(hub, tmp_path, "clipseg")[0] == 0
        assert hub.asked[0][1].endswith("/revision/" + COMMIT)
        assert COMMIT in json.loads((tmp_path / "clipseg" / RECORD).read_text())["source"]

    def test_another_commit_than_the_one_that_was_asked_for(self, hub: Hub, tmp_path: Path) -> None:
        clipseg(hub)
        keep_first_seen(tmp_path, "CIDAS/clipseg-rd64-refined", "e" * 40)
        hub.stubborn = True
        answer = run(hub, tmp_path, "clipseg")[1]["error"]
        assert "cccccccccccc instead of eeeeeeeeeeee" in answer
        assert not (tmp_path / "clipseg").exists()

    def test_a_missing_library_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "huggingface_hub", None)
        with pytest.raises(UserError, match="pip install huggingface_hub"):
            download_models(["clipseg"], Places(tmp_path))


def checkpoints(path: Path, names: tuple[str, ...] = ("motion-pretrained", "video-pretrained")) -> Path:
    """An archive laid out as the paper's."""
    with tarfile.open(path, "w") as archive:
        for name in names:
            for file in ("latest_net_G.pth", "latest_net_D.pth", "opt.txt"):
                entry = tarfile.TarInfo(f"checkpoints/{name}/{file}")
                entry.size = len(name)
                archive.addfile(entry, io.BytesIO(name.encode()))
    return path


def plain_archive(path: Path, content: bytes) -> Path:
    with tarfile.open(path, "w") as archive:
        entry = tarfile.TarInfo("checkpoints/video-pretrained/latest_net_G.pth")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return path


class TestArchive:
    @pytest.fixture
    def gdown(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
        """gdown's calls; it gives the paper's archive."""
        library, calls = pytest.importorskip("gdown"), []

        def download(id: str, output: str, quiet: bool, resume: bool, progress: Any = None) -> str:
            calls.append({"id": id, "output": output, "resume": resume})
            checkpoints(Path(output))
            if progress is not None:
                progress(10, None)
            return output

        monkeypatch.setattr(library, "download", download)
        return calls

    def test_one_download_brings_every_network_of_the_archive(
        self, gdown: list[dict[str, Any]], tmp_path: Path
    ) -> None:
        places, told = Places(tmp_path / "models"), []
        reporter = Reporter(lambda *row: told.append(row))
        found = download_models(["video-pretrained", "motion-pretrained"], places, reporter)
        path = tmp_path / "models" / "video-pretrained" / "latest_net_G.pth"
        assert found["video-pretrained"] == path
        assert path.read_bytes() == b"video-pretrained"
        assert [call["id"] for call in gdown] == ["1Cx64SC12wXzDjg8U0ujnKx8V2G6SbCIb"]
        assert gdown[0]["resume"]
        assert ("video-pretrained", 10, 10) in told
        files = {item.relative_to(tmp_path / "models").as_posix() for item in (tmp_path / "models").rglob("*.*")}
        networks = ("motion-pretrained", "video-pretrained")
        assert files == {f"{name}/{file}" for name in networks for file in ("latest_net_G.pth", RECORD)} | {FIRST_SEEN}
        verdicts = verify_models(list(networks), places)
        assert [row.state for row in verdicts] == [State.WHOLE, State.WHOLE]

    def test_another_archive_than_the_first_is_refused(
        self, gdown: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        places = Places(tmp_path / "models")
        download_models(["video-pretrained"], places)
        (record,) = json.loads((tmp_path / "models" / FIRST_SEEN).read_text()).items()
        assert record[0].endswith("id=1Cx64SC12wXzDjg8U0ujnKx8V2G6SbCIb") and len(record[1]) == 64
        path = tmp_path / "models" / "video-pretrained" / "latest_net_G.pth"
        path.unlink()
        download_models(["video-pretrained"], places)  # the same one
        path.unlink()
        monkeypatch.setitem(globals(), "checkpoints", lambda path: plain_archive(path, b"other"))
        with pytest.raises(UserError, match=r"not what it was at the first download.*delete its line") as caught:
            download_models(["video-pretrained"], places)
        assert "\n" not in str(caught.value)
        assert not path.exists() and not list((tmp_path / "models").glob("*.tar"))
        (tmp_path / "models" / FIRST_SEEN).write_text("[")
        with pytest.raises(UserError, match="damaged; delete it"):
            download_models(["video-pretrained"], places)

    def test_an_archive_without_end_is_stopped(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        library = pytest.importorskip("gdown")
        if "progress" not in inspect.signature(library.download).parameters:
            pytest.skip("this version of gdown tells no progress")
        monkeypatch.setattr("t2c_ext.weights.drive.MOST_BYTES", 1000)

        def download(id: str, output: str, quiet: bool, resume: bool, progress: Any = None) -> str:
            progress(2000, None)
            return output

        monkeypatch.setattr(library, "download", download)
        with pytest.raises(UserError, match="Google Drive sends more"):
            download_models(["video-pretrained"], Places(tmp_path))

    def test_an_archive_that_lacks_the_network_is_said(self, gdown: list[dict[str, Any]], tmp_path: Path) -> None:
        with pytest.raises(UserError, match="does not hold what motion-direction-pretrained needs"):
            download_models(["motion-direction-pretrained"], Places(tmp_path))

    def test_an_archive_that_a_person_put_there_is_used_and_kept(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "gdown", None)
        with pytest.raises(UserError, match="pip install gdown"):
            download_models(["video-pretrained"], Places(tmp_path))
        archive = checkpoints(tmp_path / "checkpoints.tar")
        assert download_models(["video-pretrained"], Places(tmp_path))["video-pretrained"] is not None
        assert archive.exists()

    def test_a_refusal_says_where_to_put_the_archive(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        library = pytest.importorskip("gdown")

        def refuse(**_: Any) -> str:
            raise library.exceptions.FileURLRetrievalError("Too many users have viewed this file\nmore")

        monkeypatch.setattr(library, "download", refuse)
        with pytest.raises(
            UserError, match=r"Too many users .* put checkpoints\.tar from https.* into .* run this again"
        ) as caught:
            download_models(["video-pretrained"], Places(tmp_path))
        assert "\n" not in str(caught.value)

    def test_a_lost_connection_is_said_in_a_few_words(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        library, requests = pytest.importorskip("gdown"), pytest.importorskip("requests")

        def lose(**_: Any) -> str:
            raise requests.exceptions.ConnectionError("HTTPSConnectionPool(host=...) " + "x" * 500)

        monkeypatch.setattr(library, "download", lose)
        with pytest.raises(UserError, match=r"no connection to Google Drive \(ConnectionError\)"):
            download_models(["video-pretrained"], Places(tmp_path))

    def test_a_page_instead_of_the_archive_does_not_stay(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        library = pytest.importorskip("gdown")

        def page(output: str, **_: Any) -> str:
            Path(output).write_text("<html>quota</html>")
            return output

        monkeypatch.setattr(library, "download", page)
        with pytest.raises(UserError, match="no archive"):
            download_models(["video-pretrained"], Places(tmp_path))
        assert list(tmp_path.rglob("*.tar")) == []

    def test_stopping_stops_gdown_too(self, tmp_path: Path, gdown: list[dict[str, Any]]) -> None:
        with pytest.raises(Cancelled):
            download_models(["video-pretrained"], Places(tmp_path), Reporter(cancelled=lambda: True))


class TestVerify:
    def test_damage_is_found(self, tmp_path: Path) -> None:
        checkpoints(tmp_path / "checkpoints.tar")
        places = Places(tmp_path)
        download_models(["video-pretrained"], places)
        path = find_model("video-pretrained", places)
        assert path is not None
        path.write_bytes(b"Video-pretrained")
        verdict = verify_models(["video-pretrained"], places)[0]
        assert verdict.state is State.DAMAGED
        assert str(path) in verdict.line()
        assert {row.name for row in verify_models(places=places)} >= {"motion-pretrained", "video-pretrained"}
        assert verify_models(["sam2"], places)[0].state is State.MISSING

    def test_files_placed_by_hand_are_judged_by_their_structure(self, tmp_path: Path) -> None:
        torch = pytest.importorskip("torch")
        save_file = pytest.importorskip("safetensors.torch").save_file
        folder, places = tmp_path / "video-pretrained", Places(tmp_path)
        folder.mkdir()
        for name, write in (("latest_net_G.pth", torch.save), ("latest_net_G.safetensors", save_file)):
            path = folder / name
            write({"a": torch.zeros(1000)}, path)
            verdict = verify_models(["video-pretrained"], places)[0]
            assert (verdict.state, verdict.detail) == (State.READABLE, f"no checksum is known for {name}")
            raw = path.read_bytes()
            for cut in (raw[:-100], raw[:5]):
                path.write_bytes(cut)
                assert verify_models(["video-pretrained"], places)[0].state is State.DAMAGED
            path.write_bytes(raw[:2000] + b"\xff" + raw[2001:])
            if name.endswith(".pth"):
                assert verify_models(["video-pretrained"], places)[0].state is State.DAMAGED
            path.write_bytes(raw)

    @pytest.mark.skipif(sys.platform == "win32", reason="the hub's cache has no links there")
    def test_the_hubs_cache_is_verified_by_its_own_names(self, tmp_path: Path) -> None:
        root = tmp_path / "home" / "hub" / "models--CIDAS--clipseg-rd64-refined"
        snapshot, blobs = root / "snapshots" / COMMIT, root / "blobs"
        snapshot.mkdir(parents=True)
        blobs.mkdir()
        for name in ("config.json", "preprocessor_config.json", "vocab.json", "merges.txt", "model.safetensors"):
            blob = blobs / (digest(WEIGHTS) if name == "model.safetensors" else hashlib.sha1(name.encode()).hexdigest())
            blob.write_bytes(WEIGHTS if name == "model.safetensors" else b"{}")
            (snapshot / name).symlink_to(blob)
        assert verify_models(["clipseg"])[0].state is State.READABLE
        (blobs / digest(WEIGHTS)).write_bytes(WEIGHTS[:-1])
        assert verify_models(["clipseg"])[0].state is State.DAMAGED
