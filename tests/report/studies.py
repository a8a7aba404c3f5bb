"""Caches of three kinds and their reports, for the tests of reports; names try to be markup."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import gazesim
from gazesim import AffinityCache
from gazesim.cache.inspection import Inspection, inspect_cache
from gazesim.phantom import phantom
from gazesim.report import write_inspection
from gazesim.report.inspection import epoch_order

#: A name that would run if it were markup.
EVIL = "<script>window.hurt = 1</script><img src=x onerror='window.hurt = 1'>&amp;\u2028"
KINDS = ("dense", "csr", "readers")


@dataclass(frozen=True)
class Study:
    """A cache, what was found in it, and its report."""

    cache: AffinityCache
    found: Inspection
    report: Path


def study(kind: str, folder: Path, *, count: int = 60, batch_size: int = 16) -> Study:
    """Return a report of a dense cache, of one that keeps neighbours, or of images of three readers."""
    readers = 3 if kind == "readers" else 1
    made = phantom(count, seed=5, readers=readers)
    images = [EVIL if at == 3 else f"img{at:03}" for at in range(count)]
    ids = (
        images if readers == 1 else [(image, f"reader {at} <b>") for image in images for at in range(readers)]
    )
    paths = gazesim.Scanpaths(made.scanpaths.values, made.scanpaths.offsets, ids=ids, screen_size=(64, 64))
    options = {"dense": {}, "csr": {"top_k": 9}, "readers": {"reduce": "mean"}}[kind]
    broken = [np.ones((1, 3)) if at in (7, 8) else path for at, path in enumerate(paths)]
    paths = gazesim.Scanpaths.from_list(broken, ids=ids, screen_size=(64, 64))
    cache = AffinityCache.build(folder / kind, paths, errors="ignore", **options)
    labels = {
        image: f"<i>{made.class_names[label]}" for image, label in zip(images, made.labels, strict=True)
    }
    del labels[images[5]]
    found = inspect_cache(cache, batch_size=batch_size, labels=labels)
    report = folder / f"{kind}.html"
    gazes = dict(zip(images, broken[::readers], strict=True))
    pictures = dict(zip(images, made.images, strict=True))
    write_inspection(found, report, gazes=gazes, screen_size=(64, 64), images=pictures.get)
    return Study(cache, found, report)


def data_of(report: Path) -> dict:
    """Return the data that a report holds."""
    return json.loads(re.search(r'id="data">(.*?)</script>', report.read_text(encoding="utf-8")).group(1))


def totals_of_pair_mask(one: Study, batch_size: int, **rule: float) -> dict:
    """Return what PairMask gives on the batches of the report's epoch, counted pair by pair."""
    from gazesim.torch import PairMask

    mask = PairMask(one.cache, **rule)
    ids = [one.cache.ids[at] for at in one.found.sample]
    order = epoch_order(len(ids)).tolist()
    size = min(batch_size, len(ids))
    labels = one.found.labels
    names = sorted(set(labels.values()))
    sums = {"rows": 0, "positives": 0, "without": 0, "both": 0, "same": 0}
    total = {**sums, "batches": 0, "pairs": 0, "byClass": [dict(sums) for _ in names]}
    valid = dict(zip(one.cache.ids, one.cache.valid.tolist(), strict=True))
    for start in range(0, len(ids) - size + 1, size):
        batch = [ids[at] for at in order[start : start + size]]
        weights = mask(batch).numpy()
        total["batches"] += 1
        for row, name in enumerate(batch):
            if not valid[name]:
                continue
            others = [batch[at] for at in np.flatnonzero(weights[row]) if at != row]
            own = labels.get(name)
            both = [other for other in others if own is not None and other in labels]
            same = [other for other in both if labels[other] == own]
            total["pairs"] += size - 1
            for part in [total] if own is None else [total, total["byClass"][names.index(own)]]:
                part["rows"] += 1
                part["positives"] += len(others)
                part["without"] += not others
                part["both"] += len(both)
                part["same"] += len(same)
    return total
