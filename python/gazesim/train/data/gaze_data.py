"""GazeData: two views of every training image and its id, for Lightning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import lightning
import torch
from torch.utils.data import DataLoader

from ..._errors import choice, integer
from ..._progress import tell
from ...cache import AffinityCache
from ...cache.readers import ReadersReduced
from ...reading.features import READERS, readers_of
from ...reading.options import GazeOptions
from ...schemes import Scheme, scheme_from
from ...schemes.features import Features
from ...torch.distributed import world_size
from .cache_placement import compare_placement
from .folds import with_fold
from .kept import MEMORY, Mapped
from .label_source import LabelSource
from .loader import Batch, EpochLoader, EpochOrder, ViewPairs, collated
from .manifest import Manifest
from .manifest_samples import ManifestSamples, images_to_look_at
from .presets import preset as published
from .samples import Samples, checked_channels
from .settings import PhantomSettings, Views, check_division
from .transform_views import Normalisation, TransformViews
from .view_maker import view_statistics

__all__ = ["GazeData", "PhantomSettings"]

PLAIN = Views()
AS_STATED = GazeOptions()
USUAL_SIZE = 224
#: The splits whose shares ``fractions`` gives, in its order.
SHARED = ("train", "val", "test")
#: Before training, messages about the views are made from at most this many images.
LOOKED_AT = 256


class GazeData(lightning.LightningDataModule):
    """Images with gaze for pre-training: batches (x0, x1, ids) of two views each.

    Give one of ``manifest``, ``preset`` with ``folder``, and ``phantom``.

    Parameters
    ----------
    manifest
        A manifest CSV: one row per image (see :class:`~gazesim.train.Manifest`).
    preset, folder, images
        The name of a public data set, where it was unpacked, and where its images are, if elsewhere (EGD-CXR,
        REFLACX and GazeSearch have theirs from MIMIC-CXR).
    fractions
        Shares of train, val and test in presets that have no published split; default: see ``preset``.
    folds, fold
        For files: train on all images but those of one fold, ``fold`` of ``folds``, which are then the test
        split. With ``split_seed`` as its seed, ``gazesim evaluate --folds`` tests on the same ones.
    phantom
        Synthetic images.
    size
        Side of images and views in pixels; default: the phantom's, 224 for files.
    channels
        3 repeats the grey channel for networks that expect colour.
    batch_size
        Of this process; incomplete batches are dropped while training.
    num_workers
        Processes that prepare batches. What they prepare does not depend on their number.
    views
        How views are made.
    transform
        In place of ``views``: any ``transform(image, gaze_map)``, such as a
        :class:`~gazesim.torch.TwoViews`, a :class:`~gazesim.torch.GazeCrop` or a ``v2.Compose``; all
        but ``TwoViews`` are called once per view. The image is a float32 tensor (C, H, W) in [0, 1],
        the map a ``tv_tensors.Mask`` (H, W), all 0 without gaze. The random numbers that it draws
        from torch, NumPy or Python depend on seed, epoch and sample alone.
    memory
        For files: where images and maps stay once they are read, as for ``ManifestSamples``. ``"mapped"``
        keeps them in one file among the temporary files, which workers and ranks of a machine share; they
        are read when they are first needed. ``"float32"`` and ``"uint8"`` read all at the start into the
        memory of every rank, ``"none"`` reads them in every epoch. All but ``"uint8"`` give the same bits.
    sigma_share
        For files: how wide fixations are drawn, as for ``ManifestSamples``.
    bits
        For files: how many of 16 bits the pixels of PNG, TIFF and .npy images use, 9 to 16, 12 for many
        cameras; default: 16.
    gaze
        For files: how gaze is read and where images stood on the screen, where the manifest says
        nothing else; as for ``gazesim affinity``.
    seed
        Decides the order and the views: those of a sample depend on seed, epoch and sample alone.
    split_seed
        Decides the split of presets that have no published one. It is no part of ``seed``: trainings
        with several seeds share their training images, and none is tested on what another one saw.

    Examples
    --------
    >>> from gazesim.train import GazeData, PhantomSettings, Views
    >>> data = GazeData(
    ...     phantom=PhantomSettings(n_train=16, n_test=4), batch_size=8, views=Views(crop="gaze")
    ... )
    >>> data.setup("fit")
    >>> x0, x1, ids = next(iter(data.train_dataloader()))
    >>> x0.shape, len(ids), len(data.gaze_source("moments").ids), len(data.samples("test"))
    (torch.Size([8, 3, 64, 64]), 8, 16, 4)
    """

    def __init__(
        self,
        manifest: str | None = None,
        preset: str | None = None,
        folder: str | None = None,
        images: str | None = None,
        fractions: tuple[float, float, float] | None = None,
        folds: int | None = None,
        fold: int | None = None,
        phantom: PhantomSettings | None = None,
        size: int | None = None,
        channels: int = 3,
        batch_size: int = 64,
        num_workers: int = 0,
        views: Views = PLAIN,
        transform: Callable[..., Any] | None = None,
        memory: Literal["none", "uint8", "float32", "mapped"] = "mapped",
        sigma_share: float | None = None,
        bits: int | None = None,
        gaze: GazeOptions = AS_STATED,
        seed: int = 0,
        split_seed: int = 0,
    ) -> None:
        super().__init__()
        sources = {"manifest": manifest, "preset": preset, "phantom": phantom}
        given = [name for name, source in sources.items() if source is not None]
        if len(given) != 1:
            raise ValueError(f"{given or 'nothing'} is given; expected one of manifest, preset or phantom")
        if (preset is None) != (folder is None):
            raise ValueError("preset and folder go together; expected both or neither")
        check_division(preset, phantom, images, fractions, folds, fold)
        self.images, self.fractions, self.folds, self.fold = images, fractions, folds, fold
        self.manifest, self.preset, self.folder, self.phantom = manifest, preset, folder, phantom
        usual = USUAL_SIZE if phantom is None else phantom.size
        self.size = integer("size", usual if size is None else size, low=8, high=8192)
        self.channels = checked_channels(channels)
        self.batch_size = integer("batch_size", batch_size, low=1, high=10**6)
        self.num_workers = integer("num_workers", num_workers, low=0, high=1024)
        self.views = views
        if transform is not None and views != PLAIN:
            raise ValueError("views and transform are both given; expected one of them")
        self.transform = None if transform is None else TransformViews(transform)
        self._normalises_views = True
        #: The least concentration of maps that count; None where batches carry no maps.
        self._min_concentration: float | None = None
        self.memory = choice("memory", memory, MEMORY)
        self.sigma_share = sigma_share
        self.bits = None if bits is None else integer("bits", bits, low=9, high=16)
        self.gaze = gaze
        if bits is not None and phantom is not None:
            raise ValueError(f"bits is {bits} beside phantom, whose pixels have none; expected it with files")
        self.seed = integer("seed", seed, low=0, high=2**63 - 1)
        self.split_seed = integer("split_seed", split_seed, low=0, high=2**63 - 1)
        self._all_samples: Samples | None = None
        #: The messages that have been written, each of them once.
        self._written: set[str] = set()
        #: Where in its epoch the next loader begins.
        self._start: dict[str, int] | None = None

    def setup(self, stage: str | None = None) -> None:
        """Read the manifest and, for training, the images; say how many lack the gaze that views need."""
        self._read_once()
        if stage not in ("fit", None):
            return
        train = self.samples("train")
        if self.views.use_gaze:
            self._tell_gaze(train)
        if isinstance(train, ManifestSamples):
            self._tell_kept(train)
            train.preload(maps=self.use_gaze)
        if self.use_gaze and self._is_first("views"):
            self._tell_views(train)

    @property
    def use_gaze(self) -> bool:
        """Whether views may look at gaze: those of a transform always do."""
        return self.transform is not None or self.views.use_gaze

    def carry_gaze_maps(self, min_concentration: float | None = 0.0) -> None:
        """Let training batches be (x0, x1, ids, maps) from now on, with :class:`~gazesim.train.ViewMaps`.

        The maps are those of the images under the crop and flips of each view, so that they are targets
        for what a network says about the view. They are divided by their maximum over the whole image. A map
        whose concentration (1 − entropy / log of its pixels) is below ``min_concentration`` does not count,
        nor does an image without gaze; stderr says how many there are. With None, batches are (x0, x1, ids)
        again. :class:`~gazesim.train.Contrastive` calls this with what it needs.
        """
        self._min_concentration = min_concentration
        if min_concentration is None:
            return
        train = self.samples("train")
        if isinstance(train, ManifestSamples):
            train.preload(maps=True)
        self._tell_gaze(train)
        pairs = self._pairs(train, self.transform)
        looked_at = images_to_look_at(train, LOOKED_AT)
        lacking: list[str] = []
        diffuse: list[str] = []
        # One map at a time: those of a large data set do not fit into memory together.
        for i, name in enumerate(train.ids):
            if not train.has_gaze(i):
                lacking.append(name)
            elif i < looked_at:
                gaze = train.gaze_map(i)
                if gaze is None:
                    lacking.append(name)
                elif not pairs.counts(gaze):
                    diffuse.append(name)
        if len(lacking) + len(diffuse) == len(train):
            raise ValueError(
                f"all {len(train)} training images have no gaze to learn from, such as {train.ids[0]!r}; "
                "expected some with a gaze map"
                + (f" of concentration {min_concentration:g}" if diffuse else "")
            )
        without = "they count neither in gaze_target nor in gaze_pool"
        _tell_missing(lacking, len(train), f"gaze to learn from; {without}")
        _tell_missing(
            diffuse, len(train), f"gaze map as concentrated as {min_concentration:g}; they do not count"
        )

    def hand_over_normalisation(self) -> Normalisation | None:
        """Return mean and standard deviation of views; from now on the caller normalises, not this class.

        They are those of ``views``, or of a ``v2.Normalize`` at the end of ``transform``; None where
        views are not normalised. :class:`~gazesim.train.Contrastive` asks, and puts them into its
        backbone, so that evaluation and export normalise as pre-training did.
        """
        self._normalises_views = False
        if self.transform is not None:
            return self.transform.normalisation()
        mean, std = self.views.mean, self.views.std
        return None if (mean, std) == (0.0, 1.0) else ((mean,), (std,))

    def _tell_views(self, train: Samples) -> None:
        """Say how many images have no gaze, and how many views of the first images cannot keep enough."""
        looked_at = images_to_look_at(train, LOOKED_AT)
        lacking = [
            name
            for i, name in enumerate(train.ids)
            if not train.has_gaze(i) or (i < looked_at and train.gaze_map(i) is None)
        ]
        _tell_missing(lacking, len(train), "gaze; any view of them is accepted")
        if self.transform is not None:
            return
        found = view_statistics(train, self.views, self.size, seed=self.seed, count=LOOKED_AT)
        if found["fallbacks"]:
            tell(
                f"{found['fallbacks']} crops or holes in views of the first {found['images']} training "
                "images are fallbacks: no box of the size asked for keeps enough gaze"
            )

    def samples(self, split: str | None = None) -> Samples:
        """Return the samples of a split, or all."""
        every = self._read_once()
        if split is None:
            return every
        choice("split", split, ("train", "val", "test"))
        return every.take([i for i, one in enumerate(every.splits) if one == split])

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return batches (x0, x1, ids); in a loop without Lightning, set the epoch of its ``sampler``."""
        views, transform = self.views, self.transform
        if not self._normalises_views:
            views = replace(views, mean=0.0, std=1.0)
            if transform is not None and transform.normalisation() is not None:
                transform = transform.without_normalisation()
        pairs = self._pairs(self.samples("train"), transform, views)
        if not len(pairs):
            raise ValueError('no image has the split "train"; expected some to train on')
        ranks = world_size()
        if len(pairs) // ranks < self.batch_size:
            each = f" for {ranks} ranks, {len(pairs) // ranks} for each" if ranks > 1 else ""
            raise ValueError(
                f"batch_size is {self.batch_size}, and there are {len(pairs)} training images{each}; "
                "expected at least one whole batch"
            )
        loader = EpochLoader(
            pairs,
            self.batch_size,
            sampler=EpochOrder(len(pairs), self.seed),
            num_workers=self.num_workers,
            collate_fn=collated,
            drop_last=True,
            # It seeds the workers; torch's global generator is left to the model.
            generator=torch.Generator().manual_seed(self.seed),
            pin_memory=torch.cuda.is_available(),
            persistent_workers=self.num_workers > 0,
        )
        if self._start is not None:
            loader.load_state_dict(self._start)
            self._start = None
        return loader

    def _pairs(
        self, train: Samples, transform: TransformViews | None, views: Views | None = None
    ) -> ViewPairs:
        return ViewPairs(
            train,
            views or self.views,
            self.size,
            self.seed,
            transform,
            maps=self._min_concentration is not None,
            min_concentration=self._min_concentration or 0.0,
        )

    def state_dict(self) -> dict[str, Any]:
        """Return where the training is in its epoch, for Lightning's checkpoints."""
        loader = getattr(self.trainer, "train_dataloader", None)
        return loader.state_dict() if isinstance(loader, EpochLoader) else {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Let the next loader continue the epoch from there.

        Lightning restores a loader that it makes itself. It does not restore one that was made earlier, as
        :class:`Contrastive` does to learn the length of an epoch for its learning rate.
        """
        self._start = dict(state_dict)

    def gaze_source(
        self,
        scheme: str | Scheme = "moments",
        cache: str | Path | None = None,
        reduce: str = "mean",
        **params: Any,
    ) -> Features | ReadersReduced | AffinityCache:
        """Return what a PairMask asks about the training images: features of their gaze, or a cache.

        Parameters
        ----------
        scheme, params
            A name with its parameters, or a scheme object. Scanpaths are compared on the screen, or on the
            image where no screen is known, and maps in pixels of the image files, never at ``size``: the
            affinities equal those of ``gazesim affinity`` on the same files.
        cache
            A cache on disk that knows the training ids, in place of features.
        reduce
            Where files tell readers apart: the ``"mean"`` or the ``"max"`` over all pairs of readers, as in
            caches, or ``"pool"``, one map of all readers (for schemes that compare maps).

        Images without gaze are left out of the features; stderr says how many they are.
        """
        choice("reduce", reduce, READERS)
        train = self.samples("train")
        source: Features | ReadersReduced | AffinityCache
        if cache is None:
            self._tell_gaze(train)
            features = train.gaze_features(
                scheme_from(scheme, params), reduce=reduce if reduce == "pool" else None
            )
            source = ReadersReduced(features, reduce) if readers_of(features.ids) else features
        else:
            source = AffinityCache.open(cache)
            compare_placement(source, train)
        known = set(source.ids)
        unknown = [name for name in train.ids if name not in known]
        where = "gaze" if cache is None else f"entry in {cache}"
        if len(unknown) == len(train):
            by_reader = cache is not None and readers_of(source.ids)
            hint = " with its images as ids (it tells readers apart: build it with --reduce mean)"
            raise ValueError(
                f"all {len(train)} training images have no {where}, such as {unknown[0]!r}; expected some"
                + (hint if by_reader else "")
            )
        _tell_missing(unknown, len(train), where)
        return source

    def label_source(self) -> LabelSource:
        """Return what a PairMask asks about the training images where labels take the place of gaze."""
        train = self.samples("train")
        source = LabelSource(train)
        known = set(source.ids)
        _tell_missing([name for name in train.ids if name not in known], len(train), "label")
        return source

    def _tell_gaze(self, train: Samples) -> None:
        """Say once how the gaze of a manifest was read."""
        if isinstance(train, ManifestSamples) and self._is_first("gaze"):
            train.gaze.tell(tell)

    def _tell_kept(self, train: ManifestSamples) -> None:
        """Say once which file is mapped."""
        if isinstance(train.kept, Mapped) and self._is_first("kept"):
            tell(
                f"images and maps stay in {train.kept.path} once they are read (up to "
                f"{train.kept.megabytes:,.0f} MB, shared by all processes of this machine, removed at the "
                "end)"
            )

    def _is_first(self, message: str) -> bool:
        """Return whether a message has not been written yet, and note that it is now."""
        is_first = message not in self._written
        self._written.add(message)
        return is_first

    def _read_once(self) -> Samples:
        if self._all_samples is None:
            self._all_samples = self._read()
        return self._all_samples

    def _read(self) -> Samples:
        if self.phantom is not None:
            return self.phantom.samples(self.channels).resized(self.size)
        return ManifestSamples(
            self.read_manifest(),
            size=self.size,
            channels=self.channels,
            memory=self.memory,
            gaze=self.gaze,
            sigma_share=self.sigma_share,
            bits=self.bits,
        )

    def read_manifest(self) -> Manifest:
        """Return the manifest of the files with its split, read anew; not for a phantom."""
        if self.manifest is not None:
            manifest = Manifest.read(self.manifest)
        else:
            assert self.preset is not None
            assert self.folder is not None
            shares = None if self.fractions is None else dict(zip(SHARED, self.fractions, strict=True))
            manifest = published(
                self.preset, self.folder, images=self.images, fractions=shares, seed=self.split_seed
            )
        if self.folds is not None and self.fold is not None:
            manifest = with_fold(manifest, self.fold, folds=self.folds, seed=self.split_seed)
        return manifest


def _tell_missing(ids: list[str], total: int, what: str) -> None:
    """Say on stderr which training images lack something, if any does."""
    if ids:
        some = ", ".join(ids[:3]) + (", ..." if len(ids) > 3 else "")
        tell(f"{len(ids)} of {total} training images ({some}) have no {what}")
