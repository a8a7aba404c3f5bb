"""Progress bars and lines on stderr."""

from __future__ import annotations

import os
import sys
import threading

from tqdm import tqdm


class ProgressBar(tqdm):  # type: ignore[misc]
    """tqdm without anything that outlives a killed process or a call.

    tqdm's own lock is shared with forked processes: one that is killed while it writes would leave
    its parent waiting for ever. And its monitor is a thread that never ends.
    """

    _lock = threading.RLock()
    monitor_interval = 0


def tell(text: str) -> None:
    """Print a line on stderr; in distributed training only rank 0 prints."""
    if _rank() == 0:
        print(f"gazesim: {text}", file=sys.stderr)


def _rank() -> int:
    """Return the rank of this process: Lightning's if it is imported, else that of the environment."""
    known = sys.modules.get("lightning.fabric.utilities.rank_zero")
    if known is not None:
        return int(getattr(known.rank_zero_only, "rank", None) or 0)
    names = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK")
    return next((int(os.environ[name]) for name in names if name in os.environ), 0)
