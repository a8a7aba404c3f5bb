"""Views against the papers' Python loop and torchvision: answers first, then paired times.

    python benchmarks/views.py [--draws 100000]

One thread, 224 x 224 phantom maps. Each ratio is the median over rounds in which both sides ran one
after the other, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from gazesim import views
from gazesim.phantom import phantom
from gazesim.reference import views as naive
from gazesim.torch import GazeCrop, GazeCutout, GazeMask, TwoViews
from gazesim.train import Views
from gazesim.train.data.transform_views import TransformViews
from gazesim.train.data.view_maker import key_of

SIZE, MAPS = 224, 64
SCALE, RATIO, HOLE = (0.2, 1.0), (3 / 4, 4 / 3), 84  # the recipe's 24 of 64 pixels


def main() -> None:
    """Check, then time."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=4000, help="views that are checked for each kind")
    draws = parser.parse_args().draws
    torch.set_num_threads(1)
    torch.manual_seed(0)
    check_shares()
    check_views(draws)
    data = phantom(MAPS, seed=1, size=SIZE)
    maps = list(data.heatmaps)
    time_samplers(maps)
    time_boxes(maps[0])
    time_pipeline(data.images, maps)
    time_view_makers(data.images, maps)


# --- answers --------------------------------------------------------------------------------------


def check_shares() -> None:
    """10,000 pairs for each kind and weighting against masks; support exactly, mass to 1e-12."""
    rng = np.random.default_rng(0)
    maps = phantom(100, seed=2).heatmaps
    boxes = np.concatenate([rng.integers(-8, 48, (100, 100, 2)), rng.integers(8, 80, (100, 100, 2))], axis=2)
    for kind in ("crop", "cutout"):
        for weighting in ("support", "mass"):
            given = {"kind": kind, "weighting": weighting}
            difference = np.abs(views.iou(maps, boxes, **given) - naive.iou(maps, boxes, **given)).max()
            assert difference <= (0 if weighting == "support" else 1e-12), difference
            print(f"iou {kind:6} {weighting:7}: 10,000 pairs, largest difference from masks {difference:g}")


def check_views(draws: int) -> None:
    """No accepted view under the bound, no give-ups; judged by plain NumPy slices."""
    rng = np.random.default_rng(1)
    maps = phantom(100, seed=3).heatmaps
    crop = views.Sampler("crop", 0.8, (0.08, 1.0), RATIO)
    cutout = views.Sampler("cutout", 0.9, (0.02, 0.2), (1.0, 1.0))
    for sampler in (crop, cutout):
        least, fallbacks, tries = 1.0, 0, 0
        for draw in range(draws):
            gaze = maps[draw % len(maps)]
            view = sampler.draw(gaze, rng.random)
            support = gaze.astype(np.float64) > 0.1 * float(gaze.max())
            x0, y0, x1, y1 = view.box
            share = support[y0:y1, x0:x1].sum() / support.sum()
            kept = (
                share
                if sampler.kind == "crop"
                else (support.sum() - support[y0:y1, x0:x1].sum()) / support.sum()
            )
            least, fallbacks, tries = min(least, kept), fallbacks + view.fallback, tries + view.tries
        assert least >= sampler.min_iou, least
        assert not fallbacks
        told = f"least share {least:.4f}, {tries / draws:.2f} sizes each, 0 give-ups"
        print(f"exact {sampler.kind}: {draws} draws, {told}")


# --- the papers' loop -----------------------------------------------------------------------------


def lean_crop(gaze: torch.Tensor, crop: v2.RandomResizedCrop) -> int:
    """Draw boxes until one keeps 0.8 of the support; the leanest form of the loop."""
    support = gaze > 0.1 * gaze.max()
    total = int(support.sum())
    tries = 0
    while True:
        tries += 1
        box = crop.make_params([support[None]])
        top, left = box["top"], box["left"]
        if int(support[top : top + box["height"], left : left + box["width"]].sum()) / total >= 0.8:
            return tries


def lean_cutout(gaze: torch.Tensor) -> int:
    """As :func:`lean_crop` for a square hole and 0.9."""
    support = gaze > 0.1 * gaze.max()
    total = int(support.sum())
    tries = 0
    while True:
        tries += 1
        y, x = torch.randint(0, SIZE - HOLE + 1, (2,)).tolist()
        if 1 - int(support[y : y + HOLE, x : x + HOLE].sum()) / total >= 0.9:
            return tries


def papers_crop(image: torch.Tensor, gaze: torch.Tensor, crop: v2.RandomResizedCrop) -> int:
    """Algorithm 1 of GCA as it is written: augment image and gaze map together, then judge."""
    full = gaze > 0.1 * gaze.max()
    tries = 0
    while True:
        tries += 1
        box = crop.make_params([image])
        F.resized_crop(image, **box, size=[SIZE, SIZE])
        F.resized_crop(gaze[None], **box, size=[SIZE, SIZE])
        view = torch.zeros_like(full)
        top, left = box["top"], box["left"]
        rows, columns = slice(top, top + box["height"]), slice(left, left + box["width"])
        view[rows, columns] = full[rows, columns]
        if ((view & full).sum() / (view | full).sum()).item() >= 0.8:
            return tries


def papers_cutout(image: torch.Tensor, gaze: torch.Tensor) -> int:
    """The same for cutout."""
    full = gaze > 0.1 * gaze.max()
    tries = 0
    while True:
        tries += 1
        y, x = torch.randint(0, SIZE - HOLE + 1, (2,)).tolist()
        F.erase(image, y, x, HOLE, HOLE, torch.zeros(1))
        F.erase(gaze[None], y, x, HOLE, HOLE, torch.zeros(1))
        view = full.clone()
        view[y : y + HOLE, x : x + HOLE] = False
        if ((view & full).sum() / (view | full).sum()).item() >= 0.9:
            return tries


# --- times ----------------------------------------------------------------------------------------


def seconds(call: Callable[[int], Any], count: int) -> float:
    """Return the time of one call."""
    start = time.perf_counter()
    for index in range(count):
        call(index)
    return (time.perf_counter() - start) / count


def paired(
    ours: Callable[[int], Any], theirs: Callable[[int], Any], count: int, rounds: int = 15
) -> tuple[float, ...]:
    """Return the median times of both, in microseconds, and the median of their ratios."""
    seconds(ours, 3), seconds(theirs, 3)
    times = np.array([(seconds(ours, count), seconds(theirs, count)) for _ in range(rounds)])
    return *(np.median(times, axis=0) * 1e6), float(np.median(times[:, 1] / times[:, 0]))


def time_samplers(maps: list[Any]) -> None:
    """Time one accepted view, table included, in this library and in the loops."""
    rng = np.random.default_rng(2)
    crop = v2.RandomResizedCrop(SIZE, SCALE, RATIO)
    tensors = [torch.from_numpy(gaze) for gaze in maps]
    image = torch.rand(3, SIZE, SIZE)
    loops = {
        "crop": {
            "lean loop": lambda i: lean_crop(tensors[i % MAPS], crop),
            "paper's loop": lambda i: papers_crop(image, tensors[i % MAPS], crop),
        },
        "cutout": {
            "lean loop": lambda i: lean_cutout(tensors[i % MAPS]),
            "paper's loop": lambda i: papers_cutout(image, tensors[i % MAPS]),
        },
    }
    for kind, min_iou in (("crop", 0.8), ("cutout", 0.9)):
        size = HOLE if kind == "cutout" else None
        for weighting in ("support", "mass"):
            sampler = views.Sampler(kind, min_iou, SCALE, RATIO, size, weighting=weighting)
            for name, loop in loops[kind].items():
                ours, theirs, ratio = paired(
                    lambda i, s=sampler: s.draw(maps[i % MAPS], rng.random), loop, MAPS
                )
                told = f"{ours:.1f} us per view; {name} {theirs:.0f} us; {ratio:.1f} x"
                print(f"exact {kind} by {weighting}: {told}")
                if weighting == "mass":
                    break


def time_boxes(gaze: Any) -> None:
    """Time the judging of many boxes of one map."""
    rng = np.random.default_rng(3)
    count = 4_000_000
    sides = np.sort(rng.integers(0, SIZE + 1, (2, count, 2)), axis=2)
    boxes = np.stack([sides[0, :, 0], sides[1, :, 0], sides[0, :, 1], sides[1, :, 1]], axis=1)
    for kind in ("crop", "cutout"):
        for weighting in ("support", "mass"):
            call = lambda _, k=kind, w=weighting: views.iou(gaze, boxes, kind=k, weighting=w, n_threads=1)  # noqa: E731
            best = min(seconds(call, 1) for _ in range(7))
            print(f"iou {kind:6} {weighting:7}: {count / best / 1e6:.0f} M boxes/s")


def time_pipeline(images: Any, maps: list[Any]) -> None:
    """Time two whole views of RGB images, gaze-conditioned and plain, with and without blur."""
    pairs = [
        (tv_tensors.Image(np.repeat(image[None], 3, axis=0)), tv_tensors.Mask(gaze))
        for image, gaze in zip(images, maps, strict=True)
    ]
    light = [v2.RandomHorizontalFlip(), v2.ColorJitter(0.4, 0.4)]
    erase = v2.RandomErasing(p=1.0, scale=((HOLE / SIZE) ** 2,) * 2, ratio=(1.0, 1.0))
    for what, middle in (("without blur", light), ("with blur", [*light, v2.GaussianBlur(23, (0.1, 2.0))])):
        gca = TwoViews(v2.Compose([GazeCrop(SIZE, SCALE), *middle, GazeCutout(HOLE)]))
        plain = v2.Compose([v2.RandomResizedCrop(SIZE, SCALE), *middle, erase])

        def with_map(i: int, plain: Any = plain) -> None:
            plain(*pairs[i % MAPS])
            plain(*pairs[i % MAPS])

        def alone(i: int, plain: Any = plain) -> None:
            plain(pairs[i % MAPS][0])
            plain(pairs[i % MAPS][0])

        for name, theirs in (("image and map", with_map), ("image alone", alone)):
            ours, other, ratio = paired(lambda i, gca=gca: gca(*pairs[i % MAPS]), theirs, 8)
            told = f"{ours / 1e3:.2f} ms; torchvision on {name} {other / 1e3:.2f} ms"
            print(f"two GCA views {what}: {told}; {1 / ratio:.2f} x the time")


def time_view_makers(images: Any, maps: list[Any]) -> None:
    """Time both views of a grey image as pre-training makes them: the fast path against a transform."""
    pairs = [
        (torch.from_numpy(image[None]), torch.from_numpy(gaze))
        for image, gaze in zip(images, maps, strict=True)
    ]
    tones = [v2.ColorJitter(0.4, 0.4)]
    flips = [v2.RandomHorizontalFlip(), v2.RandomVerticalFlip()]
    # torchvision's Gaussian has one width for all sigmas: that of the largest one.
    blur = v2.RandomApply([v2.GaussianBlur(13, (0.1, 2.0))], p=0.3)
    hole = v2.RandomApply([GazeCutout(HOLE)], p=0.5)
    cases = {
        "plain, no blur": (
            Views(blur_probability=0.0),
            v2.Compose([v2.RandomResizedCrop(SIZE, SCALE), *tones, *flips]),
        ),
        "plain": (Views(), v2.Compose([v2.RandomResizedCrop(SIZE, SCALE), *tones, blur, *flips])),
        "GCA": (
            Views(crop="gaze", cutout="gaze", cutout_side=HOLE / SIZE),
            v2.Compose([GazeCrop(SIZE, SCALE), *tones, blur, hole, *flips]),
        ),
        "mask": (
            Views(crop="none", mask_probability=1.0, blur_probability=0.0, jitter=0.0),
            v2.Compose([GazeMask(), *flips]),
        ),
    }
    for name, (views_, transform) in cases.items():
        make, general = views_.maker(SIZE), TransformViews(transform)

        def fast(i: int, make: Any = make) -> None:
            for view in range(2):
                make(*pairs[i % MAPS], key=key_of(0, 0, i, view))

        def free(i: int, general: Any = general) -> None:
            general(*pairs[i % MAPS], key=(0, 0, i), name="")

        ours, other, ratio = paired(fast, free, 16)
        print(
            f"both views, {name}: {ours / 1e3:.2f} ms; a transform {other / 1e3:.2f} ms; {ratio:.2f} x faster"
        )


if __name__ == "__main__":
    main()
