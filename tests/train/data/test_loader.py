"""Loading with workers: what would make a training wait for ever is an error."""

from __future__ import annotations

import os

import pytest

pytest.importorskip("gazesim.train")

from gazesim.train import ArraySamples, FineTuneSettings, GazeData, PhantomSettings, make_backbone
from gazesim.train.data.loader import check_workers
from gazesim.train.evaluation.fine_tune import fit_classifier

pytestmark = pytest.mark.skipif(os.name != "posix", reason="workers send images through sockets")


@pytest.fixture
def long_path(monkeypatch):
    """A folder for temporary files whose path is 80 characters long; multiprocessing has one inside it."""
    folder = "/tmp/".ljust(80, "x")
    monkeypatch.setattr("multiprocessing.util.get_temp_dir", lambda: f"{folder}/pymp-12345678")
    return folder


def test_a_long_path_for_temporary_files_is_named(long_path):
    message = (
        f"num_workers is 2, and the folder for temporary files, {long_path}, has a path too long.* at most 71"
    )
    with pytest.raises(ValueError, match=message):
        check_workers(2)
    check_workers(0)


def test_every_loader_asks(long_path, rng):
    phantom = PhantomSettings(n_train=8, n_test=0, size=32)
    data = GazeData(phantom=phantom, channels=1, batch_size=4, size=32, num_workers=1)
    data.setup("fit")
    with pytest.raises(ValueError, match="num_workers is 1, and the folder"):
        next(iter(data.train_dataloader()))
    samples = ArraySamples(rng.random((4, 32, 32)))
    settings = FineTuneSettings(epochs=1, min_steps=0, num_workers=1)
    with pytest.raises(ValueError, match="num_workers is 1, and the folder"):
        fit_classifier(
            make_backbone("resnet10-narrow", channels=1), samples, range(4), [0, 1] * 2, 2, settings
        )


def test_a_usual_path_is_fine():
    check_workers(2)
