"""Watches the WebUI from inside, for tests: what hooks are on, what the sampler made, and faults on demand.

It is put beside the extension in a test's own data folder, and is no part of what is installed.
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from modules import script_callbacks, scripts, sd_models, sd_samplers_common, shared

from t2c_ext import pipeline
from t2c_ext.twin import session as twin_session

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks")
PLAIN = {"store_latent": sd_samplers_common.store_latent}


class Probe:
    """What one server's probe remembers."""

    def __init__(self) -> None:
        self.sessions: list[Any] = []
        self.latents: list[torch.Tensor] = []
        self.errors: list[str] = []
        self.disarm: list[Callable[[], None]] = []
        self.stages: list[str] = []
        self._watch_sessions()
        self._watch_reports()
        script_callbacks.on_cfg_after_cfg(self._after_step, name="probe")
        script_callbacks.on_app_started(self.add_routes, name="probe")

    def _watch_sessions(self) -> None:
        attach = twin_session.TwinSession.attach
        seen = self.sessions

        def attach_and_remember(session: Any) -> None:
            attach(session)
            seen.append(session)

        twin_session.TwinSession.attach = attach_and_remember

    def _watch_reports(self) -> None:
        step = pipeline.Reporter.step
        stages = self.stages

        def report(reporter: Any, stage: str, done: int, total: int) -> None:
            stages.append(f"{stage} {done}/{total}")
            step(reporter, stage, done, total)

        pipeline.Reporter.step = report

    def _after_step(self, params: Any) -> None:
        self.latents.append(params.x.detach().float().cpu().clone())

    def add_routes(self, demo: Any, app: Any) -> None:
        app.post("/probe/reset")(self.reset)
        app.get("/probe/state")(self.state)
        app.get("/probe/seen")(self.seen)
        app.post("/probe/fail")(self.fail)
        app.post("/probe/interrupt")(self.interrupt)

    def reset(self) -> dict[str, Any]:
        """Forget what was seen, and disarm faults."""
        for undo in self.disarm:
            undo()
        self.disarm.clear()
        self.sessions.clear()
        self.latents.clear()
        self.stages.clear()
        return {}

    def state(self) -> dict[str, Any]:
        """All that a run could leave behind."""
        model = sd_models.model_data.sd_model
        named = [
            (".".join(filter(None, (name, path))), module)
            for name, part in parts_of(model).items()
            for path, module in part.named_modules()
        ]
        digest = hashlib.sha256()
        for name, part in parts_of(model).items():
            for key, value in sorted(part.state_dict().items()):
                levels = value.detach().cpu().reshape(-1).view(torch.uint8).numpy()
                digest.update(f"{name} {key}".encode() + levels.tobytes())
        return {
            "hooks": {
                f"{path}.{kind}": sorted(
                    hook.__qualname__ if hasattr(hook, "__qualname__") else type(hook).__name__
                    for hook in hooks.values()
                )
                for path, module in named
                for kind in HOOKS
                if (hooks := getattr(module, kind, None))
            },
            "forwards": [path for path, module in named if "forward" in vars(module) and not _of_hypertile(module)],
            "weights": digest.hexdigest(),
            "callbacks": sorted(
                f"{kind} {callback.name}"
                for kind, callbacks in script_callbacks.callback_map.items()
                for callback in callbacks
                if "probe" not in callback.name
            ),
            "plot": [
                data.module.draw_xyz_grid.__module__
                for data in scripts.scripts_data
                if data.module.__name__ == "xyz_grid.py"
            ],
            "store_latent": sd_samplers_common.store_latent is PLAIN["store_latent"],
            "checkpoint": model.sd_checkpoint_info.name,
            "job": [shared.state.job, shared.state.job_count],
        }

    def seen(self) -> dict[str, Any]:
        """What the sampling of the last pictures was like."""
        return {
            "sessions": [_described(session) for session in self.sessions],
            "latents": None if not self.latents else _packed(self.latents[-1].numpy()),
            "steps": len(self.latents),
            "stages": list(self.stages),
        }

    def fail(self, stage: str) -> dict[str, Any]:
        """Make the next run of a stage raise an error that nobody expects."""

        def explode(*arguments: Any, **named: Any) -> Any:
            undo()
            raise ZeroDivisionError(f"on purpose, in the stage {stage}")

        undo = self._replace(stage, explode)
        return {}

    def interrupt(self, stage: str) -> dict[str, Any]:
        """Press Interrupt when the stage begins the next time."""

        def press(original: Callable[..., Any]) -> Callable[..., Any]:
            def pressed(*arguments: Any, **named: Any) -> Any:
                undo()
                shared.state.interrupt()
                return original(*arguments, **named)

            return pressed

        undo = self._replace(stage, press, wraps=True)
        return {}

    def _replace(self, stage: str, make: Callable[..., Any], wraps: bool = False) -> Callable[[], None]:
        if stage == "unet":
            undo = self._in_the_unet(make if not wraps else make(lambda *arguments: None))
        else:
            name = f"_{stage}"
            original = getattr(pipeline.Pipeline, name)
            setattr(pipeline.Pipeline, name, make(original) if wraps else make)

            def undo() -> None:
                setattr(pipeline.Pipeline, name, original)

        self.disarm.append(undo)
        return undo

    def _in_the_unet(self, act: Callable[..., Any]) -> Callable[[], None]:
        """Act in a layer in the middle of the UNet, in the second call from now on."""
        layer = unet_of(sd_models.model_data.sd_model).middle_block
        calls = []

        def hook(*arguments: Any) -> None:
            calls.append(1)
            if len(calls) == 2:
                act()

        handle = layer.register_forward_hook(hook)
        return handle.remove


def parts_of(model: Any) -> dict[str, torch.nn.Module]:
    """The modules of the host's model by name; Forge and reForge keep them in `forge_objects`."""
    objects = getattr(model, "forge_objects", None)
    if objects is None:
        return {"model": model}
    return {"unet": objects.unet.model, "vae": objects.vae.first_stage_model, "text": objects.clip.cond_stage_model}


def unet_of(model: Any) -> Any:
    """The UNet of the host's model."""
    objects = getattr(model, "forge_objects", None)
    return (model if objects is None else objects.unet).model.diffusion_model


def _described(session: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "injection": len(session.injection_sites),
        "capture": len(session.capture_sites),
        "paths": [site.path for site in session.injection_sites],
        "attached": len(session._handles),
    }
    if session.captured_bytes:
        attention = session.attention(0)
        rows = attention.self_attention
        found |= {
            "finite": bool(np.isfinite(rows).all()),
            "row_error": float(np.abs(rows.sum(axis=1) - 1).max()),
            "shape": list(rows.shape),
            "words": sorted(attention.words),
        }
    return found


def _of_hypertile(module: Any) -> bool:
    """The host's hypertile replaces this method once, and for good."""
    return "hypertile" in module.forward.__code__.co_filename


def _packed(array: np.ndarray) -> str:
    file = io.BytesIO()
    np.save(file, array)
    return base64.b64encode(file.getvalue()).decode()


Probe()
