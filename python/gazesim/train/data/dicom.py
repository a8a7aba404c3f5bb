"""DICOM images as greyscale in [0, 1]: modality rescale, VOI window, MONOCHROME1 inverted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["dicom_shape", "is_dicom", "read_dicom"]

#: Where a file says nothing about its display: what these percentiles leave out is black or white.
PERCENTILES = (0.5, 99.5)

Pixels = NDArray[np.float32]


def is_dicom(file: Path) -> bool:
    """Whether a file is DICOM, by its ending or by the mark behind the preamble."""
    if file.suffix.lower() in (".dcm", ".dicom"):
        return True
    with file.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def dicom_shape(file: Path) -> tuple[int, int]:
    """Return (height, width) without reading pixels."""
    data = _dataset(file, stop_before_pixels=True)
    return int(data.Rows), int(data.Columns)


def read_dicom(file: Path) -> Pixels:
    """Return the image (H, W) in [0, 1] as a viewer shows it at first.

    Stored values become real ones (modality LUT, or slope and intercept), then grey: by the VOI LUT,
    else by the first window, else from percentile 0.5 to 99.5. MONOCHROME1 is inverted, so that
    bone is bright. Padding is black and counts for no percentile.
    """
    data = _dataset(file)
    photometric = str(data.get("PhotometricInterpretation", ""))
    if photometric not in ("MONOCHROME1", "MONOCHROME2"):
        raise ValueError(f"{file}: PhotometricInterpretation is {photometric!r}; expected a greyscale image")
    frames = int(data.get("NumberOfFrames", 1) or 1)
    if frames != 1:
        raise ValueError(f"{file}: holds {frames} frames; expected one image")
    stored = _stored(data, file)
    padding = _padding(data, stored)
    from pydicom.pixels.processing import apply_modality_lut

    grey = _displayed(data, apply_modality_lut(stored, data), padding)
    if photometric == "MONOCHROME1":
        grey = 1 - grey
    grey[padding] = 0
    return np.ascontiguousarray(grey, np.float32)


def _dataset(file: Path, **options: Any) -> Any:
    try:
        import pydicom
    except ImportError as error:
        raise ImportError(
            f"{file} is DICOM, which needs pydicom ({error}): pip install 'gazesim[dicom]'"
        ) from error
    try:
        data = pydicom.dcmread(file, **options)
    except pydicom.errors.InvalidDicomError:
        raise ValueError(f"{file} is not a DICOM file; expected the mark DICM at byte 128") from None
    for name in ("Rows", "Columns"):
        if name not in data:
            raise ValueError(f"{file}: has no {name}; expected an image")
    return data


def _stored(data: Any, file: Path) -> NDArray[Any]:
    try:
        stored: NDArray[Any] = data.pixel_array
    # pydicom lets decoders fail in their own ways.
    except Exception as error:
        syntax = getattr(getattr(data, "file_meta", None), "TransferSyntaxUID", None)
        named = getattr(syntax, "name", "unknown")
        hint = ""
        if getattr(syntax, "is_compressed", False):
            hint = "; compressed images may need a decoder: pip install pylibjpeg[all]"
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"{file}: its pixels ({named}) cannot be read: {reason}{hint}") from None
    if stored.ndim != 2 or not stored.size:
        raise ValueError(f"{file}: has pixels of shape {stored.shape}; expected (H, W)")
    return stored


def _padding(data: Any, stored: NDArray[Any]) -> NDArray[np.bool_]:
    value = data.get("PixelPaddingValue")
    if value is None:
        return np.zeros(stored.shape, np.bool_)
    limit = data.get("PixelPaddingRangeLimit", value)
    low, high = min(value, limit), max(value, limit)
    return np.asarray((stored >= low) & (stored <= high))


def _displayed(data: Any, values: NDArray[Any], padding: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return values as grey in [0, 1]."""
    if "VOILUTSequence" in data:
        from pydicom.pixels.processing import apply_voi_lut

        bits = int(data.VOILUTSequence[0].LUTDescriptor[2])
        shown: NDArray[np.float64] = apply_voi_lut(values, data, index=0) / (2.0**bits - 1)
        return np.clip(shown, 0, 1)
    centre, width = _first(data.get("WindowCenter")), _first(data.get("WindowWidth"))
    if centre is not None and width is not None:
        return _windowed(values.astype(np.float64), centre, width, str(data.get("VOILUTFunction", "LINEAR")))
    seen = values[~padding]
    low, high = (float(bound) for bound in np.percentile(seen if seen.size else values, PERCENTILES))
    grey: NDArray[np.float64] = (values - low) / max(high - low, np.finfo(np.float64).tiny)
    return np.clip(grey, 0, 1)


def _first(value: Any) -> float | None:
    """Return a number, or the first of several that the file offers."""
    if value is None or value == "":
        return None
    return float(value[0]) if hasattr(value, "__getitem__") and not isinstance(value, str) else float(value)


def _windowed(values: NDArray[np.float64], centre: float, width: float, function: str) -> NDArray[np.float64]:
    """Apply a window as PS3.3 C.11.2.1.2 and C.11.2.1.3 define it, onto [0, 1]."""
    if function == "SIGMOID":
        steep: NDArray[np.float64] = np.exp(np.clip(-4 * (values - centre) / width, -700, 700))
        return 1 / (1 + steep)
    if function == "LINEAR_EXACT":
        shown = (values - centre) / width + 0.5
    elif width <= 1:
        shown = (values > centre - 0.5).astype(np.float64)
    else:
        shown = (values - (centre - 0.5)) / (width - 1) + 0.5
    return np.clip(shown, 0, 1)
