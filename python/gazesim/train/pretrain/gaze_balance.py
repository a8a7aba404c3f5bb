"""The scale of the gaze target at which its gradient is as long as that of the framework's loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ...torch.distributed import total

__all__ = ["gradient_scale", "loss_factor"]


def gradient_scale(
    loss: torch.Tensor, cost: torch.Tensor, outputs: Sequence[torch.Tensor], factor: float = 1.0
) -> torch.Tensor:
    """Return ‖∂loss/∂outputs‖ / ‖∂cost/∂outputs‖, a scalar without a gradient.

    The norms are over all outputs and all ranks, which have to call it together. The scale is 0 where
    ``cost`` has no gradient, as in a batch without gaze. Where a norm overflows, the scale is not finite: so
    the loss is not finite either, and a GradScaler skips the step. Under ``torch.no_grad()`` the scale is 1.

    Parameters
    ----------
    loss, cost
        Two scalars; their graphs are kept.
    outputs
        Tensors that both are made of.
    factor
        Of both scalars for this computation, so that gradients in float16 do not become 0.

    Raises
    ------
    ValueError
        If the outputs, or the loss with regard to them, have no gradient.

    Examples
    --------
    >>> import torch
    >>> x = torch.tensor([3.0, 4.0], requires_grad=True)
    >>> gradient_scale(x.square().sum(), x[0], [x])
    tensor(10.)
    """
    if not torch.is_grad_enabled():
        return cost.new_ones(())
    if not loss.requires_grad or not all(one.requires_grad for one in outputs):
        raise ValueError(NO_GRADIENT)
    # The layers of the forward pass have their precision already.
    with torch.autocast(cost.device.type, enabled=False):
        squares = torch.stack([_square(one * factor, outputs) for one in (loss, cost)])
    norm, gaze = total(squares).sqrt()
    scale = torch.where(gaze == 0, 0.0, norm / gaze)
    return torch.where(gaze.isfinite(), scale, torch.nan)


NO_GRADIENT = (
    "gaze_target.balance is 'gradient', and the framework's loss has no gradient at the output of "
    "gaze_target.stage; expected a stage that the features are made of, in a backbone that learns up to "
    "there, or 'fixed'"
)


def _square(value: torch.Tensor, outputs: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return the squared norm, in float32 or better, of a scalar's gradient at the outputs of this rank."""
    found = torch.autograd.grad(value, outputs, retain_graph=True, allow_unused=True)
    if any(one is None for one in found):
        raise ValueError(NO_GRADIENT)
    wide = [torch.promote_types(one.dtype, torch.float32) for one in found]
    norms = [torch.linalg.vector_norm(one, dtype=kind) for one, kind in zip(found, wide, strict=True)]
    return torch.stack(norms).square().sum()


def loss_factor(trainer: Any) -> float:
    """Return the factor that a Trainer's GradScaler multiplies losses by; 1 without one."""
    scaler = getattr(getattr(trainer, "precision_plugin", None), "scaler", None)
    return 1.0 if scaler is None else float(scaler.get_scale())
