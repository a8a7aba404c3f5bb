"""Gaze predicted for unseen images: how well it agrees, and whether views by it keep the lesion.

    python benchmarks/predictor.py [--epochs 30] [--readers 1]

Trains on 300 phantom images and scores 100 others, on the CPU, in a minute or two. A map of one
reader is a small sample of where people look, which no predictor can foresee; the ceiling is what
the average of many more readers of the same image reaches.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gazesim import views
from gazesim.phantom import Phantom, phantom
from gazesim.saliency import mean_scores
from gazesim.train import fit_predictor, predict_gaze, saliency_scores

FEATURES = (8, 8, 16, 32, 64, 8)
CROP = views.Sampler("crop", 0.8, (0.2, 1.0), (3 / 4, 4 / 3), support=0.2)
RANDOM = views.Sampler("crop", 0.0, (0.2, 1.0), (3 / 4, 4 / 3), support=0.2)


def main() -> None:
    """Train, score, draw views."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--readers", type=int, nargs="+", default=[1, 10])
    given = parser.parse_args()
    torch.set_num_threads(1)
    for readers in given.readers:
        run(readers, given.epochs)


def run(readers: int, epochs: int) -> None:
    """Train on maps of ``readers`` people each and print every number."""
    train, unseen = phantom(300, seed=1, readers=readers), phantom(100, seed=2, readers=readers)
    start = time.perf_counter()
    model = fit_predictor(
        train.images, train.heatmaps, epochs=epochs, features=FEATURES, learning_rate=2e-3, progress=False
    )
    seconds = time.perf_counter() - start
    predicted = predict_gaze(model, unseen.images)
    fixations = [
        unseen.scanpaths.values[
            unseen.scanpaths.offsets[i * readers] : unseen.scanpaths.offsets[(i + 1) * readers]
        ]
        for i in range(100)
    ]
    means = {
        name: score.mean
        for name, score in mean_scores(saliency_scores(predicted, unseen.heatmaps, fixations)).items()
    }
    print(
        f"{readers} readers per map: trained in {seconds:.0f} s; "
        + ", ".join(f"{k} {v:.3f}" for k, v in means.items())
    )
    if readers == 1:
        # The first reader of each of these images is not the same person, but one of the same kind.
        other = phantom(100, seed=2, readers=400)
        ceiling = saliency_scores(other.heatmaps, one_reader_of(other))["CC"].mean()
        print(f"  ceiling for maps of one reader (the mean of 400 against one of them): CC {ceiling:.3f}")
    for name, maps, sampler in (
        ("random crops", unseen.heatmaps, RANDOM),
        ("GCA by true maps", unseen.heatmaps, CROP),
        ("GCA by predicted maps", predicted, CROP),
    ):
        print(f"  lesions kept by {name}: {kept(unseen, maps, sampler):.1%}")


def one_reader_of(data: Phantom) -> NDArray[Any]:
    """Return the maps of the first reader of each image."""
    from gazesim import render_heatmap

    return render_heatmap([data.scanpaths[(i, 0)] for i in range(len(data))], size=(64, 64), sigma_px=3)


def kept(data: Phantom, maps: NDArray[Any], sampler: views.Sampler, draws: int = 50) -> float:
    """Return the share of crops with at least 90 % of the lesion's box."""
    rng = np.random.default_rng(0)
    whole = []
    for gaze, lesion in zip(maps[data.labels > 0], data.boxes[data.labels > 0], strict=True):
        boxes = np.array([sampler.draw(gaze, rng.random).box for _ in range(draws)])
        both = np.minimum(boxes[:, 2:], lesion[2:]) - np.maximum(boxes[:, :2], lesion[:2])
        whole.append(both.clip(0).prod(axis=1) >= 0.9 * (lesion[2:] - lesion[:2]).prod())
    return float(np.mean(whole))


if __name__ == "__main__":
    main()
