"""GazeData: what a batch holds, and that workers, epochs and resuming do not change it."""

from __future__ import annotations

import doctest
import importlib
import json
import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch")
train = pytest.importorskip("gazesim.train")

import lightning  # noqa: E402
from jsonargparse import ArgumentParser  # noqa: E402

import gazesim  # noqa: E402
from gazesim.torch import PairMask  # noqa: E402
from gazesim.train import Contrastive, GazeData, HeadSettings, PhantomSettings, Views  # noqa: E402
from gazesim.train.data import gaze_data as module  # noqa: E402
from gazesim.train.data import loader as loading  # noqa: E402
from gazesim.train.lightning_tools import without_advice  # noqa: E402

SMALL = PhantomSettings(n_train=20, n_val=4, n_test=6, size=32)
GCA = Views(crop="gaze", cutout="gaze", mask_probability=0.5)


def batches(data, epoch):
    data.setup("fit")
    loader = data.train_dataloader()
    loader.sampler.set_epoch(epoch)
    return list(loader)


def test_batches_of_the_phantom():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    data = GazeData(phantom=SMALL, batch_size=8, views=GCA)
    first, second = batches(data, 0)
    assert torch.equal(torch.get_rng_state(), before)
    x0, x1, ids = first
    assert x0.shape == x1.shape == (8, 3, 32, 32)
    assert x0.dtype == torch.float32
    assert 0 <= x0.min() < x0.max() <= 1
    assert not torch.equal(x0, x1)
    assert len({*ids, *second[2]}) == 16
    assert all(name.startswith("train-") for name in ids)


@pytest.mark.parametrize("views", [Views(), GCA, Views(crop="size-matched", cutout="size-matched")])
def test_workers_do_not_change_a_batch(views):
    alone = batches(GazeData(phantom=SMALL, batch_size=8, views=views), 3)
    helped = batches(GazeData(phantom=SMALL, batch_size=8, views=views, num_workers=2), 3)
    for one, two in zip(alone, helped, strict=True):
        assert one[2] == two[2]
        assert torch.equal(one[0], two[0])
        assert torch.equal(one[1], two[1])


def test_a_sources_ids_are_the_training_images():
    data = GazeData(phantom=SMALL, batch_size=8)
    for scheme, params in (("moments", {}), ("dhash", {}), ("multimatch", {}), ("tima", {"sigma_px": 3.0})):
        source = data.gaze_source(scheme, **params)
        assert set(source.ids) == set(data.samples("train").ids)
        ids = batches(data, 0)[0][2]
        mask = PairMask(source, top_k=2)(ids)
        assert mask.shape == (8, 8)
        assert mask.diagonal().all()


def test_splits_share_nothing():
    data = GazeData(phantom=SMALL)
    parts = [data.samples(split) for split in ("train", "val", "test")]
    assert [len(part) for part in parts] == [20, 4, 6]
    images = np.stack([part.image(0).numpy() for part in parts])
    assert len(np.unique(images.reshape(3, -1), axis=0)) == 3


class Recorder(Contrastive):
    """Keeps the ids and the sums of what it is given."""

    def __init__(self):
        heads = HeadSettings(hidden=8, dim=8)
        super().__init__("simclr", torch.nn.Flatten(), dim=3 * 32 * 32, heads=heads)
        self.seen = []

    def training_step(self, batch, *_):
        x0, x1, ids = batch
        self.seen.append((self.current_epoch, tuple(ids), float(x0.double().sum()), float(x1.double().sum())))
        return super().training_step(batch)


class Saver(lightning.Callback):
    """Saves after some steps, and ends the training as if it were killed."""

    def __init__(self, path, steps):
        self.path, self.steps = path, steps

    def on_train_batch_end(self, trainer, *_):
        if trainer.global_step == self.steps:
            trainer.save_checkpoint(self.path)
            trainer.should_stop = True
            raise StopIteration


def fit(module, data, resumed=None, **settings):
    off = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    with without_advice():
        trainer = lightning.Trainer(accelerator="cpu", devices=1, **dict.fromkeys(off, False), **settings)
        trainer.fit(module, data, ckpt_path=resumed, weights_only=True)
    return trainer


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("steps", [2, 3])
def test_a_resumed_training_sees_what_an_uninterrupted_one_sees(tmp_path, workers, steps):
    """After a whole epoch of two batches, and in the midst of the second one."""

    def data():
        return GazeData(phantom=SMALL, batch_size=10, num_workers=workers)

    straight = Recorder()
    fit(straight, data(), max_epochs=3)
    first, rest = Recorder(), Recorder()
    fit(first, data(), max_epochs=3, callbacks=[Saver(tmp_path / "c.ckpt", steps)])
    fit(rest, data(), tmp_path / "c.ckpt", max_epochs=3)
    assert first.seen + rest.seen == straight.seen
    assert len(straight.seen) == 6


def test_epochs_differ_and_seeds_decide():
    data = GazeData(phantom=SMALL, batch_size=20)
    first, again = batches(data, 0)[0], batches(data, 0)[0]
    later, other = batches(data, 1)[0], batches(GazeData(phantom=SMALL, batch_size=20, seed=1), 0)[0]
    assert torch.equal(first[0], again[0])
    assert set(first[2]) == set(later[2])
    assert first[2] != later[2]
    assert first[2] != other[2]
    # The same image in another epoch, or by another seed, is seen differently; within one as well.
    for one in (later, other):
        assert not torch.equal(one[0][one[2].index(first[2][0])], first[0][0])
    assert not torch.equal(first[0][0], first[1][0])


def test_a_samples_views_do_not_depend_on_the_batch():
    small, large = (
        {
            name: (x0[i], x1[i])
            for x0, x1, ids in batches(GazeData(phantom=SMALL, batch_size=size, views=GCA), 2)
            for i, name in enumerate(ids)
        }
        for size in (5, 20)
    )
    for name, views in small.items():
        assert all(torch.equal(one, two) for one, two in zip(views, large[name], strict=True))


def test_ranks_share_an_epoch(monkeypatch):
    """Together the ranks see every image once; none more than another."""
    order = loading.EpochOrder(21, seed=4)
    order.set_epoch(5)
    alone = [index for _, index in order]
    parts = []
    for rank in range(4):
        monkeypatch.setattr(loading, "world_size", lambda: 4)
        monkeypatch.setattr(loading, "rank", lambda rank=rank: rank)
        parts.append([index for _, index in order])
        assert len(parts[-1]) == len(order) == 5
    assert sorted(index for part in parts for index in part) == sorted(alone[:20])
    assert isinstance(order, torch.utils.data.DistributedSampler)  # which Lightning does not replace


def test_lightnings_overfit_batches():
    module = Recorder()
    fit(module, GazeData(phantom=SMALL, batch_size=10), max_epochs=2, overfit_batches=1)
    assert len(module.seen) == 2
    assert module.seen[0][1] == module.seen[1][1]


# --- gaze -----------------------------------------------------------------------------------------


def manifest(folder, gaze=True, count=8):
    rng = np.random.default_rng(1)
    lines = ["id,image,label,split,gaze"]
    for i in range(count):
        np.save(folder / f"{i}.npy", rng.random((24, 48)).astype(np.float32))
        lines.append(
            f"i{i},{i}.npy,{'ab'[i % 2]},{'test' if i == 7 else 'train'},{'g.csv' if gaze and i > 1 else ''}"
        )
    rows = [
        f"i{i},{x:.2f},{y:.2f},0.{i + 1}"
        for i in range(count)
        for x, y in rng.uniform((0, 0), (48, 24), (5, 2))
    ]
    (folder / "g.csv").write_text("\n".join(["image_id,x,y,duration", *rows]))
    (folder / "m.csv").write_text("\n".join(lines))
    return str(folder / "m.csv")


def test_a_manifest_end_to_end(tmp_path, capsys):
    data = GazeData(manifest=manifest(tmp_path), size=32, batch_size=4, views=GCA, channels=1)
    x0, _, ids = batches(data, 0)[0]
    assert "2 of 7 training images (i0, i1) have no gaze; any view of them" in capsys.readouterr().err
    assert x0.shape == (4, 1, 32, 32)
    assert len(data.samples("test")) == 1
    assert data.samples().class_names == ("a", "b")
    for scheme in ("moments", "multimatch"):
        source = data.gaze_source(scheme)
        assert set(source.ids) == {f"i{i}" for i in range(2, 7)}
        assert "2 of 7 training images (i0, i1) have no gaze\n" in capsys.readouterr().err
        assert PairMask(source, top_k=2)(ids).shape == (4, 4)


@pytest.mark.parametrize("memory", ["none", "float32"])
def test_blank_maps_and_fallbacks_are_told_once(tmp_path, capsys, memory):
    maps = np.zeros((2, 32, 32), np.float32)
    maps[1, 2:8, 2:8] = maps[1, 24:30, 24:30] = 1  # no hole of 0.8 misses both corners
    for i, one in enumerate(maps):
        np.save(tmp_path / f"map{i}.npy", one)
        np.save(tmp_path / f"{i}.npy", np.full((32, 32), 0.5))
    rows = [f"i{i},{i}.npy,train,map{i}.npy" for i in range(2)]
    (tmp_path / "m.csv").write_text("\n".join(["id,image,split,heatmap", *rows]))
    views = Views(crop="none", cutout="gaze", cutout_side=0.8, cutout_probability=1.0)
    data = GazeData(manifest=str(tmp_path / "m.csv"), size=32, batch_size=2, views=views, memory=memory)
    data.setup("fit")
    printed = capsys.readouterr().err
    assert "1 of 2 training images (i0) have no gaze; any view of them is accepted" in printed
    assert "1 crops or holes in views of the first 2 training images are fallbacks" in printed
    data.setup("fit")
    assert "gazesim" not in capsys.readouterr().err


def test_a_scanpath_is_no_gaze_for_views(monkeypatch, capsys):
    paths = gazesim.Scanpaths.from_list([np.ones((3, 3))] * 8, ids=range(8), screen_size=(16, 16))
    samples = train.ArraySamples(np.zeros((8, 16, 16)), scanpaths=paths, splits=["train"] * 8)
    data = GazeData(phantom=SMALL, size=16, batch_size=8, views=GCA)
    monkeypatch.setattr(data, "_all_samples", samples)
    data.setup("fit")
    assert "8 of 8 training images (0, 1, 2, ...) have no gaze" in capsys.readouterr().err


def test_views_without_any_gaze_are_all_accepted(tmp_path):
    data = GazeData(manifest=manifest(tmp_path, gaze=False), size=32, batch_size=7, views=GCA)
    assert len(batches(data, 0)[0][2]) == 7
    with pytest.raises(ValueError, match=r"all 7 training images have no gaze, such as 'i0'"):
        data.gaze_source("moments")


def test_a_cache_in_place_of_features(tmp_path, capsys):
    data = GazeData(phantom=SMALL)
    train = data.samples("train")
    maps = [train.gaze_map(i).numpy() for i in range(15)]
    gazesim.AffinityCache.build(tmp_path / "cache", maps, ids=train.ids[:15], scheme="moments")
    source = data.gaze_source(cache=str(tmp_path / "cache"))
    live = data.gaze_source("moments")
    assert (
        "5 of 20 training images (train-00015, train-00016, train-00017, ...) have no entry in"
        in capsys.readouterr().err
    )
    np.testing.assert_allclose(source.block(train.ids[:4]), live.block(train.ids[:4]))
    gazesim.AffinityCache.build(tmp_path / "other", maps, ids=range(15), scheme="moments")
    with pytest.raises(ValueError, match=r"all 20 training images have no entry in .*other"):
        data.gaze_source(cache=tmp_path / "other")


@pytest.mark.parametrize("memory", ["none", "uint8"])
def test_samples_travel_to_spawned_workers(tmp_path, memory):
    """What a worker unpickles makes the same batches; none of it is read from the parent's memory."""
    data = GazeData(manifest=manifest(tmp_path), size=32, batch_size=7, views=GCA, memory=memory)
    data.setup("fit")
    pairs = data.train_dataloader().dataset
    keys = [(4, index) for index in range(7)]
    x0, x1, ids = pickle.loads(pickle.dumps(pairs)).__getitems__(keys)
    expected = pairs.__getitems__(keys)
    assert torch.equal(x0, expected[0])
    assert torch.equal(x1, expected[1])
    assert ids == expected[2]


def test_a_presets_folder(tmp_path):
    for grade in range(5):
        for i in range(2):
            folder = tmp_path / "train" / str(grade)
            folder.mkdir(parents=True, exist_ok=True)
            np.save(folder / f"90{grade}{i}L.npy", np.full((8, 8), grade / 4))
    data = GazeData(preset="oai", folder=str(tmp_path), size=16, batch_size=5)
    assert batches(data, 0)[0][0].shape == (5, 3, 16, 16)
    assert data.samples("train").class_names == ("0", "1", "2", "3", "4")


def test_the_split_of_a_preset_does_not_depend_on_the_seed_of_training(tmp_path):
    (tmp_path / "Radiographs").mkdir()
    (tmp_path / "Expert").mkdir()
    records = []
    for i in range(20):
        np.save(tmp_path / "Radiographs" / f"{i}.npy", np.zeros((8, 8)))
        records.append({"External ID": f"{i}.JPG", "Label": {"objects": [{"title": "x"}] * (i % 2)}})
    (tmp_path / "Expert" / "expert.json").write_text(json.dumps(records))

    def splits(**seeds):
        return GazeData(preset="tufts", folder=str(tmp_path), size=8, **seeds).samples().splits

    assert splits() == splits(seed=1) != splits(split_seed=1)
    with pytest.raises(ValueError, match="split_seed is -1"):
        splits(split_seed=-1)


# --- configuration and mistakes -------------------------------------------------------------------


def test_from_yaml_and_back():
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--config", action="config")
    parser.add_class_arguments(GazeData, "data")
    words = ["--data.phantom.n_train=16", "--data.phantom.kind=structured", "--data.batch_size=4"]
    config = parser.parse_args([*words, "--data.views.crop=gaze", "--data.views.crop_scale=[0.3, 1.0]"])
    text = parser.dump(config)
    again = parser.parse_string(text)
    assert parser.dump(again) == text
    instantiate = getattr(parser, "instantiate", None) or parser.instantiate_classes
    data = instantiate(again).data
    assert data.phantom == PhantomSettings(kind="structured", n_train=16)
    assert data.views == Views(crop="gaze", crop_scale=(0.3, 1.0))
    assert data.batch_size == 4
    with pytest.raises(Exception, match="crop"):
        parser.parse_args(["--data.views.crop=gazes"])


BAD = [
    ({}, "nothing is given; expected one of manifest, preset or phantom"),
    ({"manifest": "a.csv", "phantom": SMALL}, r"\['manifest', 'phantom'\] is given"),
    ({"preset": "oai"}, "preset and folder go together"),
    ({"phantom": SMALL, "batch_size": 0}, "batch_size is 0"),
    ({"phantom": SMALL, "channels": 2}, "channels is 2"),
    ({"phantom": SMALL, "memory": "ram"}, "memory is 'ram'"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_settings_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        GazeData(**arguments)


def test_too_few_images_for_a_batch(monkeypatch):
    data = GazeData(phantom=SMALL, batch_size=21)
    with pytest.raises(ValueError, match="batch_size is 21, and there are 20 training images"):
        data.train_dataloader()
    with pytest.raises(ValueError, match="split is 'dev'"):
        data.samples("dev")
    monkeypatch.setattr(module, "world_size", lambda: 3)
    GazeData(phantom=SMALL, batch_size=6).train_dataloader()
    with pytest.raises(ValueError, match=r"batch_size is 7, .* 20 training images for 3 ranks, 6 for each;"):
        GazeData(phantom=SMALL, batch_size=7).train_dataloader()
    with pytest.raises(ValueError, match="n_train, n_val and n_test are all 0"):
        PhantomSettings(n_train=0, n_test=0).samples()
    with pytest.raises(ValueError, match="readers is 3; expected 1"):
        PhantomSettings(kind="structured", readers=3)


def test_several_readers():
    one, ten = (
        GazeData(phantom=PhantomSettings(n_train=8, n_test=0, size=32, readers=readers)).samples("train")
        for readers in (1, 10)
    )
    assert ten.scanpath(0).shape[1] == 3
    assert not torch.equal(one.gaze_map(0), ten.gaze_map(0))


@pytest.mark.parametrize(
    "name", ["gazesim.train.data.gaze_data", "gazesim.train.data.samples", "gazesim.train.data.view_maker"]
)
def test_docstring_examples(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted
    assert result.failed == 0


def test_twelve_bits_in_files_of_sixteen(tmp_path, rng, capsys):
    """The brightest pixel of a camera of 12 bits is white, in training and in the evaluation after it."""
    from gazesim.commands.evaluate_data import data_of
    from gazesim.commands.pretrain import configuration_of, resolved

    lines = ["id,image,split"]
    for i in range(4):
        pixels = rng.integers(0, 4096, (24, 48)).astype(np.uint16)
        pixels[:2] = 4095
        np.save(tmp_path / f"{i}.npy", pixels)
        lines.append(f"i{i},{i}.npy,train")
    (tmp_path / "m.csv").write_text("\n".join(lines))
    path = str(tmp_path / "m.csv")
    with pytest.warns(UserWarning, match=r"expected bits=12 .*--data\.bits"):
        assert float(GazeData(manifest=path, size=24).samples().image(0).max()) < 0.07
    data = GazeData(manifest=path, size=24, bits=12)
    assert float(data.samples().image(0).max()) == 1
    found = resolved(configuration_of(["--data.manifest", path, "--data.bits", "12"]))[0]
    assert found.data.bits == 12
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.yaml").write_text(f"data: {{manifest: {path}, size: 24, bits: 12}}")
    named = {"run": [str(tmp_path / "run")]}
    for source in (path, None):
        assert data_of(source, None, None, None, 3, named).bits == 12
    assert data_of(path, None, None, None, 3, {}, bits=10).bits == 10
    with pytest.raises(ValueError, match="bits is 7"):
        GazeData(manifest=path, bits=7)
