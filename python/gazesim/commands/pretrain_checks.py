"""Checks of a pre-training before torch is imported: its data, its gaze, and the run that it resumes."""

from __future__ import annotations

import hashlib
import io
import json
import re
import warnings
from collections.abc import Hashable, Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import fields
from pathlib import Path
from typing import Any

from .._errors import choice
from ..schemes import scheme_from
from ..train.data.settings import check_division
from ..train.pretrain.settings import LABELS, PairSettings, check_model
from .configuration import all_options, flat, read_yaml
from .options import UsageError
from .pretrain_options import Configuration, DataOptions, TrainerOptions

__all__ = ["FREE", "check", "content_lines", "differences", "digest_of_file", "noted_digest"]

Change = tuple[str, Any, Any]

#: Options that may change when a training is resumed; changes.csv records from which epoch on.
FREE = {
    "out",
    "resume",
    "data.num_workers",
    "data.memory",
    "trainer.max_epochs",
    "trainer.max_steps",
    "trainer.max_time",
    "trainer.min_epochs",
    "trainer.min_steps",
    "trainer.accelerator",
    "trainer.log_every_n_steps",
    "trainer.callbacks",
    "trainer.logger",
    "trainer.profiler",
    "trainer.default_root_dir",
    "trainer.enable_progress_bar",
    "trainer.enable_checkpointing",
    "trainer.enable_model_summary",
    "trainer.detect_anomaly",
    "trainer.num_sanity_val_steps",
}


def check(found: Configuration) -> None:
    """Raise for a pre-training whose first step would fail, or that would ignore an option."""
    _check_model(found)
    _check_sources(found.data)
    if found.data.batch_size < 2:
        raise UsageError(
            f"data.batch_size is {found.data.batch_size}; expected at least 2: an image is compared with "
            "the others of its batch"
        )
    if found.data.phantom is not None:
        _check_count(found.data, found.data.phantom.n_train)
    elif found.data.manifest is not None:
        _check_manifest(found, found.data.manifest)


def _check_model(found: Configuration) -> None:
    model = found.model
    try:
        check_model(
            model.framework,
            model.backbone,
            dim=model.dim,
            heads=model.heads,
            temperature=model.temperature,
            queue_size=model.queue_size,
            momentum=model.momentum,
            momentum_end=model.momentum_end,
            moco=model.moco,
            has_pairs=model.pairs is not None,
            gaze_target=model.gaze_target,
            gaze_pool=model.gaze_pool,
        )
        if isinstance(model.backbone, str):
            choice("backbone", model.backbone, BACKBONES)
        if model.weights not in (None, "imagenet") and not Path(str(model.weights)).is_file():
            raise ValueError(f"weights is {model.weights!r}, which is no file; expected imagenet or a file")
        if model.pairs is not None and model.pairs.cache is None and model.pairs.scheme != LABELS:
            scheme_from(_scheme(model.pairs), model.pairs.params)
    except (ValueError, TypeError) as error:
        raise UsageError(f"model: {error}") from error


def _scheme(pairs: PairSettings) -> str:
    """Return the scheme of pairs without a cache."""
    return pairs.scheme or "moments"


#: The names that ``gazesim.train.make_backbone`` knows. A test compares.
BACKBONES = (
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "resnext50_32x4d",
    "resnext101_32x8d",
    "resnext101_64x4d",
    "wide_resnet50_2",
    "wide_resnet101_2",
    "resnet10-narrow",
)


def _check_sources(data: DataOptions) -> None:
    given = [name for name in ("manifest", "preset", "phantom") if getattr(data, name) is not None]
    if len(given) != 1:
        raise UsageError(f"{given or 'nothing'} is given; expected one of manifest, preset or phantom")
    if (data.preset is None) != (data.folder is None):
        raise UsageError("data.preset and data.folder go together; expected both or neither")
    try:
        check_division(data.preset, data.phantom, data.images, data.fractions, data.folds, data.fold)
    except ValueError as error:
        raise UsageError(f"data: {error}") from error


def _check_count(data: DataOptions, count: int) -> None:
    if not count:
        raise UsageError('no image has the split "train"; expected some to train on')
    if count < data.batch_size:
        raise UsageError(
            f"data.batch_size is {data.batch_size}, and there are {count} training images; expected at "
            "least one whole batch"
        )


def _check_manifest(found: Configuration, path: str) -> None:
    from ..train.data.folds import with_fold
    from ..train.data.manifest import Manifest

    with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")  # the training reads it again, and tells what there is to tell
        manifest = Manifest.read(path)
        if found.data.folds is not None and found.data.fold is not None:
            seed = found.data.split_seed
            manifest = with_fold(manifest, found.data.fold, folds=found.data.folds, seed=seed)
    train = [entry for entry in manifest.entries if entry.split == "train"]
    if not train:
        splits = sorted({entry.split or "(empty)" for entry in manifest.entries})
        raise UsageError(
            f'{path}: none of {len(manifest)} images has the split "train", only {", ".join(splits)}; '
            "expected some to train on"
        )
    _check_count(found.data, len(train))
    has_target = found.model.gaze_target is not None or found.model.framework == "gaze"
    asks = "model.gaze_target needs gaze to predict" if has_target else "model.gaze_pool needs gaze maps"
    has_gaze = any(entry.gaze is not None or entry.heatmap is not None for entry in train)
    if (has_target or found.model.gaze_pool) and not has_gaze:
        raise UsageError(
            f"{asks}, and none of {len(train)} training images in {path} has any; expected column gaze or "
            "heatmap"
        )
    pairs = found.model.pairs
    if pairs is None:
        return
    if pairs.cache is not None:
        _check_cache(pairs, [entry.id for entry in train])
        return
    if pairs.scheme == LABELS:
        if not any(entry.label for entry in train):
            raise UsageError(
                f"model.pairs.scheme is 'labels', and none of {len(train)} training images in {path} has "
                "one; expected column label"
            )
        _check_unknown(pairs, [entry.id for entry in train if not entry.label], len(train), "label")
        return
    takes = scheme_from(_scheme(pairs), pairs.params).takes
    has = [entry.gaze is not None or (takes == "heatmaps" and entry.heatmap is not None) for entry in train]
    if not any(has):
        maps = sum(entry.heatmap is not None for entry in train)
        but = f" ({maps} have gaze maps)" if maps else ""
        raise UsageError(
            f"model.pairs.scheme is {_scheme(pairs)!r}, which compares {takes}, and none of {len(train)} "
            f"training images in {path} has any{but}; expected column gaze"
            + (", or the scheme moments or dhash" if maps else "")
        )
    _check_unknown(
        pairs, [entry.id for entry, has_gaze in zip(train, has, strict=True) if not has_gaze], len(train)
    )


def _check_cache(pairs: PairSettings, train: Sequence[Hashable]) -> None:
    from ..cache import AffinityCache

    known = set(AffinityCache.open(str(pairs.cache)).ids)
    unknown = [name for name in train if name not in known]
    readings = [name for name in known if isinstance(name, tuple)]
    if len(unknown) == len(train) and readings:
        raise UsageError(
            f"{pairs.cache} holds affinities of (image, reader), such as {min(readings, key=str)!r}, and "
            f"training looks for images, such as {train[0]!r}; expected a cache built with --reduce mean or "
            "--reduce max"
        )
    if len(unknown) == len(train):
        raise UsageError(
            f"all {len(train)} training images have no entry in {pairs.cache}, such as {train[0]!r}; its ids "
            f"are such as {min(known, key=str)!r}"
        )
    _check_unknown(pairs, unknown, len(train))


def _check_unknown(
    pairs: PairSettings, unknown: Sequence[Hashable], total: int, what: str = "gaze to look up"
) -> None:
    if pairs.unknown == "raise" and unknown:
        some = ", ".join(map(str, unknown[:3])) + (", ..." if len(unknown) > 3 else "")
        raise UsageError(
            f"model.pairs.unknown is 'raise', and {len(unknown)} of {total} training images ({some}) have no "
            f"{what}; expected {what.split()[0]} for them, or 'self'"
        )


def differences(before: Path, now: Mapping[str, Any]) -> list[Change]:
    """Return the options whose values differ from the config.yaml of a run, with both values."""
    text = before.read_text(encoding="utf-8")
    old, new = dict(flat(read_yaml(text, str(before)))), dict(flat(now))
    trainer = {f"trainer.{one.name}": one.default for one in fields(TrainerOptions)}
    # A run of an earlier version lacks the options that came later. A group that is null, such as
    # model.heads, stands for no values.
    sections = {name.rpartition(".")[0] for name in old}
    later = {one.name: one.default for one in all_options() if one.name.rpartition(".")[0] in sections}
    before_it = {**later, **trainer}
    found = [
        (name, old.get(name, before_it.get(name)), new.get(name, trainer.get(name)))
        for name in dict.fromkeys([*new, *old])
        if name not in ("out", "resume")
    ]
    changed = [change for change in found if not _equal(change[1], change[2])]
    for name, digest in _digests(new).items():
        noted = noted_digest(text, name)
        if noted is None:
            continue
        # Another name of the same content is no change.
        changed = [change for change in changed if change[0] != name or digest != noted]
        if digest != noted and all(change[0] != name for change in changed):
            changed.append((f"the content of {name}", noted[:12], digest[:12]))
    return changed


def _equal(one: Any, other: Any) -> bool:
    one, other = (list(value) if isinstance(value, tuple) else value for value in (one, other))
    return bool(one == other) or (one in (None, False, {}, []) and other in (None, False, {}, []))


def content_lines(plain: Mapping[str, Any]) -> str:
    """Return the comments of config.yaml that tell a manifest and a cache by their content."""
    return "".join(f"{_note(name)}{digest}\n" for name, digest in _digests(dict(flat(plain))).items())


def noted_digest(text: str, name: str) -> str | None:
    """Return the hash that the text of a config.yaml notes for an option; None if it notes none."""
    found = re.search(f"^{re.escape(_note(name))}([0-9a-f]+)$", text, re.MULTILINE)
    return None if found is None else found[1]


def _note(name: str) -> str:
    return f"# {name} has SHA-256 "


def digest_of_file(path: str | Path) -> str:
    """Return the SHA-256 of a file, as config.yaml notes it for a manifest."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _digests(options: Mapping[str, Any]) -> dict[str, str]:
    """Return a hash of the content of the manifest and of the cache, by option."""
    found = {}
    if (manifest := options.get("data.manifest")) is not None:
        found["data.manifest"] = digest_of_file(manifest)
    if (cache := options.get("model.pairs.cache")) is not None:
        found["model.pairs.cache"] = _digest_of_cache(Path(str(cache)))
    return found


def _digest_of_cache(folder: Path) -> str:
    """Return a hash of the affinities of a cache, whichever release and features it was made with."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    files = {
        name: one["sha256"] for name, one in manifest["files"].items() if not name.startswith("features")
    }
    parts = [manifest.get(name) for name in ("scheme", "selection", "reduce", "ids")]
    return hashlib.sha256(json.dumps([*parts, files], sort_keys=True).encode()).hexdigest()
