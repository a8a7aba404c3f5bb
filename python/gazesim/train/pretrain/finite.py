"""Stop a training whose loss is no longer finite, and name the first numbers that are not finite."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from ...torch.distributed import total
from .frameworks import Step

#: Steps in a row that a GradScaler may skip: from its first scale, 2^16, down to 1.
SKIPPED = 16


class FiniteLoss:
    """Raises if the loss of a step is not finite; with a GradScaler, if it stays so for many steps."""

    def __init__(self) -> None:
        self._in_a_row = 0

    def check(self, module: Any, step: Step, batch: Any) -> None:
        """Look at a step on all ranks, so that they stop together."""
        if not float(total((~step.loss.detach().isfinite()).float())):
            self._in_a_row = 0
            return
        self._in_a_row += 1
        has_scaler = getattr(module.trainer.precision_plugin, "scaler", None) is not None
        if has_scaler and self._in_a_row <= SKIPPED:
            return
        found = "; ".join(_not_finite(module, step, batch)) or "the loss alone, or what another rank has"
        before = f" after {self._in_a_row - 1} steps that the GradScaler skipped" if has_scaler else ""
        raise ValueError(
            f"step {module.global_step} (epoch {module.current_epoch}) has the loss "
            f"{float(step.loss.detach()):g}{before}; not finite: {found}; expected finite numbers: lower "
            "optimizer.learning_rate, or train with precision bf16-mixed or 32"
        )


def _not_finite(module: Any, step: Step, batch: Any) -> Iterator[str]:
    """Yield descriptions of tensors that are not finite, images first: the first is the likely cause."""
    x0, x1, ids = batch[:3]
    yield from _rows("first views", x0.flatten(1), ids)
    yield from _rows("second views", x1.flatten(1), ids)
    state = [*module.framework.named_parameters(), *module.framework.named_buffers()]
    odd = [name for name, value in state if value.is_floating_point() and not value.isfinite().all()]
    if odd:
        yield f"{len(odd)} tensors of the network, such as {odd[0]}"
    yield from _rows("features", step.features, ids)
    yield from _rows("embeddings", step.embeddings, ids)


def _rows(what: str, rows: torch.Tensor, ids: Any) -> Iterator[str]:
    odd = (~rows.detach().isfinite()).any(dim=1).nonzero()[:, 0].tolist()
    if odd:
        names = [ids[row] for row in odd[:3]]
        some = ", ".join(repr(name.item() if isinstance(name, torch.Tensor) else name) for name in names)
        yield f"{what} of {len(odd)} of {len(rows)} images (ids {some})"
