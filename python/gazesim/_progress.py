"""Progress bars and lines on stderr."""

from __future__ import annotations

import importlib.util
import math
import os
import sys
import threading
import time
from typing import Any

__all__ = ["ProgressBar", "tell"]

#: Seconds between two lines of a bar whose stream is no terminal, such as the log of a cluster's job.
LOG_INTERVAL_S = 60.0


def _is_notebook() -> bool:
    """Return whether this process is the kernel of a notebook that can draw widgets."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    is_kernel = shell is not None and "IPKernelApp" in getattr(shell, "config", {})
    return is_kernel and importlib.util.find_spec("ipywidgets") is not None


if _is_notebook():  # what tqdm.auto does, without its warnings where widgets are missing
    from tqdm.notebook import tqdm as _Bar
else:
    from tqdm import tqdm as _Bar


class ProgressBar(_Bar):  # type: ignore[misc]
    """tqdm without anything that outlives a killed process or a call, and with short logs.

    tqdm's own lock is shared with forked processes: one that is killed while it writes would leave
    its parent waiting for ever. And its monitor is a thread that never ends.

    Where stderr is no terminal, a bar is a line at its end, and one a minute before; an inner bar
    (``leave=False``) is none.
    """

    _lock = threading.RLock()
    monitor_interval = 0
    _is_log = False

    def __init__(self, *args: Any, **settings: Any) -> None:
        file = settings.get("file") or sys.stderr
        self._is_log = not (_is_notebook() or file is None or file.isatty())
        self._is_closing = False
        if settings.get("disable") is False:  # which tqdm prefers to the environment's TQDM_DISABLE
            del settings["disable"]
        if self._is_log:
            settings |= {"mininterval": LOG_INTERVAL_S, "maxinterval": LOG_INTERVAL_S, "miniters": 1}
            settings.setdefault("ncols", 100)
        super().__init__(*args, **settings)

    def display(self, msg: str | None = None, pos: int | None = None, **more: Any) -> bool:
        """Draw the bar, or write a line of a log."""
        if not self._is_log:
            return bool(super().display(msg, pos, **more))
        begun = getattr(self, "start_t", math.inf)  # tqdm draws before it knows
        is_due = self._is_closing or time.time() - begun >= self.mininterval
        if msg is None and self.leave is not False and is_due:
            # The line break after the last line is tqdm's.
            self.fp.write(str(self) + ("" if self._is_closing else "\n"))
            self.fp.flush()
        return False

    def close(self) -> None:
        """End the bar."""
        self._is_closing = True
        super().close()


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
