"""GazeQueue: MoCo's queue of keys, with the ids of the images they come from."""

from __future__ import annotations

import warnings

import torch
from torch import nn
from torch.nn import functional as F

from .._errors import integer
from .distributed import gather, gather_ids
from .ids import EMPTY, Ids, id_codes
from .losses import unit

__all__ = ["GazeQueue"]


#: A full queue with a smaller share of different images is longer than the data set, unless it is this short.
FEW_DIFFERENT, SHORT = 0.6, 16


class GazeQueue(nn.Module):
    """The last ``size`` keys and the ids of their images, for MoCo with gaze.

    Keys and ids are buffers of the module: they move with ``.to(device)``, lie in its ``state_dict``
    (plain tensors) and are the same on all ranks. A key that is not finite is left out: its place keeps the
    old key, with one warning. A queue longer than the data set holds old keys of every image, which count
    as its positives; this also gives one warning.

    Parameters
    ----------
    size
        How many keys are kept.
    dim
        Length of a key.
    seed
        Seed of the random unit vectors that fill the queue at first, as in MoCo. They are negatives;
        their places count as empty and are never positives.

    Attributes
    ----------
    keys
        (size, dim), of length 1.
    ids
        (size,) int64 codes (:func:`id_codes`) for :class:`PairMask`; -1 in empty places.

    Examples
    --------
    >>> import torch
    >>> from gazesim.torch import GazeQueue, InfoNCEPairLoss, PairMask
    >>> mask = PairMask((torch.tensor([[1.0, 0.9], [0.9, 1.0]]).numpy(), ["a", "b"]), top_k=1)
    >>> queue = GazeQueue(4, 8)
    >>> q, k = torch.randn(2, 8), torch.randn(2, 8)
    >>> for step in range(2):
    ...     weights = mask(["a", "b"], queue.ids)
    ...     loss = InfoNCEPairLoss()(q, k, queue=queue.keys, weights=weights)
    ...     queue.enqueue(k, ["a", "b"])
    >>> weights.int().tolist(), len(queue)
    ([[1, 1, 0, 0], [1, 1, 0, 0]], 4)
    """

    keys: torch.Tensor
    ids: torch.Tensor
    _next: torch.Tensor

    def __init__(self, size: int, dim: int, *, seed: int = 0) -> None:
        super().__init__()
        integer("size", size, low=1, high=2**31 - 1)
        integer("dim", dim, low=1, high=2**31 - 1)
        noise = torch.randn(size, dim, generator=torch.Generator().manual_seed(seed))
        self.register_buffer("keys", F.normalize(noise, dim=1))
        self.register_buffer("ids", torch.full((size,), EMPTY, dtype=torch.int64))
        self.register_buffer("_next", torch.zeros((), dtype=torch.int64))
        self._warned: set[str] = set()

    def __len__(self) -> int:
        """Return the number of places that hold keys of images."""
        return int((self.ids != EMPTY).sum())

    def enqueue(self, keys: torch.Tensor, ids: Ids) -> None:
        """Replace the oldest keys by keys (N, dim) and the ids of their images.

        Under ``torch.distributed``, every rank enqueues the keys and ids of all ranks. Call it after the
        loss of the step, before or after ``backward``: the loss works on a normalised copy.
        """
        if keys.ndim != 2 or keys.shape[1] != self.keys.shape[1]:
            raise ValueError(f"keys has shape {tuple(keys.shape)}; expected (N, {self.keys.shape[1]})")
        with torch.no_grad():  # not a decorator: warnings then name the caller's line
            self._take(keys, ids)

    def _take(self, keys: torch.Tensor, ids: Ids) -> None:
        codes = gather_ids(ids).to(self.ids.device)
        keys = gather(unit(keys.detach().to(self.keys.dtype)).to(self.keys.dtype)).to(self.keys.device)
        if len(codes) != len(keys):
            raise ValueError(f"ids has {len(codes)} entries; expected one for each of the {len(keys)} keys")
        size, count = len(self.keys), len(keys)
        start = int(self._next)
        kept = torch.arange(max(count - size, 0), count, device=self.keys.device)
        places = (start + kept) % size
        finite = keys.isfinite().all(dim=1)
        self._tell_not_finite(count - int(finite.sum()), count)
        taken = finite[kept]
        self.keys[places] = torch.where(taken[:, None], keys[kept], self.keys[places])
        self.ids[places] = torch.where(taken, codes[kept], self.ids[places])
        self._next.fill_((start + count) % size)
        if start + count >= size:
            self._tell_long()

    def own_keys(self, ids: Ids) -> torch.Tensor:
        """Return a mask (N, size) of the older keys of each image.

        Examples
        --------
        >>> import torch
        >>> from gazesim.torch import GazeQueue
        >>> queue = GazeQueue(3, 8)
        >>> queue.enqueue(torch.randn(2, 8), ["a", "b"])
        >>> queue.own_keys(["b", "c"]).int().tolist()
        [[0, 1, 0], [0, 0, 0]]
        """
        codes = id_codes(ids).to(self.ids.device)
        own: torch.Tensor = (codes[:, None] == self.ids) & (self.ids != EMPTY)
        return own

    def _tell_not_finite(self, odd: int, count: int) -> None:
        if odd and "finite" not in self._warned:
            self._warned.add("finite")
            warnings.warn(
                f"{odd} of {count} keys are not finite and were not put into the queue; expected finite "
                "keys: lower the learning rate, or train in bfloat16 or float32",
                stacklevel=1,  # Lightning's own lines are muted, and ours shown as one line
            )

    def _tell_long(self) -> None:
        """Warn if a full queue holds few different images, because it then spans more than an epoch."""
        if "long" in self._warned or bool((self.ids == EMPTY).any()):
            return
        images = len(torch.unique(self.ids))
        # Images drawn with replacement fill a queue as long as the data set with 63 % different ones.
        if len(self.ids) > SHORT and images <= FEW_DIFFERENT * len(self.ids):
            self.tell_longer_than(images)

    def tell_longer_than(self, images: int, fate: str = "count as its positives") -> None:
        """Warn once if the queue is longer than a data set of so many images; ``fate`` ends the message."""
        if "long" not in self._warned and len(self.keys) > images:
            self._warned.add("long")
            size = len(self.keys)
            warnings.warn(
                f"the queue has {size:,} places for {images:,} different images, so that it holds up to "
                f"{-(-size // max(images, 1))} old keys of an image, which {fate}; expected a queue shorter "
                "than the data set",
                stacklevel=1,  # Lightning's own lines are muted, and ours shown as one line
            )

    def extra_repr(self) -> str:
        """Return size and dim for ``repr``."""
        return f"size={self.keys.shape[0]}, dim={self.keys.shape[1]}"
