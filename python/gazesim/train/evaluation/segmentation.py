"""The segmentation probe: a 1x1 linear classifier on frozen feature maps, scored by Dice and IoU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from ..._errors import describe
from ..._progress import tell
from ..data.samples import Samples
from ..data.splits import label_fraction
from .classification_scores import area_under_curve
from .feature_maps import feature_maps
from .mask_files import Masks, masks_of
from .settings import SegmentationSettings

__all__ = [
    "SegmentationSettings",
    "cell_probabilities",
    "maps_of",
    "masks_of",
    "segment",
    "segmentation_probe",
    "segmentation_scores",
    "with_masks",
]

#: Thresholds between 0 and 1 that are tried.
STEPS = 256


SETTINGS = SegmentationSettings()


def segmentation_probe(
    backbone: nn.Module,
    train: Samples,
    test: Samples,
    *,
    train_masks: Any = None,
    test_masks: Any = None,
    layer: str | None = None,
    fractions: Sequence[float] = (1.0,),
    seed: int = 0,
    settings: SegmentationSettings = SETTINGS,
) -> dict[float, dict[str, float]]:
    """Return Dice, IoU and pixel AUROC of a linear classifier per cell of frozen feature maps.

    Masks are averaged to the cells of the feature maps, a logistic regression learns these shares from
    the cells' standardised features, and its probabilities are enlarged bilinearly to the images. The
    threshold is the one with the best mean Dice on the training images: lesions cover a small share of an
    image, so 0.5 would be too high.

    When to use it: to test *where* rather than *what*: whether features distinguish a lesion's places from
    the others. It needs masks and no labels, and unlike a linear probe it uses features before pooling.

    Parameters
    ----------
    backbone
        Any network of images (N, C, H, W), your own too; it stays as it is and runs where it is.
    train, test
        The images to learn from and to score on; their labels are not used.
    train_masks, test_masks
        (n, H, W), nonzero in the region, of the images' size. Default: those of the manifest's column
        ``mask``, of two values each, see :func:`masks_of`; images without a mask are left out and counted on
        stderr.
    layer
        Whose maps are read, as in ``named_modules()``; default: the last one with more than one place.
    fractions, seed
        Shares of the training images, nested, and what decides which images are in one.
    settings
        Of the classifier.

    Returns
    -------
    dict
        By share: ``Dice`` and ``IoU``, means over the test images (1 where neither the mask nor the
        prediction has a pixel), ``pixel AUROC``, the mean over those with both kinds of pixels, and
        ``threshold``.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim.train import ArraySamples, make_backbone
    >>> from gazesim.train.evaluation.segmentation import segmentation_probe
    >>> images = np.zeros((8, 64, 64))
    >>> images[:, 16:48, 16:32] = 1
    >>> samples, net = ArraySamples(images), make_backbone("resnet10-narrow", channels=1)
    >>> scores = segmentation_probe(net, samples, samples, train_masks=images, test_masks=images)[1.0]
    >>> list(scores), scores["Dice"] > 0.8
    (['Dice', 'IoU', 'pixel AUROC', 'threshold'], True)
    """
    known, marked = with_masks("train", train, train_masks)
    judged, expected = with_masks("test", test, test_masks)
    features, unseen = (maps_of(backbone, part, layer, settings.batch_size) for part in (known, judged))
    scores = {}
    for fraction in fractions:
        chosen = label_fraction(np.zeros(len(known), np.int64), fraction, seed=seed)
        scores[fraction] = segment(features[chosen], marked[chosen], unseen, expected, settings.l2)
    return scores


def segment(
    features: torch.Tensor, masks: Masks, unseen: torch.Tensor, expected: Masks, l2: float
) -> dict[str, float]:
    """Fit a classifier to feature maps and masks; return its scores on ``unseen`` maps (m, D, h, w).

    ``features`` is (n, D, h, w), ``masks`` (n, H, W), ``expected`` (m, H, W).
    """
    seen, found = cell_probabilities(features, masks, unseen, l2)
    threshold = _best_threshold(_enlarged(seen, masks.shape[1:]), masks)
    enlarged = _enlarged(found, expected.shape[1:])
    return segmentation_scores(enlarged, expected, threshold) | {"threshold": threshold}


def segmentation_scores(probabilities: Any, masks: Any, threshold: float) -> dict[str, float]:
    """Return mean Dice, IoU and pixel AUROC of probabilities (n, H, W) against masks (n, H, W).

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim.train.evaluation.segmentation import segmentation_scores
    >>> segmentation_scores(np.array([[[0.9, 0.6], [0.2, 0.1]]]), np.array([[[1, 0], [0, 0]]]), 0.5)
    {'Dice': 0.6666666666666666, 'IoU': 0.5, 'pixel AUROC': 1.0}
    """
    probable, true = np.asarray(probabilities), np.asarray(masks) > 0
    if probable.shape != true.shape or true.ndim != 3:
        raise ValueError(
            f"probabilities has shape {probable.shape}, masks {true.shape}; expected (n, H, W) for both"
        )
    predicted = probable >= threshold
    both, either = ((one & two).sum(axis=(1, 2)) for one, two in ((predicted, true), (~predicted, ~true)))
    either = true[0].size - either
    iou = np.where(either == 0, 1.0, both / np.maximum(either, 1))
    sizes = predicted.sum(axis=(1, 2)) + true.sum(axis=(1, 2))
    dice = np.where(sizes == 0, 1.0, 2 * both / np.maximum(sizes, 1))
    areas = [area_under_curve(one.ravel(), mask.ravel()) for one, mask in zip(probable, true, strict=True)]
    defined = [area for area in areas if not np.isnan(area)]
    return {
        "Dice": float(dice.mean()),
        "IoU": float(iou.mean()),
        "pixel AUROC": float(np.mean(defined)) if defined else float("nan"),
    }


def cell_probabilities(
    features: torch.Tensor, masks: Masks, unseen: torch.Tensor, l2: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the probability of the region per cell for training and unseen maps, (n, h, w) and (m, h, w).

    The classifier is fitted to ``features`` (n, D, h, w) and ``masks`` (n, H, W); ``unseen`` is (m, D, h, w).
    """
    from sklearn.linear_model import LogisticRegression

    share = functional.adaptive_avg_pool2d(
        torch.from_numpy(masks.astype(np.float64)), (features.shape[2], features.shape[3])
    )
    rows, weight = _rows(features), share.flatten().numpy()
    if not 0 < weight.sum() < len(weight):
        raise ValueError(
            f"the masks of {len(features)} images are {'empty' if not weight.sum() else 'full'}; expected "
            "pixels inside and outside"
        )
    mean, scale = rows.mean(axis=0), rows.std(axis=0)
    scale = np.where(scale > 10 * np.finfo(np.float32).eps * np.abs(mean), scale, 1.0)
    # A cell that is covered to a share s counts with weight s as inside and 1 - s as outside.
    standard = (rows - mean) / scale
    fitted = LogisticRegression(C=1 / (l2 * len(rows)), tol=1e-6, max_iter=10_000)
    inside, outside = weight > 0, weight < 1
    fitted.fit(
        np.concatenate([standard[inside], standard[outside]]),
        np.repeat([1, 0], [inside.sum(), outside.sum()]),
        sample_weight=np.concatenate([weight[inside], 1 - weight[outside]]),
    )

    def probabilities(maps: torch.Tensor) -> torch.Tensor:
        found = fitted.predict_proba((_rows(maps) - mean) / scale)[:, 1]
        return torch.from_numpy(found.reshape(len(maps), *maps.shape[2:]))

    return probabilities(features), probabilities(unseen)


def with_masks(argument: str, samples: Samples, masks: Any = None) -> tuple[Samples, Masks]:
    """Return the samples that have a mask, and the masks (n, H, W); report the number of the others."""
    if masks is None:
        read = masks_of(samples)
        chosen = [i for i, mask in enumerate(read) if mask is not None]
        if not chosen:
            raise ValueError(
                f"{argument}: none of {len(samples)} images has a mask; expected {argument}_masks, or a "
                "column mask in the manifest"
            )
        if len(chosen) < len(samples):
            missing = len(samples) - len(chosen)
            tell(f"{missing} of {len(samples)} {argument} images have no mask and are left out")
            samples = samples.take(chosen)
        return samples, np.stack([mask for mask in read if mask is not None])
    array = np.asarray(masks)
    shape = (len(samples), *samples.image(0).shape[1:]) if len(samples) else (0,)
    if array.shape != shape or not len(samples):
        raise ValueError(f"{argument}_masks is {describe(array)}; expected shape {shape}, the images'")
    if array.dtype.kind not in "buif" or (array.dtype.kind == "f" and not np.isfinite(array).all()):
        raise ValueError(f"{argument}_masks has dtype {array.dtype}; expected finite numbers or booleans")
    return samples, array > 0


def maps_of(backbone: nn.Module, samples: Samples, layer: str | None, batch_size: int) -> torch.Tensor:
    """Return the feature maps (n, D, h, w) of all samples."""
    parts = []
    for start in range(0, len(samples), batch_size):
        last = min(start + batch_size, len(samples))
        images = torch.stack([samples.image(i) for i in range(start, last)])
        parts.append(feature_maps(backbone, images, layer))
        finite = torch.isfinite(parts[-1]).flatten(1).all(dim=1)
        if not finite.all():
            sample = start + int((~finite).nonzero()[0])
            raise ValueError(
                f"feature maps: sample {sample} ({samples.ids[sample]}) is not finite; expected numbers"
            )
    return torch.cat(parts)


def _rows(maps: torch.Tensor) -> NDArray[np.float64]:
    """Return the features of every cell, (n * h * w, D)."""
    rows: NDArray[np.float64] = maps.permute(0, 2, 3, 1).flatten(0, 2).double().numpy()
    return rows


def _enlarged(probabilities: torch.Tensor, shape: tuple[int, ...]) -> NDArray[np.float64]:
    new = functional.interpolate(
        probabilities[:, None], size=list(shape), mode="bilinear", align_corners=False
    )
    found: NDArray[np.float64] = new[:, 0].numpy()
    return found


def _best_threshold(probabilities: NDArray[np.float64], masks: Masks) -> float:
    """Return the threshold with the highest mean Dice, of 255 between 0 and 1; the middle one of equals."""
    count, bins = len(masks), np.minimum((probabilities * STEPS).astype(np.int64), STEPS - 1)
    # Of every image, how many pixels (and of the mask) lie at or above each threshold.
    place = (bins.reshape(count, -1) + STEPS * np.arange(count)[:, None]).ravel()
    above = [
        np.bincount(place, weights=weights, minlength=count * STEPS)
        .reshape(count, STEPS)[:, ::-1]
        .cumsum(axis=1)[:, ::-1]
        for weights in (None, masks.reshape(-1).astype(np.float64))
    ]
    sizes = above[0] + masks.sum(axis=(1, 2))[:, None]
    dice = np.where(sizes == 0, 1.0, 2 * above[1] / np.maximum(sizes, 1)).mean(axis=0)[1:]
    best = np.flatnonzero(dice >= dice.max() - 1e-12)
    return float((best[len(best) // 2] + 1) / STEPS)
