"""MoCo's options: older keys of the same image, sources of positives, sum inside or outside of the log."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

pytest.importorskip("gazesim.train")

import torch
from torch import nn
from torch.nn import functional as F

from gazesim.torch import DenseSource, PairMask
from gazesim.train import Contrastive, HeadSettings, MoCoSettings
from train.loops import fit, loader, make_study, plain_net, small

DIM, SLOTS = 5, 7
#: The images of the batch, of the queue, and their affinities: 0 and 1 are alike, so are 2 and 5.
BATCH, QUEUED = [0, 1, 2], [0, 1, 1, 5, 6, 2, 4]
ALIKE = {(0, 1), (2, 5)}


@pytest.fixture(scope="module")
def study():
    return make_study()


def mask():
    matrix = np.eye(8, dtype=np.float32)
    for i, j in ALIKE:
        matrix[i, j] = matrix[j, i] = 1
    return PairMask(DenseSource(matrix, range(8)), threshold=0.5)


def bare(pairs, settings):
    """MoCo whose embeddings are its images, with a filled queue."""
    net = nn.Flatten()
    net.dim = DIM
    model = Contrastive(
        "moco",
        net,
        pairs=pairs,
        heads=HeadSettings(4, DIM),
        queue_size=SLOTS,
        temperature=0.5,
        moco=settings,
    ).double()
    model.framework.projector = nn.Identity()
    model.framework.target = nn.Sequential(nn.Flatten(), nn.Identity())
    generator = torch.Generator().manual_seed(3)
    keys = torch.randn(SLOTS, DIM, generator=generator, dtype=torch.float64)
    model.framework.queue.keys.copy_(F.normalize(keys, dim=1))
    model.framework.queue.ids.copy_(torch.tensor(QUEUED))
    return model


def views():
    generator = torch.Generator().manual_seed(4)
    return torch.randn(2, len(BATCH), DIM, 1, 1, generator=generator, dtype=torch.float64)


def by_hand(model, paired, own_keys, positive_keys, positives, reduction):
    """The loss from its definition: lists of (label, logit) for each image, in float64."""
    q, k = (F.normalize(part.flatten(1), dim=1) for part in views())
    queue = model.framework.queue.keys
    alike = lambda a, b: paired and ((a, b) in ALIKE or (b, a) in ALIKE)  # noqa: E731
    rows = []
    for i, image in enumerate(BATCH):
        row = [(1.0, q[i] @ k[i])]
        if positive_keys != "queue":
            row += [
                (float(alike(image, other)), q[i] @ k[j]) for j, other in enumerate(BATCH) if other != image
            ]
        for slot, other in enumerate(QUEUED):
            label = float(alike(image, other)) * (positive_keys != "batch")
            if other == image:
                if own_keys == "mask":
                    continue
                label = float(own_keys == "positive")
            row.append((label, q[i] @ queue[slot]))
        logits = [float(value) / 0.5 for _, value in row]
        whole = sum(map(math.exp, logits))
        labels = [label for label, _ in row]
        shares = [math.exp(value) / whole for value in logits]
        if positives == "inside":
            rows.append([(1.0, -math.log(sum(y * s for y, s in zip(labels, shares, strict=True))))])
        else:
            rows.append([(y, -math.log(s)) for y, s in zip(labels, shares, strict=True)])
    if reduction == "pairs":
        pairs = [pair for row in rows for pair in row]
        return sum(y * value for y, value in pairs) / sum(y for y, _ in pairs)
    return sum(sum(y * v for y, v in row) / sum(y for y, _ in row) for row in rows) / len(rows)


@pytest.mark.parametrize("reduction", ["pairs", "rows"])
@pytest.mark.parametrize("positives", ["outside", "inside"])
@pytest.mark.parametrize("positive_keys", ["queue", "batch", "both"])
@pytest.mark.parametrize("own_keys", ["positive", "negative", "mask"])
def test_every_form_is_what_it_says(own_keys, positive_keys, positives, reduction):
    if (own_keys, positive_keys) == ("positive", "batch"):
        with pytest.raises(ValueError, match=r"own_keys is 'positive' and positive_keys 'batch'.*expected"):
            MoCoSettings(own_keys, positive_keys)
        return
    model = bare(mask(), MoCoSettings(own_keys, positive_keys, positives, reduction))
    loss = model.training_step((*views(), BATCH))["loss"]
    expected = by_hand(model, True, own_keys, positive_keys, positives, reduction)
    assert float(loss) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("own_keys", ["positive", "negative", "mask"])
def test_without_gaze_there_are_own_keys_as_well(own_keys):
    model = bare(None, MoCoSettings(own_keys))
    loss = model.training_step((*views(), BATCH))["loss"]
    assert float(loss) == pytest.approx(
        by_hand(model, False, own_keys, "queue", "outside", "pairs"), abs=1e-12
    )


@pytest.mark.parametrize(
    ("short", "long"),
    [
        (None, MoCoSettings("mask", "batch")),  # positives are fresh by default
        (MoCoSettings.mcgip(), MoCoSettings("positive", "queue")),
        (MoCoSettings(positive_keys="queue"), MoCoSettings.mcgip()),
        (MoCoSettings(positive_keys="both"), MoCoSettings("positive", "both")),
        (MoCoSettings("negative"), MoCoSettings("negative", "batch")),
        (MoCoSettings("positive"), MoCoSettings.mcgip()),
    ],
)
def test_short_forms_with_gaze(short, long):
    one, other = bare(mask(), short), bare(mask(), long)
    step = (*views(), BATCH)
    assert float(one.training_step(step)["loss"]) == float(other.training_step(step)["loss"])


def test_without_gaze_it_is_moco():
    """Which does not know the images: old keys of an image are negatives like any other."""
    one, other = bare(None, None), bare(None, MoCoSettings("negative", "queue"))
    step = (*views(), BATCH)
    assert float(one.training_step(step)["loss"]) == float(other.training_step(step)["loss"])


@pytest.mark.parametrize("positive_keys", ["queue", "batch", "both"])
def test_every_form_trains(study, positive_keys):
    pairs = PairMask(study.source, top_k=2)
    settings = MoCoSettings("mask", positive_keys, "inside", "rows")
    done = fit(small("moco", backbone=plain_net(), pairs=pairs, moco=settings), study, max_epochs=2)
    assert np.isfinite(float(done.callback_metrics["loss_epoch"]))
    assert float(done.callback_metrics["positives_per_row"]) > 1.5


def test_soft_targets_train(study):
    pairs = PairMask(study.source, weighting="softmax", temperature=0.05)
    for framework in ("moco", "simclr", "byol"):
        done = fit(small(framework, backbone=plain_net(), pairs=pairs), study, max_epochs=1)
        assert np.isfinite(float(done.callback_metrics["loss_epoch"]))


def test_keys_that_wait_are_bounded(study):
    """Without after_step, which puts them into the queue, and without gradients, where nothing waits."""
    framework = small("moco", backbone=plain_net(), queue_size=32).framework
    batch = next(iter(loader(study, 16)))
    positives = Contrastive("moco", plain_net(), queue_size=32).positives
    with torch.no_grad():
        framework.step(*batch, positives)
    assert not framework._waiting
    for _ in range(4):
        framework.step(*batch, positives)
    with pytest.warns(UserWarning, match=r"keys of 4 batches wait for after_step\(\).*queue of 32"):
        framework.step(*batch, positives)
    for _ in range(5):
        framework.step(*batch, positives)
    assert len(framework._waiting) == 4
    with pytest.warns(UserWarning, match="32 places for 16 different images"):
        framework.after_step(0.99)
    assert not framework._waiting


def test_a_queue_longer_than_the_data_set_is_told_of(study):
    for own, fate in ((None, "are its negatives"), ("mask", "are left out")):
        model = small("moco", backbone=plain_net(), queue_size=100, moco=MoCoSettings(own))
        with pytest.warns(UserWarning, match=rf"100 places for 64 different images, .* 2 old keys .*{fate}"):
            fit(model, study, max_epochs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(small("moco", backbone=plain_net(), queue_size=64), study, max_epochs=1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MoCoSettings("masked"), r"own_keys is 'masked'; expected .*did you mean \"mask\""),
        (lambda: MoCoSettings(positive_keys="all"), "positive_keys is 'all'; expected \"queue\""),
        (lambda: MoCoSettings(positives="in"), "positives is 'in'"),
        (lambda: MoCoSettings(reduction="mean"), "reduction is 'mean'"),
        (lambda: Contrastive("byol", moco=MoCoSettings()), "moco is MoCoSettings.*byol has no use for"),
        (lambda: Contrastive("moco", moco=MoCoSettings(positive_keys="batch")), "'batch' without pairs"),
    ],
)
def test_mistakes_are_named_in_words(make, message):
    with pytest.raises(ValueError, match=message):
        make()
