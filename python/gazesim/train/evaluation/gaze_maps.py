"""Where a network expects gaze: the maps of a checkpoint's gaze head, their scores, and pictures of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from ..data.samples import Samples
from ..pretrain.checkpoints import LAST, read_checkpoint
from ..pretrain.gaze_head import GazeHead
from ..pretrain.gaze_settings import GazeTargetSettings
from ..saliency.scores import saliency_scores

__all__ = ["GazeNet", "gaze_map_scores", "load_gaze_net", "plot_gaze_maps", "with_gaze"]

#: What the names of the head's weights begin with in a checkpoint.
HEAD = "framework.gaze_head.head."
#: Images at a time through the network.
BATCH = 64


@dataclass(frozen=True)
class GazeNet:
    """A backbone and the gaze head that was trained with it."""

    backbone: nn.Module
    head: GazeHead
    #: The loss that the head was trained with; it decides what its logits mean.
    loss: str

    @torch.no_grad()
    def maps(self, images: torch.Tensor) -> torch.Tensor:
        """Return maps (N, H, W) of at least 0 for images (N, C, H, W), interpolated from the cells.

        Which values are interpolated depends on the loss: the probability of gaze ("bce", "mse"), the
        density of gaze ("kl"), or logits minus the smallest of them ("nss", which fixes no scale).
        """
        with self.head.watching(self.backbone) as seen:
            self.backbone(images)
        logits = self.head(seen[0]).float()
        if self.loss == "kl":
            cells = logits.flatten(1).softmax(dim=1).reshape(logits.shape)
        elif self.loss == "nss":
            cells = logits - logits.amin(dim=(2, 3), keepdim=True)
        else:
            cells = logits.sigmoid()
        found = F.interpolate(cells, images.shape[2:], mode="bilinear", align_corners=False)
        return found[:, 0].clamp_min(0)


def load_gaze_net(path: str | Path, backbone: nn.Module) -> GazeNet | None:
    """Return the gaze head of a checkpoint on its backbone, in eval mode; None without a head that has maps.

    Parameters
    ----------
    path
        A checkpoint of :class:`Contrastive`, or the folder that ``gazesim pretrain`` wrote.
    backbone
        What :func:`load_backbone` returns for it.

    Examples
    --------
    >>> import tempfile, pathlib, torch
    >>> from gazesim.train import Contrastive
    >>> from gazesim.train.evaluation.gaze_maps import load_gaze_net
    >>> model = Contrastive("gaze", "resnet10-narrow", channels=1)
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "last.ckpt"
    >>> torch.save({"gazesim": model.about, "state_dict": model.state_dict()}, file)
    >>> net = load_gaze_net(file, model.backbone)
    >>> net.maps(torch.rand(2, 1, 64, 64)).shape
    torch.Size([2, 64, 64])
    """
    file = Path(path) / LAST if Path(path).is_dir() else Path(path)
    checkpoint = read_checkpoint(file)
    about, state = checkpoint.get("gazesim"), checkpoint.get("state_dict")
    if not isinstance(about, dict) or not isinstance(state, dict) or not about.get("gaze_target"):
        return None
    weights = {name.removeprefix(HEAD): value for name, value in state.items() if name.startswith(HEAD)}
    settings = GazeTargetSettings(**about["gaze_target"])
    head = GazeHead(backbone, settings)
    if not head.has_maps:
        return None
    if {name: value.shape for name, value in weights.items()} != {
        name: value.shape for name, value in head.head.state_dict().items()
    }:
        problem = f"its gaze head does not fit its backbone; expected the weights of {head.stage!r}"
        raise ValueError(f"{file}: {problem}")
    head.head.load_state_dict(weights)
    first = next(backbone.parameters(), torch.zeros(()))
    return GazeNet(backbone.eval(), head.to(first.device).eval(), settings.loss)


def with_gaze(samples: Samples) -> list[int]:
    """Return the positions of images with gaze on them: not an empty map, nor fixations beside the image."""
    named = [i for i in range(len(samples)) if samples.has_gaze(i)]
    return [i for i in named if samples.gaze_map(i) is not None]


def gaze_map_scores(net: GazeNet, samples: Samples) -> dict[str, NDArray[np.float64]]:
    """Return the scores of the head's maps against recorded ones: by name, an array over :func:`with_gaze`.

    CC, KL and SIM compare maps; NSS and AUC-Judd the fixations of all readers: NaN for an image without any,
    and missing where no image has any. The conventions are those of :mod:`gazesim.train.saliency.scores`.

    Raises
    ------
    ValueError
        If no image has gaze on it.

    Examples
    --------
    >>> from gazesim.train import Contrastive, PhantomSettings
    >>> from gazesim.train.evaluation.gaze_maps import GazeNet, gaze_map_scores
    >>> model = Contrastive("gaze", "resnet10-narrow", channels=1)
    >>> samples = PhantomSettings(n_train=3, n_test=0, size=32).samples()
    >>> scores = gaze_map_scores(GazeNet(model.backbone.eval(), model.gaze_head, "bce"), samples)
    >>> list(scores), scores["CC"].shape
    (['CC', 'KL', 'SIM', 'NSS', 'AUC-Judd'], (3,))
    """
    chosen = with_gaze(samples)
    if not chosen:
        raise ValueError(
            f"none of {len(samples)} images has gaze on it; expected some, to score maps against"
        )
    predicted = predicted_maps(net, samples, chosen)
    true = np.stack([_map(samples, i) for i in chosen])
    paths = [_fixations(samples, i) for i in chosen]
    looked = [at for at, path in enumerate(paths) if len(path)]
    if len(looked) in (0, len(paths)):
        return saliency_scores(predicted, true, paths if looked else None)
    scores = saliency_scores(predicted, true)
    part = saliency_scores(predicted[looked], true[looked], [paths[at] for at in looked])
    for name in part.keys() - scores.keys():
        scores[name] = np.full(len(paths), np.nan)
        scores[name][looked] = part[name]
    return {name: scores[name] for name in part}


def predicted_maps(net: GazeNet, samples: Samples, chosen: Sequence[int]) -> NDArray[np.float32]:
    """Return the head's maps (n, H, W) of images by position."""
    first = next(net.backbone.parameters(), torch.zeros(()))
    found = []
    for at in range(0, len(chosen), BATCH):
        images = torch.stack([samples.image(i) for i in chosen[at : at + BATCH]])
        found.append(net.maps(images.to(first)).cpu().numpy())
    return np.concatenate(found)


def _map(samples: Samples, index: int) -> NDArray[np.float32]:
    gaze = samples.gaze_map(index)
    assert gaze is not None
    return gaze.numpy()


def _fixations(samples: Samples, index: int) -> NDArray[np.float64]:
    """Return the fixations of all readers in pixels of the image, (L, 3)."""
    height, width = samples.image(index).shape[1:]
    rows = [np.empty((0, 3))]
    for one in samples.fixations(index):
        path, (left, top, right, bottom) = np.array(one.path, dtype=np.float64), one.image_box
        path[:, :2] = (path[:, :2] - (left, top)) * (width / (right - left), height / (bottom - top))
        rows.append(path)
    return np.concatenate(rows)


def plot_gaze_maps(
    nets: Mapping[str, GazeNet],
    samples: Samples,
    chosen: Sequence[int],
    path: str | Path,
    *,
    masks: Sequence[Any] | None = None,
) -> None:
    """Draw images, their gaze, their masks where there are any, and every network's map, side by side.

    Parameters
    ----------
    nets
        Networks by name, a column each.
    samples, chosen
        The images, and the positions of those that are drawn, a row each.
    path
        The PNG to write. It contains the images, so share it only where the data set allows that.
    masks
        One (H, W) array of booleans or None per image of ``samples``.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from gazesim.train import Contrastive, PhantomSettings
    >>> from gazesim.train.evaluation.gaze_maps import GazeNet, plot_gaze_maps
    >>> model = Contrastive("gaze", "resnet10-narrow", channels=1)
    >>> samples = PhantomSettings(n_train=1, n_test=0, size=32).samples()
    >>> with TemporaryDirectory() as folder:
    ...     picture = Path(folder) / "gaze.png"
    ...     plot_gaze_maps({"gaze": GazeNet(model.backbone, model.gaze_head, "bce")}, samples, [0], picture)
    ...     picture.exists()
    True
    """
    from ...plots.affinity import new_figure

    if not nets or not len(chosen):
        raise ValueError(f"{len(nets)} networks and {len(chosen)} images are given; expected some of both")
    has_masks = masks is not None and any(masks[i] is not None for i in chosen)
    titles = ["image", "gaze", *(["mask"] if has_masks else []), *nets]
    maps = [predicted_maps(net, samples, chosen) for net in nets.values()]
    figure = new_figure(2.0 * len(titles), 2.0 * len(chosen) + 0.3)
    axes = figure.subplots(len(chosen), len(titles), squeeze=False)
    for row, i in enumerate(chosen):
        gaze = samples.gaze_map(i)
        shown: list[Any] = [None if gaze is None else gaze.numpy()]
        if has_masks and masks is not None:
            shown.append(masks[i])
        shown += [one[row] for one in maps]
        axes[row, 0].imshow(samples.image(i).mean(dim=0).numpy(), cmap="gray", vmin=0, vmax=1)
        for cell, one in zip(axes[row, 1:], shown, strict=True):
            if one is not None:
                cell.imshow(one, cmap="magma")
        for cell in axes[row]:
            cell.set_axis_off()
        axes[row, 0].text(0, -1, samples.ids[i], fontsize=7, va="bottom")
    for cell, title in zip(axes[0], titles, strict=True):
        cell.set_title(title, fontsize=9)
    figure.savefig(path, dpi=130, format="png")
