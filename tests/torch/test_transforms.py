"""Transforms: torchvision's geometry pixel for pixel, gaze kept, generators, malformed samples."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("torchvision")

from scipy.stats import chi2_contingency  # noqa: E402
from torch.utils.data import DataLoader, Dataset  # noqa: E402
from torchvision import tv_tensors  # noqa: E402
from torchvision.transforms import v2  # noqa: E402
from torchvision.transforms.v2 import functional as F  # noqa: E402

import gazesim  # noqa: E402
from gazesim.phantom import phantom  # noqa: E402
from gazesim.reference import views as twin  # noqa: E402
from gazesim.torch import GazeCrop, GazeCutout, GazeMask, TwoViews  # noqa: E402

TRANSFORMS = [GazeCrop(16), GazeCutout(6), GazeMask()]


@pytest.fixture(scope="module")
def data():
    return phantom(24, seed=4)


def pair(data, index):
    return tv_tensors.Image(data.images[index][None]), tv_tensors.Mask(data.heatmaps[index])


def test_iou_of_torchvisions_own_crops(data):
    """The share of a RandomResizedCrop's box is what its own kernel leaves of the support."""
    torch.manual_seed(0)
    crop = v2.RandomResizedCrop(64)
    for index in range(24):
        image, gaze = pair(data, index)
        support = tv_tensors.Mask(gaze > 0.1 * gaze.max())
        for _ in range(20):
            box = crop.make_params([image])
            corners = [box["left"], box["top"], box["left"] + box["width"], box["top"] + box["height"]]
            kept = F.crop(support, **box).sum() / support.sum()
            share = gazesim.views.iou(gaze.numpy(), [corners])[0]
            assert share == pytest.approx(kept.item(), abs=1e-6)
            holed = F.erase(tv_tensors.Image(support.float()[None]), *box_as_hole(box), torch.zeros(1))
            cut = gazesim.views.iou(gaze.numpy(), [corners], kind="cutout")[0]
            assert cut == pytest.approx((holed.sum() / support.sum()).item(), abs=1e-6)


def box_as_hole(box):
    return box["top"], box["left"], box["height"], box["width"]


def test_crop_keeps_image_map_and_boxes_together(data):
    """What comes out is torchvision's resized_crop of every part with the box that was drawn."""
    torch.manual_seed(1)
    crop = GazeCrop(32, scale=(0.2, 1.0))
    for index in range(24):
        image, gaze = pair(data, index)
        lesion = tv_tensors.BoundingBoxes([data.boxes[index].tolist()], format="XYXY", canvas_size=(64, 64))
        views = crop(image, gaze, lesion, int(data.labels[index]))
        x0, y0, x1, y1 = crop.last.box
        box = {"top": y0, "left": x0, "height": y1 - y0, "width": x1 - x0, "size": [32, 32]}
        for part, view in zip((image, gaze, lesion), views, strict=False):
            assert type(view) is type(part)
            assert torch.equal(view, F.resized_crop(part, **box))
        assert views[3] == data.labels[index]
        support = (gaze > 0.1 * gaze.max()).as_subclass(torch.Tensor)
        assert support[y0:y1, x0:x1].sum() / support.sum() == pytest.approx(crop.last.iou)
        assert crop.last.iou >= 0.8


def test_crop_draws_torchvisions_sizes():
    """On a map without gaze GazeCrop is RandomResizedCrop: equal distributions of sizes."""
    torch.manual_seed(2)
    image, gaze = torch.zeros(1, 6, 9), torch.zeros(6, 9)
    ours = GazeCrop(4, scale=(0.1, 1.0), ratio=(0.5, 2.0))
    theirs = v2.RandomResizedCrop(4, scale=(0.1, 1.0), ratio=(0.5, 2.0))
    sizes = [[], []]
    for _ in range(4000):
        ours(image, gaze)
        x0, y0, x1, y1 = ours.last.box
        sizes[0].append((x1 - x0, y1 - y0))
        box = theirs.make_params([image])
        sizes[1].append((box["width"], box["height"]))
    kinds = sorted(set(sizes[0] + sizes[1]))
    table = np.array([[drawn.count(kind) for kind in kinds] for drawn in sizes])
    common = table[:, table.sum(axis=0) >= 20]
    assert chi2_contingency(common).pvalue > 1e-4
    assert ours.counts == {"views": 4000, "tries": 4000, "fallbacks": 0, "empty": 4000}


def test_one_word_change():
    """The same arguments as RandomResizedCrop, positional ones included."""
    crop = GazeCrop([20, 24], (0.3, 1.0), (0.9, 1.1), v2.InterpolationMode.NEAREST, True)
    assert isinstance(crop, v2.RandomResizedCrop)
    image, gaze = crop(torch.rand(3, 40, 40), torch.rand(40, 40))
    assert image.shape == (3, 20, 24)
    assert gaze.shape == (20, 24)
    assert "min_iou=0.8" in repr(crop)


def test_later_transforms_move_both(data):
    """A plain map becomes a Mask, so that flips and rotations keep it on the image."""
    torch.manual_seed(3)
    chain = v2.Compose(
        [GazeCrop(64), v2.RandomHorizontalFlip(), v2.RandomVerticalFlip(), v2.RandomRotation(180)]
    )
    gaze = torch.from_numpy(data.heatmaps[1])
    image = gaze[None].clone()  # the image is the map, so they must stay equal
    for _ in range(20):
        image_out, gaze_out = chain(tv_tensors.Image(image), gaze)
        both_seen = (image_out[0] > 0.5 * image.max()) & (gaze_out > 0.5 * gaze.max())
        either = (image_out[0] > 0.5 * image.max()) | (gaze_out > 0.5 * gaze.max())
        assert both_seen.sum() >= 0.7 * either.sum()


@pytest.mark.parametrize("fill", [0.0, (0.1, 0.2, 0.3)])
def test_cutout_fills_holes_and_nothing_else(data, fill):
    torch.manual_seed(4)
    cutout = GazeCutout(12, n_holes=2, fill=fill)
    image = torch.rand(3, 64, 64) + 1
    out, gaze = cutout(image, torch.from_numpy(data.heatmaps[2]))
    holes = np.any([twin.mask((64, 64), box) for box in cutout.last.boxes], axis=0)
    expected = torch.where(torch.from_numpy(holes), torch.tensor(fill).reshape(-1, 1, 1), image)
    assert torch.equal(out, expected)
    assert torch.equal(gaze.as_subclass(torch.Tensor), torch.from_numpy(data.heatmaps[2]))
    assert twin.share(twin.weights(data.heatmaps[2]), ~holes) == cutout.last.iou >= 0.9


@pytest.mark.parametrize("drop", [0.0, 0.29, 0.8, 1.0])
def test_mask_keeps_the_most_salient_pixels(drop, rng):
    gaze = torch.from_numpy(rng.permutation(400.0 + np.arange(400)).reshape(20, 20))
    out, _ = GazeMask(drop)(torch.ones(1, 20, 20), gaze)
    kept = int(out.sum())
    assert kept == max(round((1 - drop) * 400), 1)
    assert gaze[out[0] == 1].min() > gaze[out[0] == 0].max() if kept < 400 else True


def test_mask_drops_what_nobody_looked_at():
    gaze = torch.zeros(10, 10)
    gaze[0, :5] = 1
    mask = GazeMask(0.8)
    out, _ = mask(torch.ones(1, 10, 10), gaze)
    assert torch.equal(out[0], gaze)
    assert mask.last.iou == 1
    out, _ = mask(torch.ones(1, 10, 10), torch.zeros(10, 10))
    assert out.all()
    assert mask.counts["empty"] == 1


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda t: type(t).__name__)
@pytest.mark.parametrize(
    "dtype",
    [torch.bool, torch.uint8, torch.int64, torch.float16, torch.bfloat16, torch.float32, torch.float64],
)
def test_any_map_type(transform, dtype):
    gaze = torch.zeros(24, 24, dtype=dtype)
    gaze[8:14, 8:14] = 1
    for one in (gaze, gaze[None], tv_tensors.Mask(gaze)):
        image, out = transform(torch.ones(3, 24, 24), one)
        assert image.dtype == torch.float32
        assert out.dtype == dtype
        assert not transform.last.empty


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda t: type(t).__name__)
def test_pil_images_of_every_mode(transform):
    gaze = torch.zeros(24, 24)
    gaze[8:14, 8:14] = 1
    for mode in ("L", "RGB", "RGBA", "F", "I", "I;16"):
        picture = PIL.Image.new("I;16" if mode == "I;16" else mode, (24, 24), 200 if len(mode) < 3 else None)
        if mode == "I;16":
            picture = PIL.Image.fromarray(np.full((24, 24), 40_000, np.uint16))
        changed, _ = transform(picture, gaze)
        assert changed.mode == picture.mode
        assert np.array_equal(np.asarray(changed)[10, 10], np.asarray(picture)[10, 10])
    if not isinstance(transform, GazeCrop):
        for mode in ("1", "P"):
            with pytest.raises(
                ValueError, match=f"an image has the mode '{mode}', whose numbers are no bright"
            ):
                transform(PIL.Image.new(mode, (24, 24)), gaze)


def test_a_fill_that_pixels_cannot_hold_is_named():
    gaze = torch.zeros(24, 24)
    gaze[8:14, 8:14] = 1
    for fill in (-1, 300):
        with pytest.raises(
            ValueError, match=rf"fill is .*{fill}.*; expected 0 to 255 for pixels of torch.uint8"
        ):
            GazeMask(0.5, fill=fill)(torch.zeros(1, 24, 24, dtype=torch.uint8), gaze)


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda t: type(t).__name__)
def test_pil_images_uint8_images_and_gradients(transform):
    gaze = torch.rand(24, 24, requires_grad=True)
    picture, _ = transform(PIL.Image.new("RGB", (24, 24), "white"), gaze)
    assert isinstance(picture, PIL.Image.Image)
    assert picture.mode == "RGB"
    image, _ = transform(torch.full((1, 24, 24), 255, dtype=torch.uint8), gaze)
    assert image.dtype == torch.uint8
    out = transform(
        {"image": tv_tensors.Image(torch.ones(1, 24, 24)), "gaze": tv_tensors.Mask(gaze), "id": "a"}
    )
    assert out["id"] == "a"


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda t: type(t).__name__)
@pytest.mark.parametrize(
    ("sample", "message"),
    [
        ((torch.ones(1, 9, 9),), "got no gaze map, only Tensor; expected"),
        ((torch.ones(1, 9, 9), "map.png"), "got no gaze map, only Tensor, str"),
        ((PIL.Image.new("L", (9, 9)), np.ones((9, 9))), "got no gaze map, only Image, ndarray"),
        ((torch.ones(1, 9, 9), torch.ones(9, 8)), r"\(height, width\) \(9, 8\), the image \(9, 9\)"),
        ((torch.ones(2, 1, 9, 9), torch.ones(2, 1, 9, 9)), r"shape \(2, 1, 9, 9\); expected \(H, W\)"),
        ((torch.ones(2, 1, 9, 9), torch.ones(2, 9, 9)), r"shape \(2, 9, 9\); expected \(H, W\)"),
        ((torch.ones(1, 9, 9), torch.full((9, 9), torch.nan)), "(?i)nan"),
        ((torch.ones(1, 9, 9), -torch.ones(9, 9)), "at least 0|from 0 to"),
        ((torch.ones(1, 9, 9), torch.full((9, 9), torch.inf)), "(?i)inf"),
        ((torch.ones(1, 9, 9), torch.ones(9, 9, dtype=torch.complex64)), "expected real numbers"),
        ((tv_tensors.Mask(torch.ones(9, 9)), tv_tensors.Mask(torch.ones(9, 9))), "got 2 tv_tensors.Mask"),
    ],
)
def test_bad_samples_get_one_sentence(transform, sample, message):
    with pytest.raises((TypeError, ValueError), match=message) as raised:
        transform(*sample)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GazeCrop(8, min_iou=2), "min_iou is 2"),
        (lambda: GazeCutout(0), "size is 0"),
        (lambda: GazeCutout(4, n_holes=0), "n_holes is 0"),
        (lambda: GazeCutout(4, fill="red"), "fill is 'red'"),
        (lambda: GazeMask(1.5), "drop is 1.5"),
    ],
)
def test_bad_parameters_are_named(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_fill_for_the_wrong_number_of_channels():
    with pytest.raises(ValueError, match=r"fill is .* channels"):
        GazeCutout(4, fill=(1, 2))(torch.ones(3, 16, 16), torch.zeros(16, 16))


def devices():
    """The processor, and a graphics card where there is one."""
    return ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]


@pytest.mark.parametrize("device", devices())
@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda t: type(t).__name__)
def test_tensors_stay_on_their_device(transform, device):
    gaze = torch.rand(24, 24, device=device)
    image, out = transform(torch.ones(3, 24, 24, device=device), gaze)
    assert image.device.type == device
    assert out.device.type == device


class Views(Dataset):
    """Every item is the box that was drawn for the same image."""

    def __init__(self):
        self.image, self.gaze = torch.zeros(1, 48, 48), torch.zeros(48, 48)
        self.gaze[20:26, 20:26] = 1
        self.crop = GazeCrop(8, scale=(0.2, 1.0))

    def __len__(self):
        return 32

    def __getitem__(self, index):
        self.crop(self.image, self.gaze)
        worker = torch.utils.data.get_worker_info()
        return torch.tensor([worker.id, *self.crop.last.box])


def epoch(context):
    torch.manual_seed(7)
    loader = DataLoader(Views(), batch_size=4, num_workers=2, multiprocessing_context=context, timeout=900)
    return torch.cat(list(loader))


@pytest.mark.parametrize("context", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")
def test_workers_after_a_parallel_call(context):
    """No hang, different draws in different workers, the same again under the same seed."""
    gazes = [np.random.default_rng(seed).random((40, 3)) for seed in range(100)]
    gazesim.affinity(gazes, screen_size=(1, 1), n_threads=2)
    first = epoch(context)
    boxes = {tuple(row) for row in first[:, 1:].tolist()}
    assert set(first[:, 0].tolist()) == {0, 1}
    assert len(boxes) > 24
    if context == "fork":  # starting interpreters again shows nothing new
        assert torch.equal(first, epoch(context))
    else:
        torch.testing.assert_close(first, epoch("fork"), rtol=0, atol=0)


def test_reproducible_under_manual_seed(data):
    views = TwoViews(v2.Compose([GazeCrop(16), GazeCutout(6), v2.RandomHorizontalFlip()]))

    def draw():
        torch.manual_seed(5)
        return torch.stack(views(*pair(data, 3)))

    assert torch.equal(draw(), draw())
    first, second = draw()
    assert not torch.equal(first, second)
