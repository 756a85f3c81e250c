"""States of a model in which a twin session would be silently wrong."""

from __future__ import annotations

from torch import nn

from t2c_ext.errors import UserError

_VIDEO_MODULES = ("motion_modules", "temporal_transformer")


def refuse_conflicts(unet: nn.Module) -> None:
    """Check a UNet before hooks are put on.

    Raises:
        UserError: it is compiled, its projections are fused, tokens are merged, or video modules are inserted.
    """
    if hasattr(unet, "_orig_mod") or any(_is_compiled(module) for module in unet.modules()):
        raise UserError("the UNet is compiled (torch.compile), which passes over hooks; use the model before compiling")
    for path, module in unet.named_modules():
        if type(module).__name__ == "ToMeBlock":
            raise UserError("token merging is on, so queries and keys are not those of the picture; set its ratio to 0")
        if type(getattr(module, "processor", None)).__name__.startswith("Fused"):
            raise UserError("the model's attention projections are fused; call unet.unfuse_qkv_projections() first")
        if any(part in _VIDEO_MODULES for part in path.split(".")):
            raise UserError(f"video modules are inserted in the model ({path}); turn AnimateDiff off for this picture")


def _is_compiled(module: nn.Module) -> bool:
    return getattr(module, "_compiled_call_impl", None) is not None
