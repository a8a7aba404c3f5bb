"""The gaze-map predictor: it learns, it resumes, its files hold tensors alone."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
train = pytest.importorskip("gazesim.train")

from gazesim.phantom import phantom  # noqa: E402
from gazesim.train.saliency import predictor as saliency  # noqa: E402

SMALL = {"features": (4, 4, 8, 8, 8, 4), "batch_size": 8, "progress": False}


@pytest.fixture(scope="module")
def data():
    return phantom(24, seed=8, size=32, readers=5)


def test_it_learns(data):
    torch.manual_seed(123)
    before = torch.get_rng_state()
    model = train.fit_predictor(data.images, data.heatmaps, epochs=12, learning_rate=5e-3, **SMALL)
    assert torch.equal(torch.get_rng_state(), before)  # the caller's random numbers are left alone
    maps = train.predict_gaze(model, data.images)
    assert maps.shape == data.images.shape
    assert maps.dtype == np.float32
    np.testing.assert_array_equal(maps.max(axis=(1, 2)), 1)
    fresh = train.predict_gaze(saliency.GazePredictor(SMALL["features"]), data.images)
    scores = [train.saliency_scores(one, data.heatmaps)["CC"].mean() for one in (maps, fresh)]
    assert scores[0] > max(scores[1], 0) + 0.2


def test_interrupted_training_goes_on_to_the_same_weights(data, tmp_path):
    straight = train.fit_predictor(data.images, data.heatmaps, epochs=3, **SMALL)
    train.fit_predictor(data.images, data.heatmaps, epochs=1, out=tmp_path, **SMALL)
    resumed = train.fit_predictor(data.images, data.heatmaps, epochs=3, out=tmp_path, **SMALL)
    for name, weight in straight.state_dict().items():
        assert torch.equal(weight, resumed.state_dict()[name]), name
    read = train.load_predictor(tmp_path)
    assert read.settings == resumed.settings
    np.testing.assert_array_equal(
        train.predict_gaze(read, data.images), train.predict_gaze(resumed, data.images)
    )
    with pytest.raises(ValueError, match="expected equal settings or a new folder"):
        train.fit_predictor(data.images, data.heatmaps, out=tmp_path, **{**SMALL, "batch_size": 4})


def test_fewer_epochs_than_a_folder_holds_are_refused(data, tmp_path):
    train.fit_predictor(data.images, data.heatmaps, epochs=2, out=tmp_path, **SMALL)
    with pytest.raises(
        ValueError, match="holds a training of 2 epochs, and epochs is 1; expected at least 2"
    ):
        train.fit_predictor(data.images, data.heatmaps, epochs=1, out=tmp_path, **SMALL)
    whole = train.fit_predictor(data.images, data.heatmaps, epochs=2, out=tmp_path, **SMALL)
    straight = train.fit_predictor(data.images, data.heatmaps, epochs=2, **SMALL)
    assert all(torch.equal(one, whole.state_dict()[name]) for name, one in straight.state_dict().items())


def test_a_folder_keeps_to_its_images_and_maps(data, tmp_path):
    train.fit_predictor(data.images, data.heatmaps, epochs=1, out=tmp_path, **SMALL)
    for images, maps in ((data.images[::-1], data.heatmaps), (data.images, data.heatmaps / 2)):
        with pytest.raises(ValueError, match="expected equal settings or a new folder"):
            train.fit_predictor(images, maps, epochs=1, out=tmp_path, **SMALL)


def test_files_hold_tensors_alone(data, tmp_path):
    train.fit_predictor(data.images, data.heatmaps, epochs=1, out=tmp_path, **SMALL)
    for name in ("predictor.pt", "last.ckpt"):
        torch.load(tmp_path / name, weights_only=True)
    assert not list(tmp_path.glob("*.part"))


def test_the_loss_is_the_divergence_of_densities(data):
    """Against the definition, with one map that has no gaze."""
    model = saliency.GazePredictor(SMALL["features"])
    images = torch.from_numpy(data.images[:3, None])
    maps = torch.from_numpy(data.heatmaps[:3, None]).clone()
    maps[2] = 0
    with torch.no_grad():
        loss, logits = model.loss(images, maps), model(images).double().numpy()
    expected = []
    for logit, gaze in zip(logits[:2, 0], maps[:2, 0].double().numpy(), strict=True):
        p, q = np.exp(logit) / np.exp(logit).sum(), gaze / gaze.sum()
        expected.append((q[q > 0] * np.log(q[q > 0] / p[q > 0])).sum())
    assert loss.item() == pytest.approx(np.mean(expected), rel=1e-4)
    with torch.no_grad():
        assert model.loss(images, maps * 0).item() == 0


@pytest.mark.parametrize("shape", [(1, 17, 40), (2, 5, 5), (1, 64, 33)])
def test_any_image_size(shape, rng):
    assert train.predict_gaze(saliency.GazePredictor(SMALL["features"]), rng.random(shape)).shape == shape


@pytest.mark.parametrize(
    ("images", "maps", "message"),
    [
        (np.ones((2, 8, 8)), np.ones((2, 8, 9)), r"images has shape \(2, 8, 8\), maps \(2, 8, 9\)"),
        (np.ones((0, 8, 8)), np.ones((0, 8, 8)), r"expected \(n, H, W\)"),
        (np.full((1, 8, 8), np.nan), np.ones((1, 8, 8)), "images: sample 0, row 0, column 0 is nan"),
        (
            np.ones((1, 8, 8)),
            -np.ones((1, 8, 8)),
            "maps: sample 0, row 0, column 0 is -1.0; .* of at least 0",
        ),
    ],
)
def test_bad_pairs_are_named(images, maps, message):
    with pytest.raises(ValueError, match=message):
        train.fit_predictor(images, maps)


def test_bad_settings_are_named(tmp_path):
    with pytest.raises(ValueError, match="expected 6 whole numbers"):
        saliency.GazePredictor((1, 2, 3))
    with pytest.raises(ValueError, match="epochs is 0"):
        train.fit_predictor(np.ones((1, 8, 8)), np.ones((1, 8, 8)), epochs=0)
    with pytest.raises(FileNotFoundError, match=r"holds no predictor\.pt"):
        train.load_predictor(tmp_path)
