"""The progress bar of long comparisons."""

from __future__ import annotations

from typing import Any


class Bar:
    """A progress bar on stderr over pairs, or over ``steps`` if given; not shown unless ``wanted``."""

    def __init__(
        self, wanted: bool, rows: int, cols: int, symmetric: bool, *, steps: int | None = None
    ) -> None:
        pairs = rows * (rows + 1) // 2 if symmetric else rows * cols
        total, unit = (pairs, " pairs") if steps is None else (steps, " steps")
        self._bar = None
        if wanted:
            from .._progress import ProgressBar  # here, because tqdm costs a tenth of `import gazesim`

            self._bar = ProgressBar(total=total, unit=unit, unit_scale=True, leave=True)

    def __enter__(self) -> Any:
        return self._advance if self._bar is not None else None

    def _advance(self, done: int) -> None:
        if self._bar is not None:
            self._bar.update(done - self._bar.n)

    def __exit__(self, kind: Any, *_: object) -> None:
        if self._bar is not None:
            if kind is None:
                self._advance(self._bar.total)
            self._bar.close()
