"""A real WebUI on the loopback, with the extension of this checkout and a folder of its own for all that it writes."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webui.kinds import Kind, kind_of

ROOT = Path(__file__).resolve().parents[2]
PROBE = Path(__file__).resolve().parent / "probe"
QUIET = ("--skip-prepare-environment", "--skip-version-check", "--skip-python-version-check", "--no-download-sd-model")
OVERRIDDEN = {
    "batch_cond_uncond": True,
    "token_merging_ratio": 0.0,
    "hypertile_enable_unet": False,
    "hypertile_max_tile_unet": 256,
    "sd_vae": "Automatic",
    "CLIP_stop_at_last_layers": 1,
    "img2img_color_correction": False,
    "return_grid": True,
}
"""Settings that requests change for one picture: the host restores only those that its config.json holds."""

BOOT_SECONDS, REQUEST_SECONDS = 600, 600


@dataclass(frozen=True)
class Host:
    """A checkout of the WebUI.

    Attributes:
        folder: where its launch.py lies.
        python: its Python.
        models: folder for the random checkpoints; kept between runs.
    """

    folder: Path
    python: Path
    models: Path

    @property
    def kind(self) -> Kind:
        """Which WebUI it is."""
        return kind_of(self.folder)

    def environment(self) -> dict[str, str]:
        """Nothing is looked for on the network."""
        kept = {name: value for name, value in os.environ.items() if name not in ("COMMANDLINE_ARGS", "PYTHONPATH")}
        return kept | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "GRADIO_ANALYTICS_ENABLED": "False"}

    def run(self, *arguments: object) -> None:
        """Run the host's Python in its folder."""
        command = [str(self.python), *map(str, arguments)]
        subprocess.run(command, cwd=self.folder, env=self.environment(), check=True, capture_output=True, timeout=600)

    def lacks(self, package: str) -> bool:
        """Whether its Python has not that package."""
        found = subprocess.run(
            [str(self.python), "-c", f"import importlib.util as u, sys; sys.exit(u.find_spec({package!r}) is None)"],
            env=self.environment(),
            check=False,
            timeout=60,
        )
        return found.returncode != 0

    def prepare(self, kinds: Sequence[str] = ("sd1",)) -> None:
        """Make the checkpoints that are missing, and run the extension's installer as the host does."""
        folder = self.models / "Stable-diffusion"
        missing = [kind for kind in kinds if not (folder / self.kind.checkpoint(kind)).exists()]
        if missing:
            folder.mkdir(parents=True, exist_ok=True)
            self.run(self.kind.maker, "--folder", folder, "--kind", *missing)
        self.run(ROOT / "install.py")


class RequestError(Exception):
    """A request was answered with another status than 200.

    Attributes:
        status: of the answer.
        body: the answer, read as JSON where it is that.
    """

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status}: {body}")
        self.status, self.body = status, body


@dataclass
class Server:
    """A WebUI that runs.

    Attributes:
        url: its address.
        data: the folder for all that it writes.
        log: the file of its output.
        kind: which WebUI it is.
        credentials: "user:password" that requests carry, or "".
    """

    url: str
    data: Path
    log: Path
    process: subprocess.Popen[bytes]
    kind: Kind
    credentials: str = ""
    _opened: list[Any] = field(default_factory=list)

    def get(self, path: str) -> Any:
        """The answer of a GET request, read as JSON where it is that; raises RequestError."""
        return self._ask(urllib.request.Request(self.url + path))

    def post(self, path: str, body: Mapping[str, Any] | bytes | None = None) -> Any:
        """The answer of a POST request with a JSON body, or with bytes as they are; raises RequestError."""
        data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        return self._ask(urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}))

    def delete(self, path: str) -> Any:
        """The answer of a DELETE request; raises RequestError."""
        return self._ask(urllib.request.Request(self.url + path, method="DELETE"))

    def _ask(self, request: urllib.request.Request) -> Any:
        if self.credentials:
            word = base64.b64encode(self.credentials.encode()).decode()
            request.add_header("Authorization", f"Basic {word}")
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_SECONDS) as answer:
                return _read(answer.read())
        except urllib.error.HTTPError as error:
            raise RequestError(error.code, _read(error.read())) from None

    def output(self) -> str:
        """All that it has printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_until_ready(self, page: bool, model: bool = True) -> None:
        """Wait for its log to say that it is there, with its model if it has one; an earlier request can kill it."""
        end = time.monotonic() + BOOT_SECONDS
        signs = (*(self.kind.loaded if model else ()), r"Running on local URL" if page else r"Uvicorn running on")
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"the WebUI ended with {self.process.returncode}:\n{self.output()[-4000:]}")
            text = self.output()
            if all(re.search(sign, text) for sign in signs) and re.search(r"Startup time", text):
                return
            time.sleep(0.25)
        raise RuntimeError(f"the WebUI was not ready after {BOOT_SECONDS} s:\n{self.output()[-4000:]}")

    def stop(self) -> None:
        """End it and what it has started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(20)


@contextmanager
def running(
    host: Host,
    data: Path,
    *arguments: str,
    kind: str | None = "sd1",
    options: Mapping[str, Any] | None = None,
    page: bool = False,
    credentials: str = "",
    extensions: Sequence[Path] = (),
) -> Iterator[Server]:
    """A WebUI that is ready.

    Args:
        host: the checkout.
        data: an empty folder for all that it writes.
        arguments: more of its command line.
        kind: of the checkpoint; None: there is none.
        options: its settings, as its settings page writes them.
        page: with its page; else the API alone.
        credentials: for its --api-auth.
        extensions: folders of more extensions.
    """
    host.prepare([] if kind is None else [kind])
    settings: dict[str, Any] = {"show_progress_every_n_steps": 1}
    settings |= {} if kind is None else {"sd_model_checkpoint": host.kind.checkpoint(kind)}
    settings |= {"show_progress_type": "Approx cheap"}  # the others fetch weights
    settings |= OVERRIDDEN
    (data / "extensions").mkdir(parents=True, exist_ok=True)
    (data / "config.json").write_text(json.dumps(settings | dict(options or {})), encoding="utf-8")
    (data / "extensions" / "text2cinemagraph").symlink_to(ROOT, target_is_directory=True)
    for folder in (PROBE, *extensions):  # the host loads them by name, and the probe looks into what is loaded already
        (data / "extensions" / f"zz-{folder.name}").symlink_to(folder, target_is_directory=True)
    port = free_port()
    command = [
        str(host.python),
        "launch.py",
        *host.kind.on_the_cpu,
        *QUIET,
        "--port",
        str(port),
        "--server-name",
        "127.0.0.1",
    ]
    command += ["--data-dir", str(data), "--models-dir", str(host.models), "--api" if page else "--nowebui"]
    command += [
        "--gradio-allowed-path",
        str(host.folder),
    ]  # Forge's server gives out its own scripts only from --data-dir
    command += [*arguments, *(["--api-auth", credentials] if credentials else [])]
    log = data / "output.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, cwd=host.folder, env=host.environment(), stdout=file, stderr=file, start_new_session=True
        )
    server = Server(f"http://127.0.0.1:{port}", data, log, process, host.kind, credentials)
    try:
        server.wait_until_ready(page, kind is not None)
        yield server
    finally:
        server.stop()
        shutil.rmtree(data / "cache", ignore_errors=True)


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body
