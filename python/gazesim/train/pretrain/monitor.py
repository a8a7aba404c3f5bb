"""CollapseMonitor: logs the spread of the representation and the positives per row, and warns of collapse."""

from __future__ import annotations

import warnings
from typing import Any

import lightning
import torch
from torch.nn import functional as F

from ..._errors import integer, number

__all__ = ["CollapseMonitor", "spread"]

#: Embeddings whose standard deviation × √dim is below this are collapsing (1: spread evenly). On the
#: phantom, BYOL with all pairs positive falls below 0.6, while SimCLR with gaze is fine at 0.3 to 0.5.
LEVELS = {"byol": 0.6, "simsiam": 0.6, "moco": 0.3, "simclr": 0.3}
#: If more than this share of a batch (or queue) is positive, and more than MANY per row, embeddings become
#: alike (McGIP, Figure 5b).
LARGE_SHARE, MANY = 0.2, 8

LOWER = "a lower learning rate"
REMEDIES = {
    "byol": "heads.projector_norm: true, a lower momentum (0.97 for short runs), or fewer positives",
    "simsiam": f"{LOWER}, or fewer positives",
    "moco": f"heads.projector_norm: true, {LOWER}, or fewer positives",
    "simclr": f"{LOWER}, or fewer positives",
}


def spread(embeddings: torch.Tensor) -> torch.Tensor:
    """Return the standard deviation of normalised embeddings (N, D), times the root of D.

    1 where they are spread evenly in all directions, 0 where all are the same.
    """
    unit = F.normalize(embeddings.float(), dim=1)
    result: torch.Tensor = unit.std(dim=0, correction=0).mean() * unit.shape[1] ** 0.5
    return result


class CollapseMonitor(lightning.Callback):
    """Log the spread of the representation and the positives per row, and warn once of each problem.

    After every epoch ``loss_epoch``, ``embedding_std`` (the projector's output) and ``feature_std`` (the
    backbone's), each a :func:`spread`, and with pairs ``positives_per_row``: its own other view, and other
    images. Older keys of the same image in MoCo's queue are not counted.

    Parameters
    ----------
    level
        Warn of an ``embedding_std`` below it; default: a level that depends on the framework, 0.6
        for BYOL and SimSiam, 0.3 for MoCo and SimCLR, none for gaze alone.
    patience
        Number of successive epochs below ``level`` before the warning.
    large_share
        Warn of more positives per row than this share of the batch, or of the queue, and than 8.

    Examples
    --------
    >>> from gazesim.train import CollapseMonitor
    >>> monitor = CollapseMonitor(level=0.5, patience=5)  # for lightning.Trainer(callbacks=[monitor])
    >>> monitor.level, monitor.large_share
    (0.5, 0.2)
    """

    def __init__(
        self, level: float | None = None, patience: int = 3, large_share: float = LARGE_SHARE
    ) -> None:
        self.level = None if level is None else number("level", level, low=0.0)
        self.patience = integer("patience", patience, low=1, high=10**9)
        self.large_share = number("large_share", large_share, low=0.0, high=1.0)
        self._low_epochs = 0
        self._warned: set[str] = set()
        self._begin(-1)

    def _begin(self, epoch: int) -> None:
        self._epoch, self._batches = epoch, 0
        self._sums: dict[str, torch.Tensor] = {}

    def state_dict(self) -> dict[str, Any]:
        """Return the counts and warnings of earlier epochs, for a resumed training."""
        return {
            "low_epochs": self._low_epochs,
            "told": sorted(self._warned),
            "epoch": self._epoch,
            "batches": self._batches,
            "sums": dict(self._sums),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore counts and warnings."""
        self._low_epochs, self._warned = state["low_epochs"], set(state["told"])
        # Sums of the epoch within which the checkpoint was written, if it was.
        self._epoch, self._batches = state.get("epoch", -1), state.get("batches", 0)
        self._sums = dict(state.get("sums", {}))

    def on_train_epoch_start(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Reset the sums of the epoch."""
        self._begin(trainer.current_epoch)

    def on_train_batch_end(self, trainer: lightning.Trainer, _: Any, outputs: Any, *__: Any) -> None:
        """Add up the sums of the epoch on the device."""
        # Lightning does not start an epoch if it resumes from a checkpoint of the last step before it.
        if trainer.current_epoch != self._epoch:
            self._begin(trainer.current_epoch)
        seen = {
            "loss_epoch": outputs["batch_loss"].float(),
            "embedding_std": spread(outputs["embeddings"]),
            "feature_std": spread(outputs["features"]),
        }
        weights = outputs["weights"]
        if weights is not None:
            seen["share"] = weights.sum(dim=1).float().mean() / weights.shape[1]
            seen["positives_per_row"] = outputs["positives"]
        for name, value in seen.items():
            self._sums[name] = self._sums.get(name, torch.zeros_like(value)) + value
        self._batches += 1

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Log the numbers of the epoch, and warn of problems."""
        if not self._batches:
            return
        means = {
            name: float(trainer.strategy.reduce(value / self._batches, reduce_op="mean"))
            for name, value in self._sums.items()
        }
        share = means.pop("share", None)
        for name, value in means.items():
            module.log(name, value, logger=False)
        # Written now, not when Lightning would: the row of an epoch must exist before its checkpoint does.
        for logger in trainer.loggers:
            logger.log_metrics({**means, "epoch": trainer.current_epoch}, trainer.global_step - 1)
        if trainer.is_global_zero:
            self._judge_spread(module, means["embedding_std"], trainer.current_epoch)
            if share is not None:
                self._judge_positives(means["positives_per_row"], share, trainer.current_epoch)

    def _judge_spread(self, module: Any, value: float, epoch: int) -> None:
        framework = module.about["framework"]
        remedies = REMEDIES.get(framework, LOWER)
        level = LEVELS.get(framework) if self.level is None else self.level
        if level is None:  # features of gaze alone are not spread by their loss
            return
        # Written so that NaN is low, too.
        self._low_epochs = 0 if value >= level else self._low_epochs + 1
        if self._low_epochs >= self.patience:
            self._tell(
                "collapse",
                f"the representation is collapsing: embedding_std is {value:.2f} in epoch {epoch}, below "
                f"{level:g} for {self._low_epochs} epochs of {framework}; try {remedies}",
            )

    def _judge_positives(self, positives: float, share: float, epoch: int) -> None:
        if positives <= 1:
            self._tell(
                "none",
                f"gaze makes no positive pair in epoch {epoch}: positives_per_row is 1; "
                f"expected 2 to {MANY}, for which pairs.top_k: 2 provides (with pairs.threshold: null)",
            )
        elif share > self.large_share and positives > MANY:
            self._tell(
                "many",
                f"{share:.0%} of all pairs are positive in epoch {epoch}, {positives:.1f} per row, and so "
                f"many make everything alike; expected 2 to {MANY} per row: raise pairs.threshold, or use "
                "pairs.quantile or pairs.top_k (gazesim inspect shows positives against thresholds)",
            )

    def _tell(self, what: str, text: str) -> None:
        if what not in self._warned:
            self._warned.add(what)
            warnings.warn(text, stacklevel=1)
