"""Gaze-conditioned torchvision transforms: they see the image together with its gaze map.

The map is a ``tv_tensors.Mask`` of shape (H, W) or (1, H, W), or a plain tensor that follows the
image; a plain one comes back as a Mask, so that **later** flips, rotations and crops of
``torchvision.transforms.v2`` move image and map together. For transforms that come **before** these,
make the map a Mask yourself, or call the chain through :class:`~gazesim.torch.TwoViews` or
:class:`~gazesim.torch.GazeTransformd`, which know what the map is. Random numbers come from torch's
global generator: ``torch.manual_seed`` decides, and DataLoader workers differ.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import PIL.Image
import torch
from numpy.typing import NDArray
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from .._errors import describe, number
from ..views import Sampler, View
from .sample import with_mask

__all__ = ["GazeCrop", "GazeCutout", "GazeMask"]

Fill = float | Sequence[float]


class GazeTransform(v2.Transform):  # type: ignore[misc]  # torchvision has no types
    """Base class of the three transforms: finds the gaze map and keeps statistics.

    Attributes
    ----------
    last
        The :class:`~gazesim.views.View` of the last call, or None.
    counts
        Sums over all calls in this process: ``views``, ``tries``, ``fallbacks``, ``empty`` (maps
        without gaze, whose views are all accepted). :class:`TwoViews` hands statistics through a
        DataLoader.
    """

    last: View | None
    counts: Counter[str]
    #: Arguments that the sampler copies: setting the attribute later would have no effect.
    _fixed: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.last = None
        self.counts = Counter(views=0, tries=0, fallbacks=0, empty=0)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._fixed and "_sampler" in self.__dict__:
            kind = type(self).__name__
            raise AttributeError(
                f"{kind}.{name} cannot be changed; expected a new one, such as {kind}(..., {name}={value!r})"
            )
        super().__setattr__(name, value)

    def forward(self, *inputs: Any) -> Any:
        """Transform image and map; everything else in the sample comes back as torchvision does it."""
        return super().forward(*with_mask(type(self).__name__, inputs))

    def _map_of(self, flat_inputs: list[Any]) -> NDArray[Any]:
        name = type(self).__name__
        masks = [one for one in flat_inputs if isinstance(one, tv_tensors.Mask)]
        if len(masks) != 1:
            raise TypeError(f"{name} got {len(masks)} tv_tensors.Mask; expected one, the gaze map")
        gaze = masks[0].as_subclass(torch.Tensor).detach()
        if gaze.ndim == 3 and gaze.shape[0] == 1:
            gaze = gaze[0]
        if gaze.ndim != 2:
            raise ValueError(
                f"{name}: the gaze map has shape {tuple(masks[0].shape)}; expected (H, W) or (1, H, W), "
                "one map: call the transform once per sample, as in a dataset"
            )
        for other in flat_inputs:
            if not isinstance(other, (tv_tensors.Mask, tv_tensors.BoundingBoxes, tv_tensors.KeyPoints)):
                size = tuple(F.get_size(other))
                if size != tuple(gaze.shape):
                    raise ValueError(
                        f"{name}: the gaze map has (height, width) {tuple(gaze.shape)}, the image {size}; "
                        "expected equal sizes"
                    )
        if gaze.is_complex():
            raise TypeError(f"{name}: the gaze map has dtype {gaze.dtype}; expected real numbers")
        small = gaze.dtype in (torch.float16, torch.bfloat16)
        values: NDArray[Any] = (gaze.float() if small else gaze).cpu().numpy()
        return values

    def _tell(self, view: View) -> None:
        self.last = view
        self.counts.update(views=1, tries=view.tries, fallbacks=int(view.fallback), empty=int(view.empty))


class GazeCrop(GazeTransform, v2.RandomResizedCrop):  # type: ignore[misc]
    """``v2.RandomResizedCrop`` that keeps at least ``min_iou`` of the gaze.

    Parameters
    ----------
    size, scale, ratio, interpolation, antialias
        As for ``torchvision.transforms.v2.RandomResizedCrop``, with its defaults.
    min_iou, weighting, support, method, max_tries, fallback
        As for :func:`gazesim.views.sample_crop`.

    Examples
    --------
    >>> import torch
    >>> from gazesim.torch import GazeCrop
    >>> gaze_map = torch.zeros(64, 64)
    >>> gaze_map[40:52, 8:20] = 1
    >>> crop = GazeCrop(32, scale=(0.2, 1.0))
    >>> image, gaze = crop(torch.rand(3, 64, 64), gaze_map)
    >>> image.shape, gaze.shape, crop.last.iou >= 0.8
    (torch.Size([3, 32, 32]), torch.Size([32, 32]), True)
    """

    # Scripting would silently yield the torchvision transform, which does not look at gaze.
    _v1_transform_cls = None
    _fixed = ("scale", "ratio", "min_iou", "method")

    def __init__(
        self,
        size: int | Sequence[int],
        scale: tuple[float, float] = (0.08, 1.0),
        ratio: tuple[float, float] = (3 / 4, 4 / 3),
        interpolation: v2.InterpolationMode | int = v2.InterpolationMode.BILINEAR,
        antialias: bool | None = True,
        *,
        min_iou: float = 0.8,
        weighting: str = "support",
        support: float = 0.1,
        method: str = "exact",
        max_tries: int = 100,
        fallback: str = "whole",
    ) -> None:
        super().__init__(size, scale, ratio, interpolation, antialias)
        self.min_iou, self.method = min_iou, method
        self._sampler = Sampler(
            "crop",
            min_iou=min_iou,
            scale=scale,
            ratio=ratio,
            weighting=weighting,
            support=support,
            method=method,
            max_tries=max_tries,
            fallback=fallback,
        )

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw the crop."""
        view = self._sampler.draw(self._map_of(flat_inputs), _uniforms)
        self._tell(view)
        x0, y0, x1, y1 = view.box
        return {"top": y0, "left": x0, "height": y1 - y0, "width": x1 - x0}


class GazeCutout(GazeTransform):
    """Random holes around which at least ``min_iou`` of the gaze is kept.

    The map itself is not changed, so later transforms use all of it.

    Parameters
    ----------
    size, scale, ratio, n_holes, min_iou, weighting, support, method, max_tries, fallback
        As for :func:`gazesim.views.sample_cutout`.
    fill
        The value in the holes, or one per channel, in the image's range.

    Examples
    --------
    >>> import torch
    >>> from gazesim.torch import GazeCutout
    >>> gaze_map = torch.zeros(64, 64)
    >>> gaze_map[40:52, 8:20] = 1
    >>> image, _ = GazeCutout(24)(torch.ones(1, 64, 64), gaze_map)
    >>> int((image == 0).sum()) == 24 * 24
    True
    """

    _fixed = ("size", "scale", "n_holes", "min_iou")

    def __init__(
        self,
        size: int | tuple[int, int] | None = None,
        *,
        scale: tuple[float, float] = (0.02, 0.2),
        ratio: tuple[float, float] = (1.0, 1.0),
        n_holes: int = 1,
        min_iou: float = 0.9,
        fill: Fill = 0.0,
        weighting: str = "support",
        support: float = 0.1,
        method: str = "exact",
        max_tries: int = 100,
        fallback: str = "whole",
    ) -> None:
        super().__init__()
        self.size, self.scale, self.n_holes, self.min_iou = size, scale, n_holes, min_iou
        self.fill = _fill(fill)
        self._sampler = Sampler(
            "cutout",
            min_iou=min_iou,
            scale=scale,
            ratio=ratio,
            size=size,
            weighting=weighting,
            support=support,
            method=method,
            max_tries=max_tries,
            fallback=fallback,
            boxes=n_holes,
        )

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw the holes."""
        view = self._sampler.draw(self._map_of(flat_inputs), _uniforms)
        self._tell(view)
        return {"holes": view.boxes}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Fill the holes of an image."""

        def cut(pixels: torch.Tensor) -> torch.Tensor:
            pixels = pixels.clone()
            fill = _fill_for(pixels, self.fill)
            for x0, y0, x1, y1 in params["holes"]:
                pixels[..., y0:y1, x0:x1] = fill
            return pixels

        return _on_pixels(inpt, cut)


class GazeMask(GazeTransform):
    """Masks the least salient pixels: the share ``drop`` of the image, and all without any gaze.

    It keeps the pixels with gaze that are at least as salient as the one at the quantile ``drop``. An image
    whose map has no gaze stays as it is and is counted. ``last.iou`` is the share of the gaze's mass in the
    kept pixels. Not random; use ``v2.RandomApply([GazeMask()], p=0.5)`` to apply it to some views.

    Examples
    --------
    >>> import torch
    >>> from gazesim.torch import GazeMask
    >>> image, _ = GazeMask(drop=0.8)(torch.ones(1, 10, 10), torch.arange(100.0).reshape(10, 10))
    >>> int(image.sum())
    20
    """

    def __init__(self, drop: float = 0.8, *, fill: Fill = 0.0) -> None:
        super().__init__()
        self.drop = number("drop", drop, low=0.0, high=1.0)
        self.fill = _fill(fill)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Find the pixels to keep."""
        gaze = self._map_of(flat_inputs).astype(np.float64)
        if not (gaze >= 0).all() or np.isinf(gaze).any():
            raise ValueError(
                "GazeMask: the gaze map holds NaN, infinite or negative values; "
                "expected finite numbers of at least 0"
            )
        mass = gaze.sum()
        if mass == 0:
            self._tell(View("mask", (), 1.0, 1, fallback=False, empty=True))
            return {"keep": torch.ones(gaze.shape, dtype=torch.bool)}
        keep = most_salient(gaze, self.drop)
        self._tell(View("mask", (), float(gaze[keep].sum() / mass), 1, fallback=False, empty=False))
        return {"keep": torch.from_numpy(keep)}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Fill the pixels of an image that are not kept."""

        def hide(pixels: torch.Tensor) -> torch.Tensor:
            return torch.where(params["keep"].to(pixels.device), pixels, _fill_for(pixels, self.fill))

        return _on_pixels(inpt, hide)


def most_salient(gaze: NDArray[Any], drop: float) -> NDArray[np.bool_]:
    """Return a mask of the pixels that :class:`GazeMask` keeps: none for a map without gaze."""
    dropped = min(math.floor(drop * gaze.size + 1e-9), gaze.size - 1)
    quantile = np.partition(gaze, dropped, axis=None)[dropped]
    kept: NDArray[np.bool_] = (gaze >= quantile) & (gaze > 0)
    return kept


def _uniforms(count: int) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = torch.rand(count, dtype=torch.float64, device="cpu").numpy()
    return numbers


def _on_pixels(inpt: Any, function: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """Apply ``function`` to the pixels of an image; maps, boxes and points come back as they are."""
    if isinstance(inpt, PIL.Image.Image):
        if inpt.mode in ("1", "P"):
            raise ValueError(
                f"an image has the mode {inpt.mode!r}, whose numbers are no brightness; expected one such as "
                'L, RGB or I;16, which image.convert("L") or image.convert("RGB") makes'
            )
        pixels = function(F.pil_to_tensor(inpt))
        if inpt.mode.startswith("I;16"):  # torchvision reads these, and does not write them
            return PIL.Image.fromarray(pixels[0].numpy())
        return F.to_pil_image(pixels, mode=inpt.mode)
    if isinstance(inpt, (tv_tensors.Image, tv_tensors.Video)):
        return tv_tensors.wrap(function(inpt.as_subclass(torch.Tensor)), like=inpt)
    return inpt if isinstance(inpt, tv_tensors.TVTensor) else function(inpt)


def _fill(fill: Any) -> tuple[float, ...]:
    values = fill if isinstance(fill, Sequence) and not isinstance(fill, str) else [fill]
    return tuple(number("fill", value, low=-1e30) for value in values)


def _fill_for(pixels: torch.Tensor, fill: tuple[float, ...]) -> torch.Tensor:
    if len(fill) not in (1, pixels.shape[-3] if pixels.ndim > 2 else 1):
        raise ValueError(
            f"fill is {describe(fill)}; expected one number, or one for each of the image's channels"
        )
    if not pixels.dtype.is_floating_point:
        bounds = torch.iinfo(pixels.dtype)
        if not all(bounds.min <= value <= bounds.max for value in fill):
            raise ValueError(
                f"fill is {describe(fill)}; expected {bounds.min} to {bounds.max} for pixels of "
                f"{pixels.dtype}"
            )
    values = torch.tensor(fill, dtype=pixels.dtype, device=pixels.device)
    return values[:, None, None] if pixels.ndim > 2 else values
