"""Any transform(image, map) makes the views of pre-training: keyed, checked, normalised by the backbone."""

from __future__ import annotations

import random

import numpy as np
import PIL.Image
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("gazesim.train")

from jsonargparse import ArgumentParser  # noqa: E402
from torch import nn  # noqa: E402
from torchvision import tv_tensors  # noqa: E402
from torchvision.transforms import v2  # noqa: E402

from gazesim.torch import GazeCrop, GazeCutout, GazeMask, TwoViews  # noqa: E402
from gazesim.train import (  # noqa: E402
    ArraySamples,
    Contrastive,
    GazeData,
    HeadSettings,
    PhantomSettings,
    Views,
    load_backbone,
    make_backbone,
)
from gazesim.train.data.transform_views import TransformViews  # noqa: E402
from gazesim.train.lightning_tools import without_advice  # noqa: E402
from train.loops import trainer  # noqa: E402

SMALL = PhantomSettings(n_train=20, n_test=4, size=32)
FLIPS = v2.Compose([v2.RandomHorizontalFlip(), v2.RandomAffine(20), GazeCrop(24, scale=(0.2, 1.0))])


def noise(image, gaze):
    """Draw from every generator that there is."""
    drawn = torch.rand(1).item() + np.random.rand() + random.random()  # noqa: NPY002
    return image + drawn, gaze


TRANSFORMS = {
    "GazeCrop": GazeCrop(24),
    "Compose": v2.Compose([FLIPS, GazeCutout(6), v2.RandomApply([GazeMask()], p=0.5), v2.GaussianBlur(3)]),
    "TwoViews": TwoViews(FLIPS, v2.Compose([FLIPS, v2.ColorJitter(0.4)])),
    "sequential": v2.Compose([v2.Resize(24), v2.RandomVerticalFlip()]),
    "function": noise,
}


def batches(data, epoch=0):
    data.setup("fit")
    loader = data.train_dataloader()
    loader.sampler.set_epoch(epoch)
    return list(loader)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_keys_decide_the_views(name, capsys):
    """Not the batch, the worker or what was drawn before; epochs, seeds and views differ."""

    def views(epoch=0, **options):
        torch.manual_seed(options.pop("outside", 0))
        data = GazeData(phantom=SMALL, transform=TRANSFORMS[name], **{"batch_size": 5, **options})
        return {one: (x0[i], x1[i]) for x0, x1, ids in batches(data, epoch) for i, one in enumerate(ids)}

    first = views()
    for same in (views(outside=1), views(batch_size=10), views(num_workers=2)):
        assert same.keys() == first.keys()
        assert all(torch.equal(a, b) for key in first for a, b in zip(first[key], same[key], strict=True))
    for other in (views(epoch=1), views(seed=1)):
        assert any(not torch.equal(first[key][0], other[key][0]) for key in first)
    assert any(not torch.equal(*pair) for pair in first.values())
    assert first["train-00000"][0].dtype == torch.float32
    assert type(first["train-00000"][0]) is torch.Tensor


def test_generators_outside_are_left_alone():
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    TransformViews(noise)(torch.zeros(1, 4, 4), None, key=(0, 0, 0), name="a")
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert random.getstate() == before[2]


def test_the_transform_gets_image_and_map_and_may_write_to_them():
    seen = []

    def spoils(image, gaze):
        seen.append((image.clone(), gaze.clone()))
        assert isinstance(gaze, tv_tensors.Mask)
        image.zero_()
        gaze.zero_()
        return image, gaze

    maps = np.zeros((2, 8, 8), np.float32)
    maps[0, 2, 3] = 1
    samples = ArraySamples(np.full((2, 8, 8), 0.5), heatmaps=maps, channels=3)
    for index in range(2):
        TransformViews(spoils)(samples.image(index), samples.gaze_map(index), key=(0, 0, index), name="a")
    assert samples.image(0).min() == 0.5
    assert samples.gaze_map(0).sum() == 1
    assert [tuple(image.shape) for image, _ in seen] == [(3, 8, 8)] * 4
    assert [float(gaze.sum()) for _, gaze in seen] == [1, 0, 0, 0]  # TwoViews hands the same copy to both


def test_what_a_transform_makes_is_checked():
    def made(transform):
        return TransformViews(transform)(torch.zeros(1, 8, 8), None, key=(0, 0, 0), name="img7")

    for result in (PIL.Image.new("L", (8, 8)), torch.zeros(8, 8), torch.zeros(1, 8, 8, dtype=torch.uint8)):
        with pytest.raises(TypeError, match=r"of image 'img7'; expected a floating-point tensor \(C, h, w\)"):
            made(lambda image, gaze, result=result: (result, gaze))
    with pytest.raises(TypeError, match=r"expected \(image, gaze_map\)"):
        made(lambda image, gaze: image)
    sizes = iter(range(4, 40))
    uneven = GazeData(
        phantom=SMALL,
        batch_size=4,
        transform=lambda image, gaze: (v2.functional.resize(image, [next(sizes)]), gaze),
    )
    with pytest.raises(ValueError, match=r"a view of shape .* of image 'train-.*expected equal shapes"):
        batches(uneven)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"transform": "flip"}, "transform is 'flip'; expected a function"),
        ({"transform": TwoViews(FLIPS, maps=True)}, r"TwoViews\(maps=True\), and a batch holds views alone"),
        ({"transform": TwoViews(FLIPS, stats=True)}, r"TwoViews\(stats=True\)"),
        ({"transform": FLIPS, "views": Views(jitter=0)}, "views and transform are both given"),
    ],
)
def test_bad_transforms_are_named(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        GazeData(phantom=SMALL, **options)


# --- normalisation --------------------------------------------------------------------------------


def pretrained(data, backbone=None, **options):
    torch.manual_seed(0)
    model = Contrastive(
        options.pop("framework", "byol"),
        backbone or make_backbone("resnet10-narrow", channels=1),
        heads=HeadSettings(hidden=8, dim=8, predictor_hidden=8, projector_norm=True),
        **options,
    )
    return model, fitted(model, data)


def fitted(model, data):
    made = trainer(max_epochs=1)
    with without_advice():
        made.fit(model, data)
    return made


NORMALISED = {
    "views": {"views": Views(crop="gaze", mean=0.4, std=0.2)},
    "transform": {"transform": v2.Compose([GazeCrop(32), v2.Compose([v2.Normalize([0.4], [0.2])])])},
    "two views": {
        "transform": TwoViews(
            v2.Compose([GazeCrop(32), v2.Normalize([0.4], [0.2])]),
            v2.Compose([GazeMask(), v2.Normalize([0.4], [0.2])]),
        )
    },
}


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
@pytest.mark.parametrize("kind", NORMALISED)
def test_the_backbone_takes_the_normalisation(kind, tmp_path):
    """What is learnt is what a normalised view gives; a checkpoint carries it to evaluation."""
    options = {"phantom": SMALL, "channels": 1, "batch_size": 10, **NORMALISED[kind]}
    own_loop = batches(GazeData(**options))[0][0]  # whoever iterates gets normalised views
    data = GazeData(**options)
    assert data.hand_over_normalisation() == ((0.4,), (0.2,))
    bare = batches(data)[0][0]
    torch.testing.assert_close((bare - 0.4) / 0.2, own_loop)
    model, made = pretrained(GazeData(**options))
    for part in (model.backbone, model.framework.target[0]):
        torch.testing.assert_close(part.mean.flatten(), torch.tensor([0.4]))
        torch.testing.assert_close(part.std.flatten(), torch.tensor([0.2]))
    made.save_checkpoint(tmp_path / "last.ckpt")
    again = load_backbone(tmp_path / "last.ckpt", make_backbone("resnet10-narrow", channels=1))
    image = data.samples("test").image(0)[None]
    torch.testing.assert_close(again(image), model.backbone.eval()(image))
    by_hand = make_backbone("resnet10-narrow", channels=1)
    by_hand.maps.load_state_dict(model.backbone.maps.state_dict())
    torch.testing.assert_close(by_hand.eval()((image - 0.4) / 0.2), again(image))


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_it_comes_before_what_the_backbone_does_already():
    net = make_backbone("resnet10-narrow", channels=1)
    net.mean.fill_(0.5)
    net.std.fill_(0.25)
    model, _ = pretrained(
        GazeData(phantom=SMALL, channels=1, batch_size=10, views=Views(mean=0.1, std=2.0)), net
    )
    image = torch.rand(1, 1, 4, 4)
    both = ((image - 0.1) / 2.0 - 0.5) / 0.25
    torch.testing.assert_close((image - model.backbone.mean) / model.backbone.std, both)
    # Training on does not apply it twice.
    fitted(model, GazeData(phantom=SMALL, channels=1, batch_size=10, views=Views(mean=0.1, std=2.0)))
    torch.testing.assert_close((image - model.backbone.mean) / model.backbone.std, both)
    with pytest.raises(ValueError, match="the backbone has learnt with"):
        fitted(model, GazeData(phantom=SMALL, channels=1, batch_size=10, views=Views(mean=0.2)))


def test_a_module_without_a_place_for_it_is_refused():
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    data = GazeData(phantom=SMALL, channels=1, batch_size=10, views=Views(mean=0.4))
    with pytest.raises(ValueError, match="the backbone is a Sequential, so evaluation would feed it images"):
        pretrained(data, net, dim=4)
    three = v2.Compose([GazeCrop(32), v2.Normalize([0.1, 0.2, 0.3], [1.0, 1.0, 1.0])])
    with pytest.raises(ValueError, match="normalises 3 channels, and the backbone 1; expected equal numbers"):
        pretrained(GazeData(phantom=SMALL, channels=1, batch_size=10, transform=three))
    uneven = TwoViews(three, GazeCrop(32))
    with pytest.raises(ValueError, match=r"one of the two views ends with v2.Normalize"):
        TransformViews(uneven).normalisation()


# --- command line ---------------------------------------------------------------------------------


def parsed(*words):
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--config", action="config")
    parser.add_class_arguments(GazeData, "data")
    config = parser.parse_args([*words, "--data.phantom.n_train=16", "--data.phantom.size=32"])
    again = parser.parse_string(parser.dump(config))  # what config.yaml holds
    return (getattr(parser, "instantiate", None) or parser.instantiate_classes)(again).data


def test_by_class_path(tmp_path):
    data = parsed(
        "--data.batch_size=4",
        "--data.transform=gazesim.torch.GazeCrop",
        "--data.transform.size=20",
        "--data.transform.min_iou=0.7",
    )
    assert isinstance(data.transform.transform, GazeCrop)
    assert data.transform.transform.min_iou == 0.7
    assert batches(data)[0][0].shape == (4, 3, 20, 20)
    config = tmp_path / "c.yaml"
    config.write_text(
        """
data:
  batch_size: 4
  transform:
    class_path: gazesim.torch.TwoViews
    init_args:
      transform:
        class_path: torchvision.transforms.v2.Compose
        init_args:
          transforms:
            - class_path: torchvision.transforms.v2.RandomHorizontalFlip
            - {class_path: gazesim.torch.GazeCrop, init_args: {size: 16, scale: [0.3, 1.0]}}
"""
    )
    data = parsed(f"--config={config}")
    assert batches(data)[0][0].shape == (4, 3, 16, 16)
