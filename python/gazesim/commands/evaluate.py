"""``gazesim evaluate``: checkpoints and labelled images in, tables of scores and affinity maps out.

Words, files and configurations are checked before torch is imported.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._errors import choice
from ..report import write_evaluation
from ..report.page import check_report
from ..train.evaluation.settings import (
    FineTuneSettings,
    GradientProbeSettings,
    KnnSettings,
    ProbeSettings,
    SegmentationSettings,
)
from . import say_next
from .evaluate_checkpoints import (
    Named,
    PreTrained,
    backbone_of,
    checkpoint_file,
    listed,
    named_checkpoints,
    seeds_of,
    trained_on,
)
from .evaluate_data import check_splits, data_file, data_of, tell_images
from .evaluate_overlap import tell_overlap
from .evaluate_saliency import evaluate_saliency
from .options import UsageError, options_of, words_of

if TYPE_CHECKING:
    from ..train.data.samples import Samples
    from ..train.evaluation.protocols import Method

PROTOCOLS = ("probe", "gradient_probe", "finetune", "knn", "multi_label", "segmentation", "patch", "affinity")
BASELINES, DEVICES = ("scratch", "imagenet"), ("auto", "cpu", "cuda")
PROBE, FINE_TUNE = ProbeSettings(), FineTuneSettings()
KNN, SEGMENTATION, GRADIENT_PROBE = KnnSettings(), SegmentationSettings(), GradientProbeSettings()

#: What the help shows: the usual options, and a command.
COMMON = (
    "data",
    "preset",
    "folder",
    "size",
    "protocols",
    "fractions",
    "folds",
    "seeds",
    "baselines",
    "maps",
    "device",
    "out",
    "html",
)
EXAMPLE = "evaluate gaze=runs/gaze plain=runs/plain --data manifest.csv --baselines scratch --out results"


def run(
    checkpoints: list[str],
    data: str | None = None,
    preset: str | None = None,
    folder: str | None = None,
    size: int | None = None,
    bits: int | None = None,
    protocols: str | list[str] = "probe,finetune",
    fractions: str | list[float] = "0.01,0.05,0.1,0.2,1",
    folds: int | None = None,
    seeds: str | list[int] | None = None,
    baselines: str | list[str] = "",
    backbone: str | None = None,
    probe: ProbeSettings = PROBE,
    gradient_probe: GradientProbeSettings = GRADIENT_PROBE,
    finetune: FineTuneSettings = FINE_TUNE,
    knn: KnnSettings = KNN,
    segmentation: SegmentationSettings = SEGMENTATION,
    findings: str | list[str] = "",
    positive: str | None = None,
    ordinal: bool = False,
    maps: int = 3,
    map_layer: str | None = None,
    map_points: int = 1,
    map_unseen: bool = False,
    saliency: bool = False,
    saliency_maps: int = 0,
    prefix: str | None = None,
    device: str = "auto",
    out: str = "results",
    html: str | None = None,
) -> None:
    """Compare pre-trained networks by probes and fine-tuning, at several shares of the labels.

    Which protocol: probe (linear, the exact optimum) is the usual measure of frozen features, gradient_probe
    the same trained by Adam for a few epochs, as papers do it; finetune for a network that will be
    fine-tuned; knn for a quick look, without fitting; multi_label if an image may have several findings;
    patch if parts of images have classes (column box); segmentation if there are masks (column mask);
    affinity for how well similarity to one point in a mask finds the mask.

    Writes results.csv (a row per score), results.md (mean ± standard deviation, also printed) and
    affinity_maps.png. Called again after an interruption, or with more checkpoints, fractions or seeds, it
    computes only what is missing.

    Args:
        checkpoints: Files or folders that ``gazesim pretrain`` wrote, or NAME=FILE to name them.
            Several files of one NAME are runs of one method that differ in their seeds: the first
            is used with the first of ``seeds``, and so on; their scores share a row of the table.
        data: A manifest .csv, or a config of ``gazesim pretrain`` (a .yaml, or a name such as demo),
            whose images are taken. Default: those of the first checkpoint's config. Gaze of a manifest is
            read with the options (data.gaze, data.sigma_share) of the first checkpoint's config.
        preset: Instead: the name of a public data set.
        folder: Where the public data set was unpacked.
        size: Images are resized to this many pixels square; default: as the first checkpoint was
            pre-trained, 224 without one.
        bits: How many of 16 bits the pixels of PNG, TIFF and .npy images use; default: as the first
            checkpoint was pre-trained, 16 without one.
        protocols: Some of probe, gradient_probe, finetune, knn, multi_label, segmentation, patch and
            affinity, with commas.
        fractions: Shares of the training labels, or whole numbers of them, evenly over the classes.
        folds: Stratified folds over all labelled images; default: the splits train, val and test.
            With folds, images that are tested on may be some that a checkpoint was pre-trained on,
            pixels and gaze though not labels.
        seeds: Each decides folds, shares of labels, initial weights and order. Default: 0; if a name has k
            files, 0 to k - 1.
        baselines: scratch, imagenet, or both: networks without pre-training on these images.
        backbone: The network of the baselines, and of checkpoints of other tools, by name (resnet18, ...);
            default: that of the first checkpoint.
        probe: Settings of the linear probe.
        gradient_probe: Settings of the linear probe by gradient.
        finetune: Settings of fine-tuning.
        knn: Settings of nearest neighbours.
        segmentation: Settings of the segmentation probe.
        findings: For multi_label: columns of the manifest that hold 1, 0 or nothing (not known), with commas.
        positive: The class of M-AUC; default "malignant" where there is one.
        ordinal: Whether labels are grades such as 0 to 4; adds MAE.
        maps: How many images to draw affinity maps of; 0 draws none.
        map_layer: The layer whose affinity maps are drawn, and whose maps segmentation and affinity read;
            default the last with more than one place.
        map_points: How many points of each image to draw them of: the places that were looked at most.
        map_unseen: Whether to draw them also of the place that is farthest from all gaze.
        saliency: Also score the gaze heads of checkpoints (CC, KL, SIM, NSS, AUC) on the test split, into
            saliency.csv.
        saliency_maps: With saliency: how many images to draw into gaze_maps.png, with gaze, mask and the
            heads' maps. Off by default, because the picture shows the images.
        prefix: For a checkpoint of other tools: the prefix of the names of the backbone's weights, such as
            backbone. or module.encoder_q.; needs --backbone. Default: the usual ones are tried.
        device: cpu, cuda, or auto for a GPU where there is one.
        out: The folder for results; a run with other settings needs another one.
        html: Also write a report, one .html file: tables, curves by share of labels, and affinity maps.
    """
    given = dict(locals())
    if html is not None:
        check_report(html)  # fails before the work
    named = named_checkpoints(checkpoints)
    each = seeds_of(seeds, named)
    columns = listed("findings", findings, str)
    chosen = listed("baselines", baselines, str)
    grid: dict[str, Any] = {
        "seeds": each,
        "protocols": listed("protocols", protocols, str),
        "fractions": listed("fractions", fractions, float),
    }
    _check_words(chosen, grid["protocols"], device)
    if saliency_maps and not saliency:
        raise UsageError(f"saliency_maps is {saliency_maps} without saliency; expected both")
    if ("multi_label" in grid["protocols"]) != bool(columns):
        raise UsageError(
            "multi_label and findings go together; expected --protocols multi_label with --findings, the "
            "columns of the manifest that hold 1 or 0"
        )
    _check_files(named, data, preset, chosen)
    trained = {path: trained_on(path) for paths in named.values() for path in paths}
    methods, channels = _methods(named, each, chosen, backbone, prefix, device, trained)
    source = data_of(data, preset, folder, size, channels, named, bits)
    tell_images(source, size, channels, trained)
    if folds is None:
        check_splits(source, named)
    from ..train.evaluation.affinity_maps import affinity_map
    from ..train.evaluation.figures import gaze_points, plot_affinity_maps, unseen_point
    from ..train.evaluation.protocols import cross_validate, network_of
    from ..train.evaluation.results import results_table

    samples = source.samples()
    tell_overlap(source, samples, named, folds)
    nets = {name: network_of(one, each[0]) for name, one in methods.items()}
    if maps > 0:  # checked before the work starts, not after it
        for net in nets.values():
            affinity_map(net, samples.image(0), (0, 0), layer=map_layer)
    rows = cross_validate(
        methods,
        samples,
        **grid,
        folds=folds,
        probe=probe,
        gradient_probe=gradient_probe,
        finetune=finetune,
        knn=knn,
        segmentation=segmentation,
        findings=columns,
        layer=map_layer,
        positive=positive,
        ordinal=ordinal,
        out=out,
    )
    written = ["results.csv", "results.md"]
    if maps > 0:
        picture = Path(out) / "affinity_maps.png"
        shown = _shown(samples, maps)
        plot_affinity_maps(
            nets,
            samples,
            shown,
            picture,
            points_xy=[gaze_points(samples, i, map_points) for i in shown],
            negatives_xy=[_far(unseen_point(samples, i) if map_unseen else None) for i in shown],
            layer=map_layer,
        )
        written.append(picture.name)
    print(results_table(rows), end="")
    if saliency:
        nets_of = {name: _networks(methods[name]) for name in named}
        written += evaluate_saliency(named, nets_of, samples, out, saliency_maps)
    print(f"wrote {', '.join(written)} to {out}", file=sys.stderr)
    if html is not None:
        write_evaluation(rows, html, maps=Path(out) / "affinity_maps.png" if maps > 0 else None)
        print(f"wrote {html}: open it in a browser", file=sys.stderr)
    if named and not chosen:
        say_next("evaluate", *checkpoints, *words_of(options_of(run), given | {"baselines": "scratch"}))
    elif named:
        # "-narrow" is of this package; other libraries know only the whole network of it.
        to = "onnx" if (backbone or backbone_of(named) or "").endswith("-narrow") else "timm"
        say_next("export-backbone", next(iter(named.values()))[0], "--to", to)
    else:
        say_next("pretrain", "--config", "byol_mcgip", "--data.manifest", data or "MANIFEST.csv")


def _methods(
    named: Named,
    seeds: list[int],
    baselines: list[str],
    backbone: str | None,
    prefix: str | None,
    device: str,
    trained: dict[str, PreTrained],
) -> tuple[dict[str, Method], int]:
    """Return the methods to compare by name, and the number of channels that they expect."""
    from ..train.evaluation.baselines import Baseline
    from ..train.evaluation.networks import chosen_device, input_channels
    from ..train.pretrain.checkpoints import load_backbone, read_checkpoint, with_normalisation

    where = chosen_device(device)

    def load(path: str) -> Any:
        net = load_backbone(path, backbone if _is_foreign(path) else None, prefix=prefix)
        return with_normalisation(net, trained[path].mean, trained[path].std).to(where)

    def _is_foreign(path: str) -> bool:
        return backbone is not None and "gazesim" not in read_checkpoint(checkpoint_file(path))

    loaded = {name: [load(path) for path in paths] for name, paths in named.items()}
    found = [(name, input_channels(net)) for name, nets in loaded.items() for net in nets]
    if len({channels for _, channels in found}) > 1:
        listed = ", ".join(f"{name} {channels}" for name, channels in found)
        raise ValueError(f"the networks expect different numbers of channels: {listed}; expected one number")
    channels = found[0][1] if found else 3
    methods: dict[str, Method] = {
        name: nets[0] if len(nets) == 1 else dict(zip(seeds, nets, strict=True))
        for name, nets in loaded.items()
    }
    name = backbone or backbone_of(named) or "resnet18"
    for kind in baselines:
        methods[kind] = Baseline(kind, name, channels, str(where))
    return methods, channels


def _networks(method: Any) -> list[Any]:
    """Return the networks of a method, file by file."""
    return list(method.values()) if isinstance(method, dict) else [method]


def _check_words(baselines: Sequence[str], protocols: Sequence[str], device: str) -> None:
    for one in baselines:
        choice("baselines", one, BASELINES)
    for one in protocols:
        choice("protocols", one, PROTOCOLS)
    choice("device", device, DEVICES)


def _check_files(named: Named, data: str | None, preset: str | None, baselines: Sequence[str]) -> None:
    """Raise for missing files before any work starts."""
    if not named and not baselines:
        raise UsageError("no checkpoint is given; expected some, or --baselines scratch")
    for path in (one for paths in named.values() for one in paths):
        file = checkpoint_file(path)
        if not file.is_file():
            raise FileNotFoundError(f"{file} does not exist; expected a checkpoint of gazesim pretrain")
    for kind in baselines:
        if kind in named:
            raise UsageError(
                f"{named[kind][0]} is named like the baseline {kind!r}; expected NAME=FILE for it"
            )
    if preset is not None and data is not None:
        raise UsageError(f"preset and data ({data!r}) are both given; expected one of them")
    if data is not None and not data.endswith(".csv"):
        data_file(data)
    if data is not None and data.endswith(".csv") and not Path(data).is_file():
        raise FileNotFoundError(f"data is {data!r}, which does not exist; expected a manifest .csv")


def _far(point: tuple[float, float] | None) -> list[tuple[float, float]]:
    return [] if point is None else [point]


def _shown(samples: Samples, count: int) -> list[int]:
    """Return positions of ``count`` images of the test split, or of all, taken from the classes in turn."""
    pool = [i for i, split in enumerate(samples.splits) if split == "test"] or list(range(len(samples)))
    seen: dict[int, int] = {}
    order = []
    for i in pool:
        label = samples.labels[i]
        seen[label] = seen.get(label, 0) + 1
        order.append((seen[label], label))
    ranked = sorted(range(len(pool)), key=lambda position: order[position])
    return [pool[position] for position in ranked[:count]]
