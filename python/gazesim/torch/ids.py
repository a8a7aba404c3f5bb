"""Sample ids as whole numbers, so that queues, checkpoints and other ranks can hold them."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .._errors import describe
from ..ids import is_missing, listed

__all__ = ["id_codes"]

#: The code of a place without a sample, as in a queue that is not full.
EMPTY = -1

Codes = NDArray[np.int64]
Ids = torch.Tensor | NDArray[Any] | Iterable[Hashable]


def id_codes(ids: Ids) -> torch.Tensor:
    """Return one int64 per id: the same in every process, on every machine and after a restart.

    Parameters
    ----------
    ids
        Strings, numbers, or tuples of them, as a list, a tuple or an array. An integer tensor is
        taken for codes already, and a whole number of at least 0 is its own code: what a DataLoader
        collates from integer ids can be used as it is.

    Returns
    -------
    Tensor
        (N,) int64. Other ids than whole numbers get 63 bits of a hash, negative and below -1, which
        is the code of an empty place. Two of a million ids collide with a probability of 5e-8.

    Examples
    --------
    >>> from gazesim.torch import id_codes
    >>> id_codes([3, 0]).tolist(), bool((id_codes(["a", ("a", 1)]) < -1).all())
    ([3, 0], True)
    """
    if isinstance(ids, torch.Tensor):
        return _checked(ids)
    return torch.from_numpy(codes_of(ids))


def codes_of(ids: Ids) -> Codes:
    """Return the codes of :func:`id_codes` as an array on the CPU."""
    if isinstance(ids, torch.Tensor):
        codes: Codes = _checked(ids).cpu().numpy()
        return codes
    names = listed(ids)
    return np.fromiter(map(code_of, names), np.int64, len(names))


def code_of(name: object) -> int:
    """Return the code of one id; ids that are equal in Python have equal codes."""
    if isinstance(name, np.generic):
        name = name.item()
    if isinstance(name, float) and name.is_integer():
        name = int(name)
    if isinstance(name, int) and 0 <= name < 2**63:
        return int(name)
    if is_missing(name):
        raise TypeError(f"an id is {describe(name)}; expected a string, a number, or a tuple of them")
    digest = hashlib.blake2b(_spelled(name), digest_size=8).digest()
    return -2 - int.from_bytes(digest, "little") % (2**63 - 2)


def _spelled(name: object) -> bytes:
    """Return bytes that are different for different ids."""
    if isinstance(name, np.generic):
        name = name.item()
    if isinstance(name, str):
        return b"s" + name.encode("utf-8", "surrogatepass")
    if isinstance(name, tuple):
        parts = [_spelled(part) for part in name]
        return b"t" + b"".join(len(part).to_bytes(8, "little") + part for part in parts)
    if isinstance(name, int) or (isinstance(name, float) and name.is_integer()):
        return b"i%d" % int(name)
    if isinstance(name, float):
        return b"f" + repr(name).encode()
    raise TypeError(f"an id is {describe(name)}; expected a string, a number, or a tuple of them")


def _checked(ids: torch.Tensor) -> torch.Tensor:
    if ids.ndim != 1 or ids.is_floating_point() or ids.is_complex() or ids.dtype == torch.bool:
        raise TypeError(f"ids is a {ids.dtype} tensor of shape {tuple(ids.shape)}; expected (N,) int64 codes")
    return ids.detach().to(torch.int64)
