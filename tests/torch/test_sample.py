"""Image and map move together under every geometric transform of torchvision, whatever their types."""

from __future__ import annotations

import inspect

import numpy as np
import PIL.Image
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("torchvision")

from torchvision import tv_tensors  # noqa: E402
from torchvision.transforms import v2  # noqa: E402

from gazesim.torch import GazeCrop, GazeCutout, GazeMask, GazeTransformd, TwoViews  # noqa: E402

SIZE = 96
#: Where the lesion is, far from the middle, and nowhere that a flip or a turn maps to itself.
LESION = (slice(30, 40), slice(12, 22))

GEOMETRIC = {
    "RandomHorizontalFlip": v2.RandomHorizontalFlip(1.0),
    "RandomVerticalFlip": v2.RandomVerticalFlip(1.0),
    "Resize": v2.Resize((70, 120)),
    "CenterCrop": v2.CenterCrop(86),
    "RandomResizedCrop": v2.RandomResizedCrop(80, scale=(0.6, 1.0)),
    "Pad": v2.Pad((20, 3, 0, 9)),
    "RandomZoomOut": v2.RandomZoomOut(side_range=(1.2, 2.0), p=1.0),
    "RandomRotation": v2.RandomRotation(90),
    "RandomAffine": v2.RandomAffine(40, translate=(0.1, 0.1), scale=(0.7, 1.1), shear=15),
    "RandomCrop": v2.RandomCrop(80, padding=10),
    "RandomPerspective": v2.RandomPerspective(0.3, p=1.0),
    "ElasticTransform": v2.ElasticTransform(alpha=80.0, sigma=6.0),
    "ScaleJitter": v2.ScaleJitter((SIZE, SIZE), (0.5, 1.5)),
    "RandomShortestSize": v2.RandomShortestSize([60, 130]),
    "RandomResize": v2.RandomResize(60, 130),
}
#: These do not take maps: torchvision says so itself.
REFUSED = {
    "FiveCrop": v2.FiveCrop(40),
    "TenCrop": v2.TenCrop(40),
    "RandomIoUCrop": v2.RandomIoUCrop(),
    "RandAugment": v2.RandAugment(),
    "TrivialAugmentWide": v2.TrivialAugmentWide(),
    "AutoAugment": v2.AutoAugment(),
    "AugMix": v2.AugMix(),
}


def test_no_geometric_transform_is_forgotten():
    from torchvision.transforms.v2 import _geometry

    known = {
        name
        for name, kind in vars(_geometry).items()
        if inspect.isclass(kind) and issubclass(kind, v2.Transform) and kind.__module__ == _geometry.__name__
    }
    assert known == (GEOMETRIC.keys() | REFUSED.keys()) & known


def arrays(channels):
    image = np.zeros((SIZE, SIZE, channels), np.uint8)
    image[LESION] = 255
    return image, image[:, :, 0].copy()


def plain(channels):
    image, gaze = arrays(channels)
    return torch.from_numpy(image).permute(2, 0, 1).float() / 255, torch.from_numpy(gaze).float() / 255


def pil(channels):
    image, gaze = arrays(channels)
    return PIL.Image.fromarray(image if channels == 3 else image[:, :, 0]), gaze


SAMPLES = {
    "tensor, tensor": lambda: plain(3),
    "grey tensor, tensor (1, H, W)": lambda: (plain(1)[0], plain(1)[1][None]),
    "tensor (H, W), tensor": lambda: (plain(1)[0][0], plain(1)[1]),
    "tensor, Mask": lambda: (plain(3)[0], tv_tensors.Mask(plain(3)[1])),
    "tensor, Image": lambda: (plain(1)[0], tv_tensors.Image(plain(1)[1])),
    "Image, tensor": lambda: (tv_tensors.Image(plain(3)[0]), plain(3)[1]),
    "Image, Image": lambda: (tv_tensors.Image(plain(3)[0]), tv_tensors.Image(plain(3)[1])),
    "RGB PIL, tensor": lambda: (pil(3)[0], plain(3)[1]),
    "grey PIL, PIL": lambda: (pil(1)[0], PIL.Image.fromarray(pil(1)[1])),
    "RGB PIL, array": lambda: pil(3),
    "array (H, W, 3), array": lambda: arrays(3),
    "array (3, H, W), float array": lambda: (plain(3)[0].numpy(), plain(3)[1].double().numpy()),
    "array (H, W), bool array": lambda: (arrays(1)[1], arrays(1)[1] > 0),
    "array (H, W), tensor": lambda: (arrays(1)[1], plain(1)[1]),
    "flipped array, big-endian array": lambda: (
        np.flipud(np.flipud(arrays(3)[0]).copy()),
        arrays(1)[1].astype(">f4"),
    ),
}


def centre(values):
    """Return the centre of mass of (H, W), or None where hardly anything is seen."""
    weight = values.double().numpy() / max(float(values.max()), 1e-9)
    weight = np.where(weight > 0.5, weight, 0)
    if weight.sum() < 40:
        return None
    rows, columns = np.indices(weight.shape)
    return np.array([(rows * weight).sum(), (columns * weight).sum()]) / weight.sum()


def pixels(image):
    tensor = v2.functional.pil_to_tensor(image) if isinstance(image, PIL.Image.Image) else image
    tensor = tensor.as_subclass(torch.Tensor).float()
    return tensor[0] if tensor.ndim == 3 else tensor


def assert_together(view, seen):
    image, gaze = pixels(view), pixels(seen)
    assert image.shape == gaze.shape
    lesion, looked_at = centre(image), centre(gaze)
    if lesion is not None and looked_at is not None:
        # Maps are resized to the nearest pixel: half a pixel of the source, enlarged.
        assert np.abs(lesion - looked_at).max() < 2.5
        return True
    assert lesion is looked_at is None or min((image > 0.5).sum(), (gaze > 0.5).sum()) < 60
    return False


@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize("name", GEOMETRIC)
def test_before_a_gaze_crop_in_two_views(name, kind):
    """The lesion of every view is where its map says; and the crop keeps it."""
    torch.manual_seed(0)
    image, gaze = SAMPLES[kind]()
    chain = v2.Compose([GEOMETRIC[name], GazeCrop(64, scale=(0.2, 0.8))])
    views = TwoViews(chain, GEOMETRIC[name], maps=True)
    found = sum(assert_together(*pair) for _ in range(2) for pair in views(image, gaze))
    assert found >= 2


@pytest.mark.parametrize("name", GEOMETRIC)
def test_in_dictionaries(name):
    torch.manual_seed(1)
    image, gaze = plain(3)
    chain = v2.Compose([GEOMETRIC[name], GazeCutout(10)])
    for order in (("image", "gaze"), ("gaze", "image")):
        sample = {"image": image, "gaze": gaze}
        out = GazeTransformd("image", "gaze", chain)({key: sample[key] for key in order})
        assert_together(out["image"], out["gaze"])


@pytest.mark.parametrize("name", GEOMETRIC)
@pytest.mark.parametrize("gaze_transform", [GazeCrop(64), GazeCutout(8), GazeMask(0.5)])
def test_after_a_gaze_transform_without_two_views(name, gaze_transform):
    torch.manual_seed(2)
    image, gaze = plain(3)
    noisy = image + 0.3  # so that a mask or a hole differs from the background
    view, seen = v2.Compose([gaze_transform, GEOMETRIC[name]])(noisy, gaze)
    assert type(seen) is tv_tensors.Mask
    assert view.shape[-2:] == seen.shape[-2:]
    assert_together((view - 0.3).clamp_min(0), seen)


@pytest.mark.parametrize("name", REFUSED)
def test_what_takes_no_map_is_refused(name):
    with pytest.raises((TypeError, ValueError)):
        TwoViews(REFUSED[name])(torch.zeros(3, SIZE, SIZE, dtype=torch.uint8), plain(3)[1])


def test_an_image_comes_back_as_it_came():
    flip = TwoViews(v2.RandomHorizontalFlip(1.0), maps=True)
    for kind, shape in (("tensor (H, W), tensor", (SIZE, SIZE)), ("tensor, tensor", (3, SIZE, SIZE))):
        view, _ = flip(*SAMPLES[kind]())[0]
        assert type(view) is torch.Tensor
        assert view.shape == shape
    assert isinstance(flip(*SAMPLES["RGB PIL, tensor"]())[0][0], PIL.Image.Image)
    image, gaze = arrays(3)
    flip(image, gaze)[0][0].zero_()
    assert image.any()  # an array is copied, not shared


@pytest.mark.parametrize(
    ("image", "gaze", "message"),
    [
        (tv_tensors.Mask(torch.ones(9, 9)), torch.ones(1, 9, 9), "the image is a tv_tensors.Mask; expected"),
        (torch.ones(3, 9, 9), torch.ones(3, 9, 9), r"gaze map has shape \(3, 9, 9\); expected \(H, W\)"),
        (torch.ones(3, 9, 9), PIL.Image.new("RGB", (9, 9)), "PIL image of mode 'RGB'; expected one band"),
        (torch.ones(3, 9, 9), PIL.Image.new("P", (9, 9)), "PIL image of mode 'P'; expected one band"),
        (torch.ones(3, 9, 9), None, "the gaze map is None; expected a tensor"),
        (torch.ones(3, 9, 9), "map.png", "the gaze map is 'map.png'; expected"),
        ("a.png", torch.ones(9, 9), "the image is 'a.png'; expected"),
        (torch.ones(2, 3, 9, 9), torch.ones(9, 9), "the image is Tensor of shape"),
        (torch.ones(3, 9, 8), torch.ones(9, 9), r"map has \(height, width\) \(9, 9\), the image \(9, 8\)"),
        (np.ones((4, 4, 4)), np.ones((4, 4)), "whose channels may come first or last"),
        (np.ones((9, 9), object), np.ones((9, 9)), "the image is an array of dtype object"),
        (np.ones((9, 9)), np.ones((9, 9), complex), "the gaze map is an array of dtype complex128"),
        (PIL.Image.new("L", (8, 9)), np.ones((9, 9)), r"the image \(9, 8\)"),
    ],
)
def test_what_cannot_be_told_is_refused(image, gaze, message):
    with pytest.raises((TypeError, ValueError), match=message) as raised:
        TwoViews(v2.RandomHorizontalFlip())(image, gaze)
    assert str(raised.value).startswith("TwoViews: ")


@pytest.mark.parametrize("transform", [GazeCrop(4), GazeCutout(2), GazeMask()])
def test_a_gaze_transform_does_not_guess(transform):
    """By order in a tuple; a dictionary has none."""
    image, gaze = torch.rand(1, 9, 9), torch.rand(1, 9, 9)
    with pytest.raises(TypeError, match=r"cannot tell which of Tensor, Tensor .* GazeTransformd"):
        transform({"gaze": gaze, "image": image})
    with pytest.raises(TypeError, match="cannot tell which of Tensor, Image is the gaze map"):
        transform(image, tv_tensors.Image(gaze))
    out = transform({"gaze": gaze, "image": tv_tensors.Image(image), "label": torch.tensor(1)})
    assert type(out["gaze"]) is tv_tensors.Mask
    out = transform((tv_tensors.Image(image), gaze), "id")
    assert type(out[0][1]) is tv_tensors.Mask


def test_channels_last_in_a_dictionary_are_refused():
    sample = {"image": np.zeros((9, 9, 3), np.float32), "gaze": np.zeros((9, 9), np.float32)}
    with pytest.raises(ValueError, match=r"'image' has shape \(9, 9, 3\) and the gaze map 'gaze' \(9, 9\)"):
        GazeTransformd("image", "gaze", GazeCrop(4))(sample)


def test_unwrapping_belongs_to_the_end():
    with pytest.raises(ValueError, match="ToPureTensor stands before RandomHorizontalFlip"):
        TwoViews(v2.Compose([v2.Compose([v2.ToPureTensor()]), v2.RandomHorizontalFlip(), GazeCrop(8)]))
    views = TwoViews(v2.Compose([GazeCrop(8), v2.ToPureTensor()]), maps=True)
    assert type(views(torch.rand(1, 9, 9), torch.rand(9, 9))[0][1]) is torch.Tensor


def test_a_transform_has_to_return_both():
    with pytest.raises(TypeError, match=r"the transform returned Tensor .*expected \(image, gaze_map\)"):
        TwoViews(lambda image, gaze: image)(torch.rand(1, 9, 9), torch.rand(9, 9))


@pytest.mark.parametrize(
    ("transform", "name"),
    [
        (GazeCrop(8), "min_iou"),
        (GazeCrop(8), "scale"),
        (GazeCrop(8), "ratio"),
        (GazeCrop(8), "method"),
        (GazeCutout(8), "min_iou"),
        (GazeCutout(8), "size"),
        (GazeCutout(8), "n_holes"),
    ],
)
def test_an_attribute_without_effect_cannot_be_set(transform, name):
    before = getattr(transform, name)
    with pytest.raises(AttributeError, match=rf"{name} cannot be changed; expected a new one"):
        setattr(transform, name, 0.5)
    assert getattr(transform, name) == before
