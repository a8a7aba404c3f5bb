"""BYOL in plain PyTorch, with positives picked by gaze (McGIP), on a synthetic data set.

    python examples/plain_loop.py [--quick] [--plain]

Eight lines make a BYOL loop a McGIP loop; they are marked. Affinities are computed in memory here; for
data on disk build them once, with AffinityCache.build, and give the cache to PairMask instead. With
--plain the same loop runs without gaze. Needs gazesim[torch].
"""

import argparse
import copy

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from gazesim import Moments  # gaze
from gazesim.phantom import phantom
from gazesim.torch import CosinePairLoss, PairMask  # gaze


class TwoRandomViews(Dataset):
    """Two random views of an image, and its id: the loop has to know whom it sees."""

    views = v2.Compose(
        [
            v2.RandomResizedCrop(48, scale=(0.3, 1.0)),
            v2.RandomHorizontalFlip(),
            v2.RandomVerticalFlip(),
            v2.RandomApply([v2.GaussianNoise(sigma=0.05)]),
        ]
    )

    def __init__(self, images):
        self.images = torch.from_numpy(images)[:, None]

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = self.images[index]
        return self.views(image), self.views(image), index  # gaze: the id


class Byol(nn.Module):
    """A small backbone with BYOL's two heads."""

    def __init__(self, width=32):
        super().__init__()
        stages = []
        for channels, more in ((1, 1), (width, 2), (2 * width, 4)):
            stages += [
                nn.Conv2d(channels, more * width, 3, stride=2, padding=1),
                nn.BatchNorm2d(more * width),
                nn.ReLU(),
            ]
        self.backbone = nn.Sequential(*stages, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.projector = head(4 * width)
        self.predictor = head(64)

    def forward(self, images):
        """Return prediction and projection."""
        z = self.projector(self.backbone(images))
        return self.predictor(z), z


def head(features):
    """Return a two-layer perceptron with a normalised output, without which short runs collapse."""
    return nn.Sequential(
        nn.Linear(features, 128),
        nn.BatchNorm1d(128),
        nn.ReLU(),
        nn.Linear(128, 64),
        nn.BatchNorm1d(64, affine=False),
    )


def main():
    """Train, and say how it goes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="128 images and 3 epochs, some seconds")
    parser.add_argument("--plain", action="store_true", help="without gaze")
    options = parser.parse_args()
    images, epochs = (128, 3) if options.quick else (1024, 25)

    torch.manual_seed(0)
    data = phantom(images, seed=0)
    features = Moments().features(data.heatmaps)  # gaze: computed once
    mask = PairMask(features, top_k=2)  # gaze

    loader = DataLoader(TwoRandomViews(data.images), batch_size=64, shuffle=True, drop_last=True)
    online = Byol()
    target = copy.deepcopy(online).requires_grad_(False)
    optimizer = torch.optim.AdamW(online.parameters(), 2e-3)
    loss_of = CosinePairLoss()

    for epoch in range(epochs):
        losses, positives = [], []
        for first, second, ids in loader:  # gaze: the ids
            weights = None if options.plain else mask(ids)  # gaze
            (p0, _), (p1, _) = online(first), online(second)
            with torch.no_grad():
                (_, t0), (_, t1) = target(first), target(second)
            loss = (loss_of(p0, t1, weights) + loss_of(p1, t0, weights)) / 2  # gaze: weights
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                for slow, fast in zip(target.parameters(), online.parameters(), strict=True):
                    slow.lerp_(fast, 0.03)
            losses.append(loss.item())
            positives.append(1.0 if weights is None else weights.sum(dim=1).float().mean().item())
        row = sum(positives) / len(positives)
        print(f"epoch {epoch + 1:2d}: loss {sum(losses) / len(losses):+.4f}, {row:.2f} positives per row")
    print(f"linear probe: {probe(online.backbone, data):.3f} of unseen labels right (chance 0.25)")


@torch.no_grad()
def probe(backbone, data):
    """Return the share of half the images that least squares tells right, fitted to the other half."""
    backbone.eval()
    features = backbone(torch.from_numpy(data.images)[:, None])
    features = torch.cat([features, torch.ones(len(features), 1)], dim=1)
    labels = torch.from_numpy(data.labels)
    half = len(labels) // 2
    fit = torch.linalg.lstsq(features[:half], nn.functional.one_hot(labels[:half]).float(), driver="gelsd")
    return (features[half:] @ fit.solution).argmax(dim=1).eq(labels[half:]).float().mean().item()


if __name__ == "__main__":
    main()
