"""DICOM images as greyscale in [0, 1], as a viewer shows them at first."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dicom_tables import applied_table

__all__ = ["dicom_shape", "is_dicom", "read_dicom"]

#: Where a file says nothing about its display: what these percentiles leave out is black or white.
PERCENTILES = (0.5, 99.5)

Pixels = NDArray[np.float32]


def is_dicom(file: Path) -> bool:
    """Return whether a file is DICOM, by its ending or by the mark behind the preamble."""
    if file.suffix.lower() in (".dcm", ".dicom"):
        return True
    with file.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def dicom_shape(file: Path) -> tuple[int, int]:
    """Return (height, width) without reading pixels."""
    data = _dataset(file, stop_before_pixels=True)
    _refuse_others(data, file)
    return int(data.Rows), int(data.Columns)


def read_dicom(file: Path) -> Pixels:
    """Return the image (H, W) in [0, 1] as a viewer shows it at first.

    Stored values become real ones (modality LUT, or slope and intercept), then grey: by the VOI LUT,
    else by the first window that can be used, else from percentile 0.5 to 99.5. MONOCHROME1 is inverted, so
    that bone is bright. Padding is black and counts for no percentile.

    A window that cannot be used (its width is 0 or negative, or it shows nothing but black or white) is
    left out with a warning. Raises a ValueError that names the file for anything else that is malformed.
    """
    data = _dataset(file)
    _refuse_others(data, file)
    stored = _stored(data, file)
    try:
        padding = _padding(data, stored)
        grey = _displayed(data, _real(data, stored), padding, file)
    except (ValueError, TypeError, AttributeError, IndexError, KeyError, OverflowError) as error:
        raise ValueError(f"{file}: cannot be shown: {' '.join(str(error).split())[:200]}") from None
    if str(data.PhotometricInterpretation) == "MONOCHROME1":
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
        data.get("Rows"), data.get("Columns")
    except pydicom.errors.InvalidDicomError:
        raise ValueError(f"{file} is not a DICOM file; expected the mark DICM at byte 128") from None
    except FileNotFoundError:
        raise
    # pydicom lets damaged files fail in many ways.
    except Exception as error:
        raise ValueError(f"{file} cannot be read as DICOM: {' '.join(str(error).split())[:200]}") from None
    for name in ("Rows", "Columns"):
        if name not in data:
            raise ValueError(f"{file}: has no {name}; expected an image")
        if not isinstance(data[name].value, int) or data[name].value < 1:
            raise ValueError(f"{file}: {name} is {data[name].value!r}; expected a whole number of at least 1")
    return data


def _refuse_others(data: Any, file: Path) -> None:
    """Raise for colour images and films."""
    photometric = str(data.get("PhotometricInterpretation", ""))
    if photometric not in ("MONOCHROME1", "MONOCHROME2"):
        raise ValueError(f"{file}: PhotometricInterpretation is {photometric!r}; expected a greyscale image")
    try:
        frames = int(data.get("NumberOfFrames", 1) or 1)
    except (ValueError, TypeError):
        raise ValueError(f"{file}: NumberOfFrames is {data.get('NumberOfFrames')!r}; expected 1") from None
    if frames != 1:
        raise ValueError(f"{file}: holds {frames} frames; expected one image")


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
    return _without_unused_bits(data, stored)


def _without_unused_bits(data: Any, stored: NDArray[Any]) -> NDArray[Any]:
    """Clear the bits above those stored, in which old files keep drawings."""
    bits = int(data.get("BitsStored", 8 * stored.dtype.itemsize))
    spare = 8 * stored.dtype.itemsize - bits
    if spare <= 0 or int(data.get("HighBit", bits - 1)) != bits - 1:
        return stored
    return (stored << spare) >> spare  # of signed numbers, this repeats the sign


def _padding(data: Any, stored: NDArray[Any]) -> NDArray[np.bool_]:
    value = data.get("PixelPaddingValue")
    if value is None:
        return np.zeros(stored.shape, np.bool_)
    limit = data.get("PixelPaddingRangeLimit", value)
    low, high = min(value, limit), max(value, limit)
    return np.asarray((stored >= low) & (stored <= high))


def _real(data: Any, stored: NDArray[Any]) -> NDArray[Any]:
    """Return the stored values in the unit of the modality."""
    if data.get("ModalityLUTSequence"):
        return applied_table(data.ModalityLUTSequence[0], stored, "ModalityLUTSequence")[0]
    slope, intercept = (
        _one(data, name, at) for name, at in (("RescaleSlope", 1.0), ("RescaleIntercept", 0.0))
    )
    if slope == 0 or not np.isfinite([slope, intercept]).all():
        problem = f"RescaleSlope is {slope:g} and RescaleIntercept {intercept:g}"
        raise ValueError(f"{problem}; expected numbers, and a slope other than 0")
    return stored if (slope, intercept) == (1.0, 0.0) else stored.astype(np.float64) * slope + intercept


def _one(data: Any, name: str, default: float) -> float:
    value = data.get(name)
    return default if value is None or value == "" else float(value)


def _displayed(
    data: Any, values: NDArray[Any], padding: NDArray[np.bool_], file: Path
) -> NDArray[np.float64]:
    """Return values as grey in [0, 1]."""
    if data.get("VOILUTSequence"):
        shown, top = applied_table(data.VOILUTSequence[0], values, "VOILUTSequence")
        return np.clip(shown / top, 0, 1)
    seen = values[~padding]
    if not seen.size:
        seen = values
    function = str(data.get("VOILUTFunction") or "LINEAR")
    left_out = []
    for centre, width in _windows(data):
        if not np.isfinite([centre, width]).all() or width <= 0 or (function == "LINEAR" and width < 1):
            left_out.append(f"WindowWidth is {width:g}, expected at least 1")
            continue
        grey = _windowed(values.astype(np.float64), centre, width, function)
        bare = grey[~padding] if not padding.all() else grey
        if seen.min() < seen.max() and (bare.max() <= 0 or bare.min() >= 1):
            window, seen_range = f"width {width:g} at {centre:g}", f"{seen.min():g} to {seen.max():g}"
            left_out.append(f"the window of {window} shows nothing of {seen_range}")
            continue
        return grey
    if left_out:
        instead = f"grey runs from percentile {PERCENTILES[0]:g} to {PERCENTILES[1]:g} instead"
        warnings.warn(f"{file}: {'; '.join(left_out)}; {instead}", stacklevel=2)
    low, high = (float(bound) for bound in np.percentile(seen, PERCENTILES))
    grey = (values - low) / max(high - low, np.finfo(np.float64).tiny)
    return np.asarray(np.clip(grey, 0, 1), np.float64)


def _windows(data: Any) -> list[tuple[float, float]]:
    """Return the (centre, width) pairs that a file offers, in its order: a viewer shows the first one."""
    centres, widths = (_numbers(data.get(name)) for name in ("WindowCenter", "WindowWidth"))
    return list(zip(centres, widths, strict=False))


def _numbers(value: Any) -> list[float]:
    if value is None or value == "":
        return []
    several = value if hasattr(value, "__getitem__") and not isinstance(value, str) else [value]
    return [float(one) for one in several]


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
