"""Wrappers of gaze-conditioned transforms for training loops: two views, and MONAI dictionaries."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import nn
from torchvision import tv_tensors
from torchvision.transforms import v2

from .._errors import describe
from .sample import as_map, as_sample
from .transforms import GazeTransform

__all__ = ["GazeTransformd", "TwoViews"]

Statistics = dict[str, torch.Tensor]


class TwoViews(nn.Module):
    """Two random views of one image, as contrastive learning needs them.

    It is called with an image and its gaze map, in this order and of equal size: the image a tensor
    (C, H, W) or (H, W), a PIL image, or an array (H, W, C), (C, H, W) or (H, W), which becomes a
    tensor (C, H, W); the map (H, W) or (1, H, W), a tensor, an array or a PIL image with one band.
    The map becomes a ``tv_tensors.Mask``, so that every geometric transform of
    ``torchvision.transforms.v2``, before or after a gaze transform, changes both in the same way.

    Parameters
    ----------
    transform
        Called as ``transform(image, gaze_map)``, usually a ``v2.Compose``.
    second
        The transform of the second view; default: ``transform``.
    maps
        Whether each view is an (image, gaze map) pair instead of the image alone.
    stats
        Whether to return (views, statistics): for each gaze transform ``iou``, ``tries``,
        ``fallback`` and ``empty``, tensors of two entries that a DataLoader collates to (B, 2). A
        transform that was skipped (``v2.RandomApply``) has iou 1 and 0 tries. Gaze transforms are found
        in ``Compose`` and in any other object with a list ``transforms``.

    Returns
    -------
    list
        ``[view_0, view_1]``: lightly's transforms return the same, and a batch of a DataLoader over
        ``(views, label, id)`` unpacks to ``(x0, x1), labels, ids``.

    Examples
    --------
    >>> import torch
    >>> from torchvision.transforms import v2
    >>> from gazesim.torch import GazeCrop, TwoViews
    >>> views = TwoViews(v2.Compose([GazeCrop(32), v2.RandomHorizontalFlip()]), stats=True)
    >>> (first, second), stats = views(torch.rand(3, 64, 64), torch.rand(64, 64))
    >>> first.shape, sorted(stats)
    (torch.Size([3, 32, 32]), ['GazeCrop.empty', 'GazeCrop.fallback', 'GazeCrop.iou', 'GazeCrop.tries'])
    """

    def __init__(
        self,
        transform: Callable[..., Any],
        second: Callable[..., Any] | None = None,
        *,
        maps: bool = False,
        stats: bool = False,
    ) -> None:
        super().__init__()
        for one in (transform, second):
            _refuse_early_unwrapping(one)
        self.first = transform
        self.second = transform if second is None else second
        self.maps, self.stats = maps, stats

    def forward(self, image: Any, gaze_map: Any) -> Any:
        """Return the two views, and with ``stats`` their statistics."""
        sample, gaze, finished = as_sample(type(self).__name__, image, gaze_map)
        views, stats = [], []
        for transform in (self.first, self.second):
            outcome, statistics = _observed(transform, sample, gaze)
            view, seen = _pair(type(self).__name__, outcome)
            views.append((finished(view), seen) if self.maps else finished(view))
            stats.append(statistics)
        if not self.stats:
            return views
        if stats[0].keys() != stats[1].keys():
            raise ValueError(
                f"the two transforms tell {sorted(stats[0])} and {sorted(stats[1])}; "
                "expected the same gaze transforms in both where stats=True"
            )
        return views, {name: torch.stack([one[name] for one in stats]) for name in stats[0]}


class GazeTransformd:
    """A gaze transform as a dictionary transform of MONAI.

    Parameters
    ----------
    keys
        The entries with images (C, H, W), all transformed alike.
    map_key
        The entry with the gaze map (1, H, W) or (H, W), transformed with them.
    transform
        A transform of dictionaries of tv_tensors: ``GazeCrop``, ``GazeCutout``, ``GazeMask`` or a
        ``v2.Compose`` of them.
    stats_key
        The entry for statistics, which :class:`TwoViews` describes; None: no statistics.

    Images come back as plain tensors: a MetaTensor's affine no longer holds. MONAI's readers put
    the width first by default; image and map agree in that, and ``ratio`` then means height / width.

    Examples
    --------
    >>> import torch
    >>> from gazesim.torch import GazeCrop, GazeTransformd
    >>> crop = GazeTransformd(["image"], "gaze", GazeCrop(32))
    >>> out = crop({"image": torch.rand(1, 64, 64), "gaze": torch.rand(1, 64, 64), "label": 2})
    >>> out["image"].shape, out["gaze"].shape, out["label"]
    (torch.Size([1, 32, 32]), torch.Size([1, 32, 32]), 2)
    """

    def __init__(
        self,
        keys: Hashable | Iterable[Hashable],
        map_key: Hashable,
        transform: Callable[..., Any],
        *,
        stats_key: Hashable | None = None,
    ) -> None:
        self.keys = [keys] if isinstance(keys, str) or not isinstance(keys, Iterable) else list(keys)
        self.map_key, self.transform, self.stats_key = map_key, transform, stats_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of ``data`` with images and map transformed."""
        for key in (*self.keys, self.map_key):
            if key not in data:
                raise KeyError(f"the sample has the keys {list(data)}; expected {key!r}")
        sample: dict[Hashable, torch.Tensor] = {key: tv_tensors.Image(_plain(data[key])) for key in self.keys}
        sample[self.map_key] = gaze = as_map(type(self).__name__, _plain(data[self.map_key]))
        for key in self.keys:
            if sample[key].shape[-2:] != gaze.shape[-2:]:
                raise ValueError(
                    f"{key!r} has shape {tuple(sample[key].shape)} and the gaze map {self.map_key!r} "
                    f"{tuple(gaze.shape)}; expected (C, H, W) and (1, H, W) or (H, W) of equal size"
                )
        outcome, statistics = _observed(self.transform, sample)
        changed = dict(data)
        changed.update({key: value.as_subclass(torch.Tensor) for key, value in outcome.items()})
        if self.stats_key is not None:
            changed[self.stats_key] = statistics
        return changed


def _pair(name: str, outcome: Any) -> tuple[Any, Any]:
    """Return the view and its map from the result of a transform of (image, map)."""
    if isinstance(outcome, (tuple, list)) and len(outcome) >= 2:
        return outcome[0], outcome[1]
    raise TypeError(f"{name}: the transform returned {describe(outcome)}; expected (image, gaze_map)")


def _plain(value: Any) -> torch.Tensor:
    tensor = value.as_tensor() if hasattr(value, "as_tensor") else value  # MONAI's MetaTensor
    try:
        return torch.as_tensor(tensor)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"the sample holds {describe(value)}; expected a tensor or an array") from None


def _gaze_transforms(transform: Any) -> Iterator[GazeTransform]:
    if isinstance(transform, GazeTransform):
        yield transform
    # Compose, RandomApply and their like hold a plain list.
    for inner in getattr(transform, "transforms", ()):
        yield from _gaze_transforms(inner)


def _refuse_early_unwrapping(transform: Any) -> None:
    """Raise if ``v2.ToPureTensor`` comes before another transform, which would then not change the map."""
    steps = list(_steps(transform))
    for before, after in itertools.pairwise(steps):
        if isinstance(before, v2.ToPureTensor):
            raise ValueError(
                f"v2.ToPureTensor stands before {type(after).__name__}, which would move the image and not "
                "the gaze map; expected it at the end"
            )


def _steps(transform: Any) -> Iterator[Any]:
    inner = getattr(transform, "transforms", None)
    if inner is None:
        yield transform
    else:
        for one in inner:
            yield from _steps(one)


def _observed(transform: Any, *sample: Any) -> tuple[Any, Statistics]:
    """Return the transformed sample, and the statistics of the gaze transforms in the transform."""
    watched = list(_gaze_transforms(transform))
    for module in watched:
        module.last = None  # it may be skipped this time
    outcome = transform(*sample)
    statistics: Statistics = {}
    seen: Counter[str] = Counter()
    for module in watched:
        name = type(module).__name__
        prefix = f"{name}_{seen[name]}" if seen[name] else name
        seen[name] += 1
        last = module.last
        statistics[f"{prefix}.iou"] = torch.tensor(last.iou if last else 1.0, dtype=torch.float64)
        statistics[f"{prefix}.tries"] = torch.tensor(last.tries if last else 0)
        statistics[f"{prefix}.fallback"] = torch.tensor(bool(last and last.fallback))
        statistics[f"{prefix}.empty"] = torch.tensor(bool(last and last.empty))
    return outcome, statistics
