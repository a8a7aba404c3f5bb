"""The four frameworks in one module, with gaze and without."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

pytest.importorskip("gazesim.train")

import lightning
import torch
from torch import nn
from torch.nn import functional as F

from gazesim.torch import DenseSource, PairMask
from gazesim.train import (
    Contrastive,
    GazeData,
    HeadSettings,
    MoCoSettings,
    OptimizerSettings,
    PairSettings,
    PhantomSettings,
    Ramp,
)
from gazesim.train.pretrain.optimisers import momentum_at
from train.loops import (
    FRAMEWORKS,
    check_resumed_equals_whole,
    fit,
    loader,
    make_study,
    plain_net,
    small,
    without_norms,
)


@pytest.fixture(scope="module")
def study():
    """64 images of the phantom with the affinities of their gaze."""
    return make_study()


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_framework_trains(framework, paired, study):
    pairs = PairMask(study.source, quantile=0.9, confidence=0.5) if paired else None
    model = small(framework, pairs=pairs)
    before = [weight.clone() for weight in model.backbone.parameters()]
    done = fit(model, study, max_epochs=2)
    assert np.isfinite(float(done.callback_metrics["loss_epoch"]))
    assert done.global_step == 2 * 64 // 16
    assert any(not old.equal(new) for old, new in zip(before, model.backbone.parameters(), strict=True))
    assert ("positives_per_row" in done.callback_metrics) == paired


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_bfloat16_is_finite_and_near(framework, study):
    full = fit(small(framework), study, max_epochs=1).callback_metrics
    half = fit(small(framework), study, max_epochs=1, precision="bf16-mixed").callback_metrics
    assert float(half["loss_epoch"]) == pytest.approx(float(full["loss_epoch"]), rel=0.1, abs=0.05)


# --- the loss of a step ---------------------------------------------------------------------------


def bare(framework, labels, dim, **options):
    """A module whose embeddings are its images, with given pairs of the images 0, 1, 2, ..."""
    net = nn.Flatten()
    net.dim = dim
    size = max(labels.shape)
    matrix = torch.eye(size)
    matrix[: labels.shape[0], size - labels.shape[1] :] = labels
    pairs = PairMask((torch.maximum(matrix, matrix.T).numpy(), range(size)), threshold=0.5)
    predictor = 4 if framework in ("byol", "simsiam") else None
    heads = HeadSettings(4, dim, predictor)
    model = Contrastive(framework, net, pairs=pairs, heads=heads, **options)
    for head in {"projector", "predictor"} & set(dict(model.framework.named_children())):
        setattr(model.framework, head, nn.Identity())
    if hasattr(model.framework, "target"):
        model.framework.target = nn.Sequential(nn.Flatten(), nn.Identity())
    return model


def images(rows):
    return rows[:, :, None, None]


@pytest.mark.parametrize("framework", ["byol", "simsiam"])
def test_a_step_of_byol_and_simsiam_equals_the_golden_number(framework, toy):
    numbers, p, z, _ = toy
    model = bare(framework, torch.tensor(numbers["labels"]), 5)
    loss = model.training_step((images(p), images(z), [0, 1, 2, 3]))["loss"]
    assert float(loss) == pytest.approx(numbers["simsiam_total(0.5*(a+b))"], abs=1e-6)


def test_a_step_of_moco_equals_the_golden_number(toy):
    numbers, p, z, queue = toy
    labels = torch.tensor(numbers["labelsQ"])
    # The images 0 to 3 in the batch, 4 to 9 in the queue.
    matrix = torch.eye(10)
    matrix[:4, 4:], matrix[4:, :4] = labels, labels.T
    model = bare("moco", matrix, 5, queue_size=6, moco=MoCoSettings.mcgip()).double()
    model.framework.queue.keys.copy_(F.normalize(queue, dim=1))
    model.framework.queue.ids.copy_(torch.arange(4, 10))
    step = model.training_step((images(p), images(z), [0, 1, 2, 3]))
    assert float(step["loss"]) == pytest.approx(numbers["moco_T0.2"], abs=1e-6)
    assert float(step["weights"].sum()) == float(labels.sum())


def test_a_step_of_simclr_equals_the_formula(toy):
    numbers, p, z, _ = toy
    labels = np.array(numbers["labels"], float)
    model = bare("simclr", torch.tensor(numbers["labels"]), 5, temperature=0.4)
    loss = model.training_step((images(p), images(z), [0, 1, 2, 3]))["loss"]
    every = F.normalize(torch.cat([p, z]), dim=1).numpy()
    logits, weights = every @ every.T / 0.4, np.tile(labels, (2, 2))
    total = 0.0
    for row in range(8):
        others = [column for column in range(8) if column != row]
        norm = np.log(np.exp(logits[row, others]).sum())
        total += sum(weights[row, column] * (norm - logits[row, column]) for column in others)
    assert float(loss) == pytest.approx(total / (weights.sum() - np.trace(weights)), abs=1e-6)


# --- what follows a step --------------------------------------------------------------------------


@pytest.mark.parametrize("framework", ["byol", "moco"])
def test_accumulated_halves_equal_a_whole_batch(framework, study):
    """Without batch norms, which see half the batch only."""
    trained = []
    for size, steps in ((16, 1), (8, 2)):
        model = without_norms(small(framework, backbone=plain_net(), momentum=0.9))
        done = fit(
            model,
            study,
            loader(study, size),
            max_epochs=2,
            accumulate_grad_batches=steps,
            precision="64-true",
        )
        assert done.global_step == 8
        trained.append(model.state_dict())
    whole, halves = trained
    for name, value in whole.items():
        torch.testing.assert_close(halves[name], value, rtol=1e-6, atol=1e-9, msg=name)


def test_the_slow_copy_follows_once_per_step(study):
    model = without_norms(small("byol", backbone=plain_net(), momentum=0.5))
    start = copy.deepcopy(model.framework.target)
    fit(model, study, loader(study, 16), max_steps=1)
    online = nn.Sequential(model.framework.backbone, model.framework.projector)
    for slow, before, fast in zip(
        model.framework.target.parameters(), start.parameters(), online.parameters(), strict=True
    ):
        torch.testing.assert_close(slow, (before + fast) / 2)
        assert not slow.requires_grad


def test_the_queue_holds_the_last_keys_and_their_ids(study):
    from gazesim.torch import id_codes

    model = small("moco", queue_size=32)
    fit(model, study, loader(study, 16), max_epochs=1)
    assert sorted(model.framework.queue.ids.tolist()) == sorted(id_codes(study.ids[-32:]).tolist())


def test_momentum_follows_half_a_cosine():
    assert momentum_at(0, 10, 0.9, 1.0) == pytest.approx(0.9)
    assert momentum_at(5, 10, 0.9, 1.0) == pytest.approx(0.95)
    assert momentum_at(10, 10, 0.9, 1.0) == pytest.approx(1.0)
    assert momentum_at(7, float("inf"), 0.9, 1.0) == 0.9


@pytest.mark.filterwarnings("ignore:.*positive")
def test_schedules_of_pairs_follow_the_epochs(study):
    seen = []

    class Spy(PairMask):
        def set_epoch(self, epoch):
            super().set_epoch(epoch)
            seen.append((epoch, self.threshold, self.confidence))

    mask = Spy(study.source, threshold=Ramp(0.9, 0.7, 2), confidence=Ramp(0.0, 1.0, 4))
    fit(small("simclr", pairs=mask), study, max_epochs=3)
    assert [epoch for epoch, *_ in seen] == [0, 1, 2]
    assert [t for _, t, _ in seen] == pytest.approx([0.9, 0.8, 0.7])
    assert [p for *_, p in seen] == pytest.approx([0.0, 0.25, 0.5])


@pytest.mark.parametrize("step", [1, 4, 6])
def test_a_training_resumed_from_any_step_equals_the_whole_one(tmp_path, step):
    """Pairs are drawn by chance, and a checkpoint within an epoch is written before the step has ended."""

    def make():
        return small("moco", backbone=plain_net(), pairs=PairSettings(quantile=0.7, confidence=0.5))

    def data():
        phantom = PhantomSettings(n_train=64, n_test=0, size=32)
        return GazeData(phantom=phantom, channels=1, batch_size=16, size=32)

    check_resumed_equals_whole(tmp_path, step, make, data)


def test_the_loss_of_an_epoch_does_not_depend_on_accumulation(study):
    """Lightning divides by the number of batches; with a learning rate of 0 all steps cost the same."""
    still = OptimizerSettings(learning_rate=0.0, weight_decay=0.0)
    alone, together = (
        fit(
            without_norms(small("simclr", backbone=plain_net(), optimizer=still)),
            study,
            max_epochs=1,
            accumulate_grad_batches=count,
        ).callback_metrics["loss_epoch"]
        for count in (1, 4)
    )
    assert float(alone) == pytest.approx(float(together), rel=1e-6)


@pytest.mark.parametrize(
    "options", [{"max_epochs": 100, "max_steps": 6}, {"max_steps": 6}, {"max_epochs": 3}]
)
def test_warm_up_lasts_for_its_epochs_however_the_end_is_given(study, options):
    rates = []

    class Rates(lightning.Callback):
        def on_train_batch_start(self, trainer, *_):
            rates.append(trainer.optimizers[0].param_groups[0]["lr"])

    warm = OptimizerSettings(learning_rate=1.0, schedule="constant", warmup_epochs=2)
    model = small("simsiam", backbone=plain_net(), optimizer=warm)
    # Two steps an epoch.
    fit(model, study, accumulate_grad_batches=2, callbacks=[Rates()], **options)
    assert rates[::2] == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0, 1.0])


def test_a_course_needs_batches(study):
    warm = OptimizerSettings(warmup_epochs=1)
    model = small("simsiam", backbone=plain_net(), optimizer=warm)
    with pytest.raises(ValueError, match="limit_train_batches is 0; expected batches to train on"):
        fit(model, study, max_epochs=2, limit_train_batches=0)


# --- pairs from a data module ---------------------------------------------------------------------


def test_settings_ask_the_data_module_for_gaze(study):
    class Data(lightning.LightningDataModule):
        asked = None

        def gaze_source(self, scheme, cache=None, **params):
            Data.asked = (scheme, cache, params)
            return study.source

        def train_dataloader(self):
            return loader(study)

    settings = PairSettings("dhash", {"margin": 0.1}, top_k=1)
    model = small("simsiam", pairs=settings)
    done = fit(model, study, Data(), max_epochs=1)
    assert Data.asked == ("dhash", None, {"margin": 0.1})
    fit(small("simsiam", pairs=PairSettings(cache="folder", top_k=1)), study, Data(), max_epochs=1)
    assert Data.asked == ("moments", "folder", {})
    assert model.positives.mask.top_k == 1
    assert float(done.callback_metrics["positives_per_row"]) > 1


@pytest.mark.filterwarnings("ignore:.* pairs of different images")
def test_another_data_module_is_another_gaze(study):
    class Data(lightning.LightningDataModule):
        def __init__(self, source):
            super().__init__()
            self.source, self.asked = source, 0

        def gaze_source(self, scheme, cache=None, **params):
            self.asked += 1
            return self.source

        def train_dataloader(self):
            return loader(study)

    first, second = Data(study.source), Data(DenseSource(np.eye(64), study.ids))
    model = small("simclr", backbone=plain_net(), pairs=PairSettings(top_k=2))
    for _ in range(2):
        assert float(fit(model, study, first, max_epochs=1).callback_metrics["positives_per_row"]) > 2
    with pytest.warns(UserWarning, match="no positive pair"):
        fit(model, study, second, max_epochs=1)
    assert (first.asked, second.asked) == (1, 1)
    assert copy.deepcopy(model.positives).mask is not None
    assert pickle.loads(pickle.dumps(model.positives)).mask.top_k == 2


def test_settings_need_a_data_module(study):
    with pytest.raises(ValueError, match="expected a data module with gaze_source"):
        fit(small("simsiam", pairs=PairSettings(top_k=2)), study, max_epochs=1)


# --- mistakes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"framework": "byl"}, r'framework is .byl.*did you mean "byol"'),
        ({"backbone": "resnet-18"}, r'backbone is .resnet-18.*did you mean "resnet18"'),
        ({"backbone": nn.Flatten()}, "a Flatten that does not tell the length of its features"),
        ({"backbone": 18}, "backbone is 18; expected a name or an nn.Module"),
        ({"backbone": nn.Flatten(), "dim": 3, "weights": "imagenet"}, "beside a module as backbone"),
        ({"weights": "imagnet"}, "weights is 'imagnet', which is no file; expected 'imagenet' or a file"),
        ({"temperature": 0.0}, "temperature is 0.0; expected a finite number above 0"),
        ({"queue_size": 0}, "queue_size is 0; expected a whole number from 1"),
        ({"momentum": 1.5}, "momentum is 1.5; expected a finite number of at least 0 and at most 1"),
        ({"temperature": 0.1}, "temperature is 0.1, which byol has no use for; expected None"),
        ({"queue_size": 7}, "queue_size is 7, which byol has no use for"),
        ({"framework": "simsiam", "momentum": 0.5}, "momentum is 0.5, which simsiam has no use for"),
        ({"framework": "simclr", "momentum_end": 0.6}, "momentum_end is 0.6, which simclr has no use for"),
        ({"pairs": "moments"}, "pairs is 'moments'; expected PairSettings, .* or None"),
        ({"pairs": {"scheme": "moments"}}, "expected PairSettings"),
        ({"pairs": (np.eye(2), ["a", "b"])}, "expected PairSettings"),
    ],
)
def test_mistakes_are_named(options, message):
    with pytest.raises((ValueError, TypeError, FileNotFoundError), match=message):
        Contrastive(**options)


def test_sizes_of_heads_are_checked():
    with pytest.raises(ValueError, match="hidden is 0; expected a whole number from 1"):
        HeadSettings(hidden=0)


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ((torch.zeros(2, 1, 8, 8), torch.zeros(2, 1, 8, 8)), r"expected \(x0, x1, ids\)"),
        ((torch.zeros(2, 8), torch.zeros(2, 8), ["a", "b"]), "expected two tensors"),
        ((torch.zeros(2, 1, 8, 8), torch.zeros(3, 1, 8, 8), ["a", "b"]), "an id for each image"),
        ((torch.zeros(2, 1, 8, 8), torch.zeros(2, 1, 8, 8), ["a"]), "and 1 ids"),
    ],
)
def test_batches_are_checked(batch, message):
    with pytest.raises((ValueError, TypeError), match=message):
        small().training_step(batch)


def test_unknown_images_are_their_own_positives(study):
    model = small("simclr", pairs=PairMask(DenseSource(np.eye(2), ["x", "y"]), threshold=0.5))
    batch = next(iter(loader(study, 4)))
    with pytest.warns(UserWarning, match="none of 4 images"):
        weights = model.training_step(batch)["weights"]
    assert weights.equal(torch.eye(4, dtype=torch.bool))
