"""Find the image and the gaze map of a sample, whatever their types.

torchvision's transforms change a plain tensor only if it is the first one of a sample, and never a NumPy
array: a gaze map that is a plain tensor would stay unflipped while the image is flipped. So the code that
knows the map, by its position or its key, makes it a ``tv_tensors.Mask`` before any transform is called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import PIL.Image
import torch
from torch.utils._pytree import tree_flatten, tree_unflatten
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional as F

from .._errors import describe

__all__ = ["as_image", "as_map", "as_sample", "with_mask"]

EXPLICIT = (tv_tensors.Image, tv_tensors.Video, PIL.Image.Image)
#: Modes of PIL images with one number per pixel.
ONE_BAND = ("1", "L", "I", "F", "I;16", "I;16L", "I;16B", "I;16N")


def as_sample(name: str, image: Any, gaze_map: Any) -> tuple[Any, tv_tensors.Mask, Callable[[Any], Any]]:
    """Return image and gaze map in types that torchvision's transforms change, and a function for the result.

    The function turns a transformed image into a view of the type and shape that came in.

    Parameters
    ----------
    name
        The name of the caller, for messages.
    image
        A tensor (C, H, W) or (H, W), a ``tv_tensors.Image``, a PIL image, or an array (H, W, C),
        (C, H, W) or (H, W), which becomes a tensor (C, H, W).
    gaze_map
        (H, W) or (1, H, W): a tensor of any kind, an array, or a PIL image with one band.
    """
    gaze = as_map(name, gaze_map)
    height, width = gaze.shape[-2:]
    made = as_image(name, image, (height, width))
    size = tuple(F.get_size(made))
    if size != (height, width):
        raise ValueError(
            f"{name}: the gaze map has (height, width) {(height, width)}, the image {size}; "
            "expected equal sizes"
        )
    is_flat = (
        isinstance(image, torch.Tensor) and not isinstance(image, tv_tensors.TVTensor) and image.ndim == 2
    )
    return made, gaze, _without_channel if is_flat else _as_it_came


def as_map(name: str, gaze_map: Any) -> tv_tensors.Mask:
    """Return a gaze map as a Mask, (H, W) or (1, H, W)."""
    tensor = gaze_map
    if isinstance(gaze_map, PIL.Image.Image):
        if gaze_map.mode not in ONE_BAND:
            raise ValueError(
                f"{name}: the gaze map is a PIL image of mode {gaze_map.mode!r}; "
                "expected one band, such as 'L'"
            )
        tensor = torch.from_numpy(np.array(gaze_map))
    elif isinstance(gaze_map, np.ndarray):
        tensor = _from_array(name, "gaze map", gaze_map)
    elif not isinstance(gaze_map, torch.Tensor) or isinstance(
        gaze_map, (tv_tensors.BoundingBoxes, tv_tensors.KeyPoints, tv_tensors.Video)
    ):
        raise TypeError(
            f"{name}: the gaze map is {describe(gaze_map)}; expected a tensor, an array or a PIL image"
        )
    if tensor.ndim != 2 and (tensor.ndim != 3 or tensor.shape[0] != 1):
        raise ValueError(
            f"{name}: the gaze map has shape {tuple(tensor.shape)}; expected (H, W) or (1, H, W), "
            "one map: call the transform once per sample, as in a dataset"
        )
    return (
        tensor if isinstance(tensor, tv_tensors.Mask) else tv_tensors.Mask(tensor.as_subclass(torch.Tensor))
    )


def as_image(name: str, image: Any, size_hw: tuple[int, int]) -> Any:
    """Return an image as a type for torchvision; the map's ``size_hw`` shows which axis holds channels."""
    if isinstance(image, EXPLICIT):
        return image
    if isinstance(image, np.ndarray):
        array = _from_array(name, "image", image)
        if array.ndim == 3 and tuple(array.shape[:2]) == size_hw:
            if tuple(array.shape[1:]) == size_hw:
                raise ValueError(
                    f"{name}: the image is an array of shape {image.shape}, whose channels may come first "
                    "or last; expected a tensor (C, H, W)"
                )
            array = array.permute(2, 0, 1)
        return tv_tensors.Image(array)
    if (
        isinstance(image, tv_tensors.TVTensor)
        or not isinstance(image, torch.Tensor)
        or image.ndim not in (2, 3)
    ):
        kind = "a tv_tensors.Mask" if isinstance(image, tv_tensors.Mask) else describe(image)
        raise TypeError(
            f"{name}: the image is {kind}; expected (image, gaze_map) in this order, the image a tensor "
            "(C, H, W), an array or a PIL image"
        )
    return tv_tensors.Image(image) if image.ndim == 2 else image


def with_mask(name: str, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the inputs of a transform, with a gaze map that is a plain tensor turned into a Mask."""
    leaves, spec = tree_flatten(inputs)
    if any(isinstance(leaf, tv_tensors.Mask) for leaf in leaves):
        return inputs
    kinds = ", ".join(type(leaf).__name__ for leaf in leaves)
    explicit = [at for at, leaf in enumerate(leaves) if isinstance(leaf, EXPLICIT)]
    plain = [at for at, leaf in enumerate(leaves) if type(leaf) is torch.Tensor and leaf.ndim >= 2]
    candidates = plain if explicit else plain[1:]  # torchvision takes the first plain tensor for the image
    if not candidates:
        raise TypeError(
            f"{name} got no gaze map, only {kinds or 'nothing'}; "
            "expected (image, gaze_map), the map a tv_tensors.Mask or a tensor"
        )
    # In a tuple the image comes first; the order of a dictionary has no meaning.
    is_keyed = any(isinstance(one, Mapping) for one in inputs)
    unclear = (not explicit or len(plain) > 1) if is_keyed else bool(explicit and plain[0] < explicit[0])
    if unclear:
        raise TypeError(
            f"{name} cannot tell which of {kinds} is the gaze map; expected the map as a tv_tensors.Mask"
            + (", or GazeTransformd, which knows it by its key" if is_keyed else " or after the image")
        )
    leaves[candidates[0]] = tv_tensors.Mask(leaves[candidates[0]])
    restored: tuple[Any, ...] = tree_unflatten(leaves, spec)
    return restored


def _from_array(name: str, what: str, array: np.ndarray[Any, Any]) -> torch.Tensor:
    if array.dtype.kind not in "biuf" or array.ndim not in (2, 3):
        raise TypeError(
            f"{name}: the {what} is an array of dtype {array.dtype} and shape {array.shape}; "
            "expected real numbers in two or three dimensions"
        )
    native = array.astype(array.dtype.newbyteorder("="), copy=False)
    return torch.from_numpy(np.ascontiguousarray(native).copy())


def _as_it_came(view: Any) -> Any:
    return view


def _without_channel(view: Any) -> Any:
    """Return (h, w) of a view (1, h, w), for an image that came as (H, W)."""
    if isinstance(view, torch.Tensor) and view.ndim == 3 and view.shape[0] == 1:
        return view.as_subclass(torch.Tensor)[0]
    return view
