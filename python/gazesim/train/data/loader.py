"""Batches of views; order and views depend only on seed and epoch."""

from __future__ import annotations

import math
import multiprocessing.util
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.multiprocessing import get_sharing_strategy
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from ...torch.distributed import rank, world_size
from ..lightning_tools import epoch_order
from .samples import Samples
from .settings import Views
from .transform_views import TransformViews
from .view_maker import key_of

__all__ = ["Batch", "EpochLoader", "EpochOrder", "ViewMaps", "ViewPairs", "check_workers", "concentration"]

#: Bytes in the path of a socket: 107 on Linux; macOS has 103.
LONGEST_SOCKET = 103


class ViewMaps(NamedTuple):
    """The gaze maps of the two views of a batch, from 0 to 1: divided by their maximum in the whole image.

    Examples
    --------
    >>> import torch
    >>> from gazesim.train import ViewMaps
    >>> maps = ViewMaps(torch.zeros(2, 1, 8, 8), torch.zeros(2, 1, 8, 8), torch.tensor([True, False]))
    >>> maps.valid.tolist()
    [True, False]
    """

    #: (N, 1, h, w) of the first views.
    first: torch.Tensor
    #: (N, 1, h, w) of the second views.
    second: torch.Tensor
    #: (N,) bool: which images have gaze that counts.
    valid: torch.Tensor


#: Two views (N, C, H, W) each, N ids, and on request the gaze maps of the views.
Batch = tuple[torch.Tensor, torch.Tensor, list[str]] | tuple[torch.Tensor, torch.Tensor, list[str], ViewMaps]


class ViewPairs(Dataset[Batch]):
    """A data set of two views per sample; the DataLoader requests whole batches of (epoch, position).

    ``transform`` makes the views if it is given, else ``views`` decides. With ``maps``, batches hold the gaze
    maps of the views; maps less concentrated than ``min_concentration`` do not count.
    """

    def __init__(
        self,
        samples: Samples,
        views: Views,
        size: int,
        seed: int,
        transform: TransformViews | None = None,
        *,
        maps: bool = False,
        min_concentration: float = 0.0,
    ) -> None:
        self.maps, self.min_concentration = maps, min_concentration
        self.samples, self.seed = samples, seed
        self.views, self.size, self.transform = views, size, transform
        self.make = views.maker(size)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, key: tuple[int, int]) -> Batch:
        """Return a batch of one."""
        return self.__getitems__([key])

    def __getitems__(self, keys: list[Any]) -> Batch:
        """Return (x0, x1, ids) of one batch, and with ``maps`` (x0, x1, ids, :class:`ViewMaps`)."""
        if not isinstance(keys[0], tuple):  # Lightning's overfit_batches puts a plain sampler in
            keys = [(0, index) for index in keys]
        ids = [self.samples.ids[index] for _, index in keys]
        make = self._drawn if self.transform is None else self._transformed
        views: tuple[list[torch.Tensor], list[torch.Tensor]] = ([], [])
        maps: tuple[list[torch.Tensor], list[torch.Tensor]] = ([], [])
        valid = []
        for epoch, index in keys:
            is_needed = self.maps or self.transform is not None or self.views.use_gaze
            gaze = self.samples.gaze_map(index) if is_needed else None
            made, moved = make(epoch, index, gaze)
            for kept, view in zip(views, made, strict=True):
                if kept and view.shape != kept[0].shape:
                    raise ValueError(
                        f"transform made a view of shape {tuple(view.shape)} of image "
                        f"{self.samples.ids[index]!r}, and {tuple(kept[0].shape)} of {ids[0]!r}; expected "
                        "equal shapes, as a crop to a fixed size makes them"
                    )
                kept.append(view)
            if self.maps:
                valid.append(gaze is not None and self.counts(gaze))
                top = 1.0 if gaze is None else float(gaze.max())
                for kept, one in zip(maps, moved, strict=True):
                    kept.append((one / top).clamp(0, 1)[None])
        stacked = torch.stack(views[0]), torch.stack(views[1]), ids
        if not self.maps:
            return stacked
        return (*stacked, ViewMaps(torch.stack(maps[0]), torch.stack(maps[1]), torch.tensor(valid)))

    def counts(self, gaze: torch.Tensor) -> bool:
        """Whether a map (H, W) counts as a target: it has gaze, and is concentrated enough."""
        if not bool(gaze.any()):
            return False
        return not self.min_concentration or concentration(gaze) >= self.min_concentration

    def _drawn(
        self, epoch: int, index: int, gaze: torch.Tensor | None
    ) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Return two views as ``views`` says, and with ``maps`` the map under each."""
        image = self.samples.image(index)
        channels = image.shape[0]
        if image.stride(0) == 0:  # grey, repeated: work on it once
            image = image[:1]
        views, maps = [], []
        for number in range(2):
            seen = gaze if self.views.use_gaze else None
            view, record = self.make.pixels(image, seen, key=key_of(self.seed, epoch, index, number))
            views.append(torch.from_numpy(np.ascontiguousarray(view)).expand(channels, -1, -1))
            if self.maps:
                blank = image.new_zeros(image.shape[-2:])
                moved = self.make.map_view(blank if gaze is None else gaze, record)
                maps.append(torch.from_numpy(np.ascontiguousarray(moved)))
        return views, maps

    def _transformed(
        self, epoch: int, index: int, gaze: torch.Tensor | None
    ) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Return two views by ``transform``, and with ``maps`` the map under each."""
        assert self.transform is not None
        key, name, image = (self.seed, epoch, index), self.samples.ids[index], self.samples.image(index)
        if self.maps:
            return self.transform.with_maps(image, gaze, key=key, name=name)
        return self.transform(image, gaze, key=key, name=name), []


def concentration(gaze: torch.Tensor) -> float:
    """Return 1 − entropy / log (number of pixels) of a map: 0 for a constant map, 1 for a single pixel.

    Examples
    --------
    >>> import torch
    >>> from gazesim.train.data.loader import concentration
    >>> peak = torch.zeros(64, 64)
    >>> peak[10, 20] = 3.0
    >>> round(concentration(peak), 3), abs(round(concentration(torch.ones(64, 64)), 3))
    (1.0, 0.0)
    """
    share = gaze.double() / gaze.double().sum()
    return 1 + float(torch.xlogy(share, share).sum()) / math.log(max(gaze.numel(), 2))


class EpochOrder(DistributedSampler[Any]):
    """Samples (epoch, position) in a random order that depends only on seed and epoch; a part for every rank.

    Workers may outlive an epoch, so the epoch is sent with the position. It is a DistributedSampler because
    Lightning does not replace those; all ranks get equally many samples.
    """

    def __init__(self, count: int, seed: int) -> None:
        super().__init__(range(count), num_replicas=1, rank=0, seed=seed)  # type: ignore[arg-type]
        self.count = count
        #: Number of this process's samples that are skipped at the start.
        self.left_out = 0

    def __len__(self) -> int:
        return self.count // world_size()

    def __iter__(self) -> Iterator[tuple[int, int]]:
        ranks = world_size()
        order = epoch_order(self.count, self.seed, self.epoch)
        mine = order[: len(self) * ranks][rank() :: ranks][self.left_out :]
        return iter([(self.epoch, index) for index in mine.tolist()])


class EpochLoader(DataLoader[Batch]):
    """A DataLoader whose position in an epoch is part of Lightning's checkpoints.

    After a training that ended within an epoch, the batches that it has seen are skipped; Lightning alone
    would repeat the first batches.
    """

    _place = (0, 0)
    _seen: tuple[int, int] | None = None

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]
        # A generator: Lightning asks for an iterator before it tells the epoch, and workers would
        # begin with the order of another one.
        check_workers(self.num_workers)
        order, epoch, seen = self.sampler, 0, 0
        if isinstance(order, EpochOrder):
            epoch = order.epoch
            seen = self._seen[1] if self._seen is not None and self._seen[0] == epoch else 0
            order.left_out = seen * (self.batch_size or 1)
        self._seen = None
        for count, batch in enumerate(super().__iter__(), seen + 1):
            self._place = epoch, count
            yield batch

    def state_dict(self) -> dict[str, int]:
        """Return the epoch and the number of its batches that were returned."""
        return {"epoch": self._place[0], "batches": self._place[1]}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Skip the batches that were returned, if the next epoch is the same and was not finished."""
        self._seen = state["epoch"], state["batches"] % max(len(self), 1)


def check_workers(num_workers: int) -> None:
    """Raise ValueError if workers could not send images, as the folder for temporary files has a long path.

    They send them through sockets there, whose paths are limited. A worker that fails to open one drops the
    batch, and the training would wait for it for ever.
    """
    if num_workers == 0 or os.name != "posix" or get_sharing_strategy() != "file_descriptor":  # type: ignore[no-untyped-call]
        return
    folder = multiprocessing.util.get_temp_dir()
    length = len(os.fsencode(os.path.join(folder, "listener-12345678")))
    if length > LONGEST_SOCKET:
        outer = os.path.dirname(folder)
        most = len(os.fsencode(outer)) - (length - LONGEST_SOCKET)
        raise ValueError(
            f"num_workers is {num_workers}, and the folder for temporary files, {outer}, has a path too long "
            f"for the sockets through which workers send images; expected at most {most} characters, such as "
            "TMPDIR=/tmp, or num_workers 0"
        )


def collated(batch: Any) -> Any:
    """Return the batch unchanged: the data set returns whole batches."""
    return batch
