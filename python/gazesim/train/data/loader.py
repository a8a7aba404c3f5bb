"""How samples become batches: in an order, and with views, that seed and epoch decide."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from ...torch.distributed import rank, world_size
from ..lightning_tools import epoch_order
from .samples import Samples
from .settings import Views
from .transform_views import TransformViews
from .view_maker import key_of

__all__ = ["Batch", "EpochLoader", "EpochOrder", "ViewPairs"]

#: Two views (N, C, H, W) each, and N ids.
Batch = tuple[torch.Tensor, torch.Tensor, list[str]]


class ViewPairs(Dataset[Batch]):
    """Two views of samples; asked for whole batches of (epoch, position) by the DataLoader.

    ``transform`` makes the views where it is given; without it they are made as ``views`` says.
    """

    def __init__(
        self, samples: Samples, views: Views, size: int, seed: int, transform: TransformViews | None = None
    ) -> None:
        self.samples, self.seed = samples, seed
        self.views, self.size, self.transform = views, size, transform
        self.make = views.maker(size)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, key: tuple[int, int]) -> Batch:
        """Return a batch of one."""
        return self.__getitems__([key])

    def __getitems__(self, keys: list[Any]) -> Batch:
        """Return (x0, x1, ids) of one batch."""
        if not isinstance(keys[0], tuple):  # Lightning's overfit_batches puts a plain sampler in
            keys = [(0, index) for index in keys]
        ids = [self.samples.ids[index] for _, index in keys]
        if self.transform is not None:
            return (*self._transformed(self.transform, keys), ids)
        batch: list[NDArray[np.float32]] = []
        for row, (epoch, index) in enumerate(keys):
            image = self.samples.image(index)
            gaze = self.samples.gaze_map(index) if self.views.use_gaze else None
            if not batch:
                shape = len(keys), image.shape[0], self.size, self.size
                batch = [np.empty(shape, np.float32) for _ in range(2)]
            if image.stride(0) == 0:  # grey, repeated: work on it once
                image = image[:1]
            for number, views in enumerate(batch):
                key = key_of(self.seed, epoch, index, number)
                views[row] = self.make.pixels(image, gaze, key=key)[0]
        return torch.from_numpy(batch[0]), torch.from_numpy(batch[1]), ids

    def _transformed(
        self, transform: TransformViews, keys: list[tuple[int, int]]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        views: tuple[list[torch.Tensor], list[torch.Tensor]] = ([], [])
        for epoch, index in keys:
            name = self.samples.ids[index]
            image, gaze = self.samples.image(index), self.samples.gaze_map(index)
            made = transform(image, gaze, key=(self.seed, epoch, index), name=name)
            for kept, view in zip(views, made, strict=True):
                if views[0] and view.shape != views[0][0].shape:
                    raise ValueError(
                        f"transform made a view of shape {tuple(view.shape)} of image {name!r}, and "
                        f"{tuple(views[0][0].shape)} of {self.samples.ids[keys[0][1]]!r}; expected equal "
                        "shapes, as a crop to a fixed size makes them"
                    )
                kept.append(view)
        return torch.stack(views[0]), torch.stack(views[1])


class EpochOrder(DistributedSampler[Any]):
    """(epoch, position) of every sample, in an order that seed and epoch decide; a part for every rank.

    Views are made in workers that may outlive an epoch, so the epoch travels with the position. It is
    a DistributedSampler because Lightning leaves those alone; all ranks get equally many samples.
    """

    def __init__(self, count: int, seed: int) -> None:
        super().__init__(range(count), num_replicas=1, rank=0, seed=seed)  # type: ignore[arg-type]
        self.count = count
        #: How many of this process's samples are left out at the start.
        self.left_out = 0

    def __len__(self) -> int:
        return self.count // world_size()

    def __iter__(self) -> Iterator[tuple[int, int]]:
        ranks = world_size()
        order = epoch_order(self.count, self.seed, self.epoch)
        mine = order[: len(self) * ranks][rank() :: ranks][self.left_out :]
        return iter([(self.epoch, index) for index in mine.tolist()])


class EpochLoader(DataLoader[Batch]):
    """A DataLoader whose place in an epoch is part of Lightning's checkpoints.

    After a training that ended in the midst of an epoch, the batches that it has seen are left out;
    by itself Lightning would go through the first ones again.
    """

    _place = (0, 0)
    _seen: tuple[int, int] | None = None

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]
        # A generator: Lightning asks for an iterator before it tells the epoch, and workers would
        # begin with the order of another one.
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
        """Return the epoch and how many of its batches were handed out."""
        return {"epoch": self._place[0], "batches": self._place[1]}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Leave out what was handed out, if the next epoch is that one and did not end."""
        self._seen = state["epoch"], state["batches"] % max(len(self), 1)


def as_it_is(batch: Any) -> Any:
    """Return a batch that is one already."""
    return batch
