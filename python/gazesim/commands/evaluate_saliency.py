"""``gazesim evaluate --saliency``: how well the gaze heads of checkpoints predict gaze on held-out images."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .evaluate_checkpoints import Named

if TYPE_CHECKING:
    from ..train.data.samples import Samples

__all__ = ["evaluate_saliency"]

FILE, PICTURE = "saliency.csv", "gaze_maps.png"


def evaluate_saliency(
    named: Named, networks: dict[str, list[Any]], samples: Samples, out: str, drawn: int
) -> list[str]:
    """Score the gaze heads on the test split (else val, else all images); return the names of written files.

    ``networks`` holds the backbones of the files in ``named``. ``drawn`` images go into a picture.
    """
    from ..saliency import mean_scores
    from ..train.evaluation.gaze_maps import gaze_map_scores, load_gaze_net, plot_gaze_maps, with_gaze
    from ..train.evaluation.segmentation import masks_of

    split = next((one for one in ("test", "val") if one in samples.splits), None)
    chosen = [i for i, one in enumerate(samples.splits) if split is None or one == split]
    held = samples.take(chosen)
    place = "all images, those of pre-training included" if split is None else f"the {len(held)} of {split}"
    gazed = with_gaze(held)
    has_map = set(gazed)
    if empty := [held.ids[i] for i in range(len(held)) if held.has_gaze(i) and i not in has_map]:
        some = ", ".join(map(str, empty[:3])) + (", ..." if len(empty) > 3 else "")
        print(f"{len(empty)} images whose gaze lies beside them or is empty are left out: {some}")
    nets: dict[str, Any] = {}
    rows: list[list[Any]] = []
    for name, files in named.items():
        for file, net in zip(files, networks[name], strict=True):
            found = load_gaze_net(file, net)
            if found is None:
                print(f"{file} has no gaze head with maps, so that --saliency leaves it out", file=sys.stderr)
                continue
            nets.setdefault(name, found)
            scores = mean_scores(gaze_map_scores(found, held))
            rows += [[name, file, metric, f"{one.mean:.6f}", one.images] for metric, one in scores.items()]
    if not nets:
        raise ValueError(
            "saliency is on, and no checkpoint has a gaze head with maps; expected one that was trained with "
            "model.gaze_target or the framework gaze"
        )
    Path(out).mkdir(parents=True, exist_ok=True)
    with (Path(out) / FILE).open("w", newline="", encoding="utf-8") as table:
        lines = csv.writer(table, lineterminator="\n")
        lines.writerows([["method", "file", "metric", "mean", "images"], *rows])
    print(f"gaze heads against gaze, {place}:")
    for name, _, metric, value, count in rows:
        print(f"  {name:20} {metric:9} {float(value):8.3f}  ({count} images)")
    written = [FILE]
    if drawn > 0:
        masks = masks_of(held)
        plot_gaze_maps(nets, held, gazed[:drawn], Path(out) / PICTURE, masks=masks)
        written.append(PICTURE)
    return written
