"""The mask of a step against the double loop of released code: answers first, then times.

    python benchmarks/pairs.py [--no-step]

A cache of 10,500 ids, dense and CSR; one batch against itself and against a queue; then a BYOL step
with and without gaze. Times are medians over fresh random ids; ratios are medians over rounds in which
both sides ran one after the other, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torchvision.models import resnet18

from gazesim import AffinityCache
from gazesim.torch import CosinePairLoss, DenseSource, GazeQueue, InfoNCEPairLoss, PairMask

IDS, BATCH, QUEUE_BATCH, SLOTS, DIM = 10_500, 512, 256, 65_536, 128
BASELINE_ROWS = 64  # the loop over 256 x 65,536 takes minutes; its time is linear in rows


def main() -> None:
    """Check, then time."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--no-step", action="store_true", help="leave out the BYOL step")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for kind, cache in caches(Path(folder)).items():
            time_masks(kind, cache)
    if not wanted.no_step:
        time_steps()


def caches(folder: Path) -> dict[str, AffinityCache]:
    """Return a dense cache, and one that keeps the pairs of at least 0.9, of random heatmap moments."""
    maps = np.random.default_rng(0).random((IDS, 4, 4))
    maps *= np.random.default_rng(1).random((IDS, 1, 1))
    names = [f"image{i:05d}" for i in range(IDS)]
    return {
        "dense": AffinityCache.build(folder / "dense", maps, ids=names, scheme="moments"),
        "CSR": AffinityCache.build(folder / "csr", maps, ids=names, scheme="moments", threshold=0.9),
    }


def loop(affinity: Any, index: dict[str, int], ids_a: list[str], ids_b: list[str], threshold: float) -> Any:
    """Compute the mask as released code does in every step: look up both names, one pair at a time."""
    result = torch.zeros(len(ids_a), len(ids_b))
    for i, first in enumerate(ids_a):
        for j, second in enumerate(ids_b):
            if first == second or affinity[index[first], index[second]] >= threshold:
                result[i, j] = 1
    return result


def time_masks(kind: str, cache: AffinityCache) -> None:
    """Time the mask of a batch and of a queue, with hard and with drawn pairs."""
    rng = np.random.default_rng(2)
    draw = lambda count: [cache.ids[i] for i in rng.integers(0, IDS, count)]  # noqa: E731
    dense = cache.matrix if cache.selection is None else cache.matrix.toarray()
    index = {name: position for position, name in enumerate(cache.ids)}
    begun = time.perf_counter()
    mask = PairMask(cache, threshold=0.95)
    mask(draw(2))
    ready = time.perf_counter() - begun
    share = float(mask(draw(BATCH)).float().mean())
    print(f"{kind} cache of {IDS:,} ids, first mask after {ready:.2f} s, {share:.1%} of pairs positive")
    queue = GazeQueue(SLOTS, DIM)
    queue.enqueue(torch.randn(SLOTS, DIM), draw(SLOTS))
    batches = iter([draw(BATCH) for _ in range(400)])

    ids, queued = draw(BATCH), [cache.ids[i] for i in rng.integers(0, IDS, 2000)]
    assert mask(ids).equal(loop(dense, index, ids, ids, 0.95).bool())
    assert mask(ids[:9], queued).equal(loop(dense, index, ids[:9], queued, 0.95).bool())

    batch = median(lambda: mask(next(batches)), 60)
    slow = median(lambda: loop(dense, index, ids, ids, 0.95), 3)
    report("batch 512 x 512", batch, slow)
    against_queue = median(lambda: mask(next(batches)[:QUEUE_BATCH], queue.ids), 15)
    rows, places = draw(BASELINE_ROWS)[:1], [cache.ids[i] for i in rng.integers(0, IDS, SLOTS)]
    slow = median(lambda: loop(dense, index, rows, places, 0.95), 3) * QUEUE_BATCH
    report("queue 256 x 65,536", against_queue, slow)
    for name, options in {
        "confidence 0.5": {"threshold": 0.95, "confidence": 0.5},
        "top_k 4": {"top_k": 4},
        "affinity": {"threshold": 0.95, "weighting": "affinity"},
    }.items():
        other = PairMask(cache, **options)  # type: ignore[arg-type]
        print(f"  batch 512 x 512, {name}: {median(lambda m=other: m(next(batches)), 30) * 1e3:.2f} ms")


def report(what: str, ours: float, theirs: float) -> None:
    """Print one comparison."""
    print(f"  {what}: {ours * 1e3:.2f} ms; the loop {theirs:.2f} s; {theirs / ours:,.0f} x")


def median(call: Callable[[], Any], rounds: int) -> float:
    """Return the median time of a call in seconds."""
    call(), call()
    return float(np.median([seconds(call) for _ in range(rounds)]))


def seconds(call: Callable[[], Any]) -> float:
    """Return the time of one call."""
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


# --- a BYOL step ----------------------------------------------------------------------------------


class Byol(torch.nn.Module):
    """ResNet-18 for one-channel images, projector and predictor."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = resnet18(num_classes=256)
        self.predictor = torch.nn.Sequential(
            torch.nn.Linear(256, 512), torch.nn.ReLU(), torch.nn.Linear(512, 256)
        )

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return prediction and projection."""
        z = self.backbone(images.expand(-1, 3, -1, -1))
        return self.predictor(z), z


def time_steps(batch: int = 32) -> None:
    """Time whole steps, target network and optimiser included, with W and without."""
    torch.manual_seed(0)
    rng = np.random.default_rng(3)
    matrix = rng.random((IDS, IDS), dtype=np.float32)
    source = DenseSource(np.maximum(matrix, matrix.T), range(IDS))
    mask, criterion = PairMask(source, threshold=0.99), CosinePairLoss()
    online, target = Byol(), Byol()
    optimizer = torch.optim.SGD(online.parameters(), 1e-3)
    views = torch.rand(2, batch, 1, 32, 32)

    def step(weights: torch.Tensor | None) -> None:
        (p0, _), (p1, _) = online(views[0]), online(views[1])
        with torch.no_grad():
            (_, z0), (_, z1) = target(views[0]), target(views[1])
            for slow, fast in zip(target.parameters(), online.parameters(), strict=True):
                slow.lerp_(fast, 0.01)
        loss = (criterion(p0, z1, weights) + criterion(p1, z0, weights)) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    plain = lambda: step(None)  # noqa: E731
    gaze = lambda: step(mask(rng.integers(0, IDS, batch)))  # noqa: E731
    plain(), gaze(), gaze()
    pairs = []
    for turn in range(15):  # in turns, and who goes first changes
        both = {call: seconds(call) for call in ((plain, gaze) if turn % 2 else (gaze, plain))}
        pairs.append((both[plain], both[gaze]))
    times = np.array(pairs)
    ratio = np.median(times[:, 1] / times[:, 0])
    told = f"plain {np.median(times[:, 0]) * 1e3:.0f} ms, with gaze {np.median(times[:, 1]) * 1e3:.0f} ms"
    print(f"BYOL step, ResNet-18, batch {batch} of 32 x 32: {told}; {ratio:.3f} x")
    time_parts(criterion, mask, rng)


def time_parts(criterion: CosinePairLoss, mask: PairMask, rng: np.random.Generator) -> None:
    """Time what gaze adds to a step, alone: the mask, and the losses with W less those without."""
    for batch in (64, 512):
        p, z, k = (torch.randn(batch, 256, requires_grad=True) for _ in range(3))
        ids = rng.integers(0, IDS, batch)
        weights = mask(ids)
        added = median(lambda i=ids: mask(i), 50)
        with_w, without = (
            median(lambda a=p, b=z, w=w: criterion(a, b, w).backward(), 50) for w in (weights, None)
        )
        told = f"loss and gradient {with_w * 1e3:.2f} ms, without W {without * 1e3:.2f} ms"
        print(f"  batch {batch}: mask {added * 1e3:.2f} ms, {told}")
    queue = torch.randn(4096, 256)
    chosen = torch.rand(512, 4096) > 0.99
    moco = InfoNCEPairLoss()
    with_w, without = (
        median(lambda w=w: moco(p, k, queue=queue, weights=w).backward(), 15) for w in (chosen, None)
    )
    print(f"  InfoNCE, 512 x 4,096: {with_w * 1e3:.1f} ms with W, {without * 1e3:.1f} ms without")


if __name__ == "__main__":
    main()
