"""The standalone app: the Cinemagraph page without the WebUI."""

from __future__ import annotations

import inspect
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from t2c_ext.errors import UserError

TITLE = "Cinemagraph"

NO_MODEL = "To make pictures from text, start the app with a checkpoint: t2c app --model CHECKPOINT."

LOOPBACK = "127.0.0.1"

UPLOADS = "uploads"
"""The folder for what visitors send, in that of the workspaces."""


def serve(
    folder: Path | None = None,
    *,
    model: str = "",
    host: str = LOOPBACK,
    port: int | None = None,
    share: bool = False,
    auth: Sequence[tuple[str, str]] = (),
    browser: bool = False,
) -> None:
    """Serve the app until it is stopped.

    Args:
        folder: where the workspaces and uploads lie; None: a temporary folder that goes when the app ends.
        model: a checkpoint file, a folder in diffusers' layout or a repository, for pictures from text.
        host: the address to listen at.
        port: the port; None: the first free one from 7860 on.
        share: also give out a public address, through Gradio's servers.
        auth: pairs of user and password; none: open to whoever reaches the address.
        browser: open a browser.

    Raises:
        UserError: Gradio is not installed, or the port is taken.
    """
    try:
        import gradio as gr
    except ImportError:
        raise UserError('the app needs Gradio: pip install "text2cinemagraph-webui[app]"') from None
    from t2c_ext.service import LARGEST_UPLOAD
    from t2c_ext.ui.scripts import scripts_folder

    with ExitStack() as stack:
        if folder is None:
            folder = Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="t2c-app-", ignore_cleanup_errors=True))
            )
        folder.mkdir(parents=True, exist_ok=True)
        # Gradio puts uploads into the machine's temporary folder, and leaves them there
        os.environ.setdefault("GRADIO_TEMP_DIR", str(folder.resolve() / UPLOADS))
        demo = build(folder, model)
        options: dict[str, Any] = {
            "server_name": host,
            "server_port": port,
            "share": share,
            "auth": list(auth) or None,
            "inbrowser": browser,
            "allowed_paths": [str(folder.resolve()), str(scripts_folder())],
            "app_kwargs": {"middleware": [_body_limit(2 * LARGEST_UPLOAD)]},
            "max_file_size": LARGEST_UPLOAD,
            "ssr_mode": False,
            "show_api": False,
            "quiet": True,
            "prevent_thread_lock": True,
        }
        known = inspect.signature(gr.Blocks.launch).parameters
        try:
            with _working_in(folder):  # Gradio before 5 gives out every file of the working directory
                demo.launch(**{name: value for name, value in options.items() if name in known})
        except OSError as error:
            raise UserError(f"cannot serve at {host}, port {port}: {error}") from None
        print(f"Text2Cinemagraph: {demo.share_url or demo.local_url}", flush=True)
        demo.block_thread()


def _body_limit(most: int) -> Any:
    """Middleware that refuses larger requests; a picture may come as base64, with settings beside it."""
    from starlette.middleware import Middleware

    from t2c_ext.ui.limits import BodyLimit

    return Middleware(BodyLimit, most=most)


@contextmanager
def _working_in(folder: Path) -> Iterator[None]:
    """Inside the context, `folder` is the working directory."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def build(folder: Path, model: str = "") -> Any:
    """The app's Gradio blocks, with their queue.

    Args:
        folder: where the workspaces lie; their files are given out to the page.
        model: as for `serve`.
    """
    import gradio as gr

    from t2c_ext.ui.blocks import cinemagraph_page
    from t2c_ext.ui.handlers import Handlers
    from t2c_ext.ui.page import addresses
    from t2c_ext.ui.scripts import script_option, starter, style_sheet
    from t2c_ext.ui.studio import Studio

    prefix = "file=" if int(gr.__version__.partition(".")[0]) < 5 else "gradio_api/file="
    address = addresses(prefix)
    handlers = Handlers(Studio(folder.resolve(), model), address)
    with gr.Blocks(title=TITLE, analytics_enabled=False) as demo:
        gr.HTML(f"<style>{style_sheet()}</style>", elem_id="t2c_studio_style")
        cinemagraph_page(handlers, NO_MODEL)
        demo.load(None, None, None, **script_option(starter(address)))
    workers = "default_concurrency_limit"
    if workers not in inspect.signature(demo.queue).parameters:
        workers = "concurrency_count"
    demo.queue(**{workers: 8}, api_open=False)
    return demo
