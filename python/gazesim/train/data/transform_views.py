"""Views made by any ``transform(image, gaze_map)``, with random numbers that depend only on a key."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torchvision.transforms import v2

from ..._errors import describe
from ...torch.wrappers import TwoViews

__all__ = ["Normalisation", "TransformViews", "drawing_from"]

#: Mean and standard deviation, per channel or one for all.
Normalisation = tuple[tuple[float, ...], tuple[float, ...]]


class TransformViews:
    """Makes the two views of a sample with ``transform(image, gaze_map)``.

    Parameters
    ----------
    transform
        A :class:`~gazesim.torch.TwoViews`, which makes both views; or what makes one view and is
        called twice: a gaze transform, a ``v2.Compose``, a function. The image is a float32 tensor
        (C, H, W) in [0, 1], the map a ``tv_tensors.Mask`` (H, W), all 0 for an image without gaze.

    Examples
    --------
    >>> import torch
    >>> from gazesim.torch import GazeCrop
    >>> from gazesim.train.data.transform_views import TransformViews
    >>> make = TransformViews(GazeCrop(32))
    >>> image, gaze_map = torch.rand(1, 64, 64), torch.rand(64, 64)
    >>> x0, x1 = make(image, gaze_map, key=(0, 3, 7), name="img7")
    >>> same, _ = make(image, gaze_map, key=(0, 3, 7), name="img7")
    >>> x0.shape, torch.equal(x0, same), torch.equal(x0, x1)
    (torch.Size([1, 32, 32]), True, False)
    """

    def __init__(self, transform: Callable[..., Any]) -> None:
        if not callable(transform):
            raise TypeError(f"transform is {describe(transform)}; expected a function of (image, gaze_map)")
        if isinstance(transform, TwoViews) and (transform.maps or transform.stats):
            asked = "maps" if transform.maps else "stats"
            raise ValueError(
                f"transform is TwoViews({asked}=True), and a batch holds views alone; expected {asked}=False"
            )
        self.transform = transform
        pair = transform if isinstance(transform, TwoViews) else TwoViews(transform)
        self.pair = TwoViews(pair.first, pair.second, maps=True)

    def __call__(
        self, image: torch.Tensor, gaze_map: torch.Tensor | None, *, key: tuple[int, int, int], name: str
    ) -> list[torch.Tensor]:
        """Return both views, which ``key`` (seed, epoch, position) decides; ``name`` is for messages."""
        return self._made(image, gaze_map, key, name)[0]

    def with_maps(
        self, image: torch.Tensor, gaze_map: torch.Tensor | None, *, key: tuple[int, int, int], name: str
    ) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Return both views, and the gaze map (h, w) under the geometric transforms of each."""
        views, maps = self._made(image, gaze_map, key, name)
        for view, moved in zip(views, maps, strict=True):
            if not isinstance(moved, torch.Tensor) or moved.shape[-2:] != view.shape[-2:]:
                raise TypeError(
                    f"transform made {describe(moved)} of the gaze map of image {name!r}, and a view of "
                    f"shape {tuple(view.shape)}; expected a tensor of the view's height and width"
                )
        return views, [one.as_subclass(torch.Tensor).float().reshape(one.shape[-2:]) for one in maps]

    def _made(
        self, image: torch.Tensor, gaze_map: torch.Tensor | None, key: tuple[int, int, int], name: str
    ) -> tuple[list[torch.Tensor], tuple[Any, ...]]:
        gaze = torch.zeros(image.shape[-2:]) if gaze_map is None else gaze_map.clone()
        # A copy: transforms may write to their input, and grey images repeat one channel's memory.
        pixels = image.clone(memory_format=torch.contiguous_format)
        with drawing_from(key):
            views, maps = zip(*self.pair(pixels, gaze), strict=True)
        for view in views:
            if not isinstance(view, torch.Tensor) or view.ndim != 3 or not view.is_floating_point():
                raise TypeError(
                    f"transform made {_kind(view)} of image {name!r}; expected a floating-point tensor "
                    "(C, h, w): v2.ToImage() and v2.ToDtype(torch.float32, scale=True) at the end make one"
                )
        return [view.as_subclass(torch.Tensor).float() for view in views], maps

    def normalisation(self) -> Normalisation | None:
        """Return mean and standard deviation of the ``v2.Normalize`` that ends both views, if one does."""
        found = [_last_normalize(one) for one in (self.pair.first, self.pair.second)]
        if found[0] is None or found[1] is None:
            if found[0] is not found[1]:
                raise ValueError("one of the two views ends with v2.Normalize; expected both or neither")
            return None
        pairs = [(_floats(one.mean), _floats(one.std)) for one in found]
        if pairs[0] != pairs[1]:
            raise ValueError("the two views end with different v2.Normalize; expected equal ones")
        return pairs[0]

    def without_normalisation(self) -> TransformViews:
        """Return the same views without the ``v2.Normalize`` at the end."""
        first, second = (_without_last(one) for one in (self.pair.first, self.pair.second))
        return TransformViews(TwoViews(first, second))


@contextmanager
def drawing_from(key: tuple[int, ...]) -> Iterator[None]:
    """Seed the generators of torch (CPU), NumPy and Python from a key, and restore them afterwards."""
    words = np.random.SeedSequence(key).generate_state(4, np.uint64)
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    torch_state = torch.get_rng_state()
    try:
        torch.default_generator.manual_seed(int(words[0] >> np.uint64(1)))
        np.random.seed((words[1:3] >> np.uint64(32)).astype(np.uint32))  # noqa: NPY002
        random.seed(int(words[3]))
        yield
    finally:
        torch.set_rng_state(torch_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)


def _kind(view: Any) -> str:
    return f"{describe(view)}, {view.dtype}" if isinstance(view, torch.Tensor) else describe(view)


def _last_normalize(transform: Any) -> Any:
    if isinstance(transform, v2.Normalize):
        return transform
    steps = transform.transforms if isinstance(transform, v2.Compose) else ()
    return _last_normalize(steps[-1]) if steps else None


def _without_last(transform: Any) -> Any:
    if isinstance(transform, v2.Normalize):
        return v2.Identity()
    *steps, last = transform.transforms
    return v2.Compose([*steps, _without_last(last)])


def _floats(values: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
