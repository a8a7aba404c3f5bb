"""Hashes of networks and samples, to check that a folder of results belongs to them."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import torch
from torch import nn

from ..data.manifest_checks import digest_of_pieces
from ..data.samples import ArraySamples, Samples

__all__ = [
    "PIXELS",
    "fingerprint_of_array",
    "fingerprint_of_network",
    "fingerprint_of_samples",
    "record_of_samples",
]

#: The name of the hash of pixels in records, which those of earlier versions lack.
PIXELS = "pixels"
#: Short pieces that are read of every image file; a file of up to 128 KiB is read as a whole.
PIECES = 8
#: Of larger arrays, evenly spaced pixel rows of every image are hashed, some 256 MiB.
LARGEST_BYTES = 1 << 28
#: Of samples that are neither files nor arrays, so many images are hashed, evenly spaced.
LOOKED_AT = 64


def fingerprint_of_network(net: nn.Module) -> str:
    """Return a hash of a network's weights."""
    digest = hashlib.sha256()
    for name, value in net.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


def fingerprint_of_samples(samples: Samples) -> str:
    """Return a hash of ids, labels, splits and groups of the samples, with their number and classes."""
    groups = samples.groups or [""] * len(samples)
    columns = zip(samples.ids, samples.labels, samples.splits, groups, strict=True)
    digest = hashlib.sha256(repr((samples.class_names, list(columns))).encode())
    digest.update(repr(tuple(samples.image(0).shape)).encode())
    return f"{len(samples)} images of {len(samples.class_names)} classes, {digest.hexdigest()[:16]}"


def record_of_samples(samples: Samples) -> dict[str, str]:
    """Return the hash of ids, labels, splits and groups as ``data``, and that of the images as ``pixels``."""
    return {"data": fingerprint_of_samples(samples), PIXELS: _fingerprint_of_pixels(samples)}


def _fingerprint_of_pixels(samples: Samples) -> str:
    """Return a hash of the images: of the sizes of their files and pieces of them, or of pixels in memory."""
    entries = getattr(samples, "entries", None)
    digest = hashlib.sha256()
    if entries is not None:
        for entry in entries:
            size = entry.image.stat().st_size
            digest.update(size.to_bytes(8, "little"))
            digest.update(digest_of_pieces(entry.image, size, PIECES, with_start=True))
        bits = getattr(samples, "bits", None) or 16
        return f"{len(entries)} files, at most {bits} bits, {digest.hexdigest()[:16]}"
    count = len(samples) if isinstance(samples, ArraySamples) else min(LOOKED_AT, len(samples))
    rows_apart = 1 + count * samples.image(0).numel() * 4 // LARGEST_BYTES
    for at in np.linspace(0, len(samples) - 1, count).astype(int):
        digest.update(np.ascontiguousarray(samples.image(int(at))[:, ::rows_apart]).tobytes())
    return f"{count} images in memory, {digest.hexdigest()[:16]}"


def fingerprint_of_array(values: Any) -> str:
    """Return a hash of an array's shape and values."""
    array = np.ascontiguousarray(values)
    return hashlib.sha256(repr(array.shape).encode() + array.tobytes()).hexdigest()[:16]
