"""Image, gaze map and head stay in step: a lesion is moved, and all three have their maximum in one place."""

from __future__ import annotations

import pytest

pytest.importorskip("gazesim.train")

import numpy as np
import torch
from torch import nn
from torchvision.transforms import v2

from gazesim.torch import GazeCrop
from gazesim.train import ArraySamples, Backbone, Contrastive, Views
from gazesim.train.data.loader import ViewPairs
from gazesim.train.data.transform_views import TransformViews

SIZE, CELL = 64, 8


def lesions():
    """Dark images with a bright square each, in places all over the image, and gaze on the squares."""
    places = [(row, column) for row in (6, 22, 40, 50) for column in (4, 20, 34, 52)]
    images = np.zeros((len(places), SIZE, SIZE))
    for image, (row, column) in zip(images, places, strict=True):
        image[row : row + 7, column : column + 7] = 1
    # Readers look at a lesion, not at its edges.
    return ArraySamples(images, heatmaps=images, splits=["train"] * len(images))


VIEWS = {
    "none": Views(crop="none", horizontal_flip=0, vertical_flip=0),
    "crop": Views(horizontal_flip=0, vertical_flip=0),
    "left and right": Views(crop="none", horizontal_flip=1, vertical_flip=0),
    "up and down": Views(crop="none", horizontal_flip=0, vertical_flip=1),
    "all": Views(),
    "gaze crop": Views(crop="gaze"),
    "size-matched": Views(crop="size-matched"),
    "cutout elsewhere": Views(crop="gaze", cutout="gaze"),
    "mask": Views(mask_probability=1.0),
}
TRANSFORMS = {
    "GazeCrop": GazeCrop(SIZE),
    "RandomResizedCrop": v2.RandomResizedCrop(SIZE),
    "flips": v2.Compose([v2.RandomHorizontalFlip(), v2.RandomVerticalFlip()]),
    "RandomRotation": v2.RandomRotation(180),
    "RandomAffine": v2.RandomAffine(30, translate=(0.2, 0.2), scale=(0.7, 1.3), shear=10),
    "RandomPerspective": v2.RandomPerspective(0.4, p=1.0),
    "ElasticTransform": v2.ElasticTransform(alpha=60.0),
    "RandomZoomOut": v2.Compose([v2.RandomZoomOut(side_range=(1, 1.6), p=1.0), v2.Resize((SIZE, SIZE))]),
}


def peak(one):
    """The centre of mass of what is above half of the range, in rows and columns."""
    high = one >= (one.max() + one.min()) / 2
    return high.nonzero().double().mean(dim=0)


def check(pairs):
    """Compare the places in views and maps, and in the head's logits and the cells of the target."""
    net = Backbone(nn.Sequential(nn.AvgPool2d(CELL), nn.Conv2d(1, 1, 1, bias=False)), 1)
    model = Contrastive("gaze", net)
    with torch.no_grad():
        net.maps[1].weight.fill_(1)
        model.gaze_head.head.weight.fill_(1)
    compared, moved = 0, set()
    for epoch in range(3):
        x0, x1, _, maps = pairs.__getitems__([(epoch, index) for index in range(len(pairs))])
        for views, gaze in ((x0, maps.first), (x1, maps.second)):
            logits = model.gaze_logits(views).detach()
            cells = nn.functional.adaptive_avg_pool2d(gaze, logits.shape[-2:])
            for view, one, logit, cell in zip(views, gaze, logits, cells, strict=True):
                if float(cell.max()) < 0.2:  # the crop has lost the lesion
                    continue
                assert (peak(view[0]) - peak(one[0])).abs().max() <= 1.5
                assert (peak(logit[0]) - peak(cell[0])).abs().max() <= 1
                # A small lesion may lie on the border of two cells.
                assert float(cell.flatten()[logit.argmax()]) >= 0.6 * float(cell.max())
                compared += 1
                moved.add(int(cell.argmax()))
    assert compared > 30
    assert len(moved) > 8


@pytest.mark.parametrize("name", VIEWS)
def test_views_move_image_map_and_head_alike(name):
    views = Views(**vars(VIEWS[name]) | {"jitter": 0.0, "blur_probability": 0.0})
    check(ViewPairs(lesions(), views, SIZE, 0, maps=True))


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms_move_image_map_and_head_alike(name):
    made = TransformViews(TRANSFORMS[name])
    check(ViewPairs(lesions(), Views(), SIZE, 0, made, maps=True))


def test_a_map_that_is_not_moved_is_found_out():
    """The check itself can fail."""

    def moves_the_image_alone(image, gaze):
        return v2.functional.horizontal_flip(image), gaze

    with pytest.raises(AssertionError):
        check(ViewPairs(lesions(), Views(), SIZE, 0, TransformViews(moves_the_image_alone), maps=True))


def test_a_transform_that_loses_the_map_is_named():
    pairs = ViewPairs(lesions(), Views(), SIZE, 0, TransformViews(lambda image, _: (image, None)), maps=True)
    with pytest.raises(TypeError, match="transform made None of the gaze map of image '0'"):
        pairs.__getitems__([(0, 0)])
