"""The base class of all schemes, and checks of their screen size."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..scanpaths import Scanpaths
from .features import Features

Pair = tuple[NDArray[Any], NDArray[np.int64]]
#: Offsets, columns and affinities; of an approximate search recall, queries and rounds, else None.
Csr = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32], tuple[float, int, int] | None]


class Scheme(ABC):
    """Base class of all schemes. Subclasses are frozen dataclasses."""

    #: What :meth:`features` compares: ``"scanpaths"`` or ``"heatmaps"``.
    takes: ClassVar[str]
    #: Why a gaze can be invalid, for messages.
    invalid_reason: ClassVar[str]
    #: The smallest number that features can hold; None: any finite number.
    lowest_value: ClassVar[float | None] = 0.0

    @abstractmethod
    def features(
        self,
        gazes: Any,
        *,
        ids: Iterable[Hashable] | None = None,
        argument: str = "gazes",
        n_threads: int | None = None,
    ) -> Features:
        """Return the features of every gaze; a gaze on which the scheme is undefined is kept, as invalid.

        Parameters
        ----------
        gazes
            What the scheme :attr:`takes`: a list of (L, 3) scanpaths or :class:`Scanpaths`, or heatmaps
            (n, H, W) or a list of (H, W).
        ids
            One distinct, hashable name per gaze, by which :class:`~gazesim.torch.PairMask` and
            :class:`~gazesim.AffinityCache` look pairs up; default those of
            :class:`Scanpaths`, else 0 to n − 1.
        argument
            The name that messages use for ``gazes``.
        n_threads
            As for :func:`gazesim.affinity`.

        Raises
        ------
        ValueError, TypeError
            For malformed gaze and for ids that are not distinct. Names the sample, the place and the value.

        Examples
        --------
        >>> import numpy as np
        >>> from gazesim import Moments
        >>> features = Moments().features(np.random.default_rng(0).random((3, 8, 8)), ids=["a", "b", "c"])
        >>> features.block(["c"], ["a", "c"]).shape
        (1, 2)
        """

    @abstractmethod
    def fill_affinity(
        self, rows: Features, other: Features | None, out: NDArray[np.float32], **run: Any
    ) -> None:
        """Write the affinities of ``rows`` with ``other`` (None: with each other) to ``out``.

        ``run`` holds ``n_threads`` and ``progress``, as the compiled functions take them.
        """

    @abstractmethod
    def find_neighbors(self, features: Features, search: dict[str, Any]) -> Csr:
        """Return the neighbours of every gaze; ``search`` holds the arguments of the compiled search."""

    @property
    def needs_screen_size(self) -> bool:
        """Whether the scheme is undefined until a screen or image size is stated."""
        return any(hasattr(self, name) for name in ("screen_size", "image_size"))

    def sort_key(self, features: Features) -> NDArray[Any]:
        """Return a number per gaze; sorting by it brings similar gazes near each other, at little cost."""
        return np.zeros(len(features)) if features.offsets is None else np.diff(features.offsets)

    def _set_fields(self, **checked: Any) -> None:
        for name, value in checked.items():
            object.__setattr__(self, name, value)


def ragged(features: Features) -> Pair:
    assert features.offsets is not None
    return features.values, features.offsets


def size_of(scheme: object) -> tuple[float, float] | None:
    """Return the (width, height) in pixels that a scheme has, if it has one."""
    size: tuple[float, float] | None = getattr(scheme, "screen_size", getattr(scheme, "image_size", None))
    return size


def agreed_size(size: tuple[float, float] | None, paths: Scanpaths, argument: str) -> tuple[float, float]:
    """Return the given size, else that of the scanpaths."""
    agreed = size or paths.screen_size
    if agreed is None:
        raise ValueError(
            f"{argument} is missing; expected (width, height) in pixels, as a parameter or on the Scanpaths: "
            "what is kept (features, caches, training) has to state it"
        )
    return agreed


def refuse_other_screen(agreed: Scheme, gazes: Any, argument: str) -> None:
    """Raise ValueError if ``gazes`` state a screen size that differs from the one of ``agreed``."""
    stated = gazes.screen_size if isinstance(gazes, Scanpaths) else None
    size = size_of(agreed)
    if None not in (size, stated) and stated != size:
        raise ValueError(
            f"{argument} has screen_size {stated}, compared with gaze on {size}; expected one size "
            f"(Scanpaths.from_list({argument}, screen_size=...) states another, without moving x and y)"
        )
