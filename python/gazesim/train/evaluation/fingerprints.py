"""Hashes of networks and samples, to check that a folder of results belongs to them."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import torch
from torch import nn

from ..data.samples import Samples

__all__ = ["fingerprint_of_array", "fingerprint_of_network", "fingerprint_of_samples"]


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


def fingerprint_of_array(values: Any) -> str:
    """Return a hash of an array's shape and values."""
    array = np.ascontiguousarray(values)
    return hashlib.sha256(repr(array.shape).encode() + array.tobytes()).hexdigest()[:16]
