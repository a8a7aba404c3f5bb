"""The work of the processes of test_train_distributed.py: one rank each, as torchrun starts them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch
from torch.utils.data import DataLoader, DistributedSampler

BATCH = 16
OPTIONS = {"moco": {"queue_size": 32, "momentum": 0.9}, "byol": {"momentum": 0.9}}
#: Cases with a gaze target, by name: the framework, how the target is balanced, and its loss.
TARGETS = {
    "gaze": ("gaze", "fixed", "bce"),
    "cells": ("gaze", "fixed", "cells"),
    "simclr with gaze": ("simclr", "fixed", "bce"),
    "simclr with balanced gaze": ("simclr", "gradient", "bce"),
    "moco with balanced gaze": ("moco", "gradient", "bce"),
    "byol with balanced cells": ("byol", "gradient", "cells"),
    # Rank 0 of two gets images 0, 2, 4, ..., none of which has gaze.
    "simclr with balanced gaze on one rank": ("simclr", "gradient", "bce"),
    "simclr with balanced cells on one rank": ("simclr", "gradient", "cells"),
}

POOLED = "simclr with features pooled by gaze"


def trained(framework, devices):
    """Train for some steps; return losses and weights.

    Nothing in the net looks at a whole batch, but for "moco with norms", whose keys are shuffled.
    """
    import lightning

    from gazesim.torch import PairMask
    from train.loops import Views, WithMaps, make_study, plain_net, small, without_advice, without_norms

    class Losses(lightning.Callback):
        def __init__(self):
            self.values = []

        def on_train_batch_end(self, trainer, module, outputs, *_):
            mean = outputs["loss"].detach().clone()
            if devices > 1:
                torch.distributed.all_reduce(mean)
            self.values.append(float(mean) / devices)

    has_maps = framework in TARGETS or framework == POOLED
    study = make_study()
    draws = torch.Generator().manual_seed(7)
    mask = PairMask(study.source, top_k=2, confidence=0.5, generator=draws)
    if framework == POOLED:
        model = pooled()
    elif framework in TARGETS:
        model = with_target(*TARGETS[framework])
    elif framework == "moco with norms":
        model = small("moco", pairs=mask, queue_size=32)
    else:
        options = OPTIONS.get(framework, {})
        model = without_norms(small(framework, backbone=plain_net(), pairs=mask, **options))
    losses = Losses()
    with without_advice():
        trainer = lightning.Trainer(
            accelerator="cpu",
            devices=devices,
            # The target alone leaves the layers behind its stage without a gradient.
            strategy="ddp" if devices > 1 else "auto",
            precision="64-true",
            max_epochs=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[losses],
        )
        views, rank = Views(study), int(os.environ.get("RANK", 0))
        if has_maps:
            views = WithMaps(study, without=2 if framework.endswith("on one rank") else 3)
        # Lightning's own would shuffle.
        order = DistributedSampler(views, num_replicas=devices, rank=rank, shuffle=False)
        trainer.fit(model, DataLoader(views, BATCH // devices, sampler=order))
    queue = getattr(model.framework, "queue", None)
    ids = [] if queue is None else sorted(queue.ids.tolist())
    return {"losses": losses.values, "weights": [p.detach() for p in model.parameters()], "ids": ids}


def with_target(framework, balance, loss):
    """A model with a gaze target, without batch norms."""
    from gazesim.train import Contrastive, GazeTargetSettings
    from train.loops import plain_net, small, without_norms

    target = GazeTargetSettings(stage="0", balance=balance, loss=loss)
    torch.manual_seed(0)
    if framework == "gaze":
        return Contrastive("gaze", plain_net(), gaze_target=target)
    options = OPTIONS.get(framework, {})
    return without_norms(small(framework, backbone=plain_net(), gaze_target=target, **options))


def pooled():
    """A model whose first views are pooled by gaze, without batch norms."""
    from gazesim.train import Backbone
    from train.loops import small, without_norms

    torch.manual_seed(1)
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 8, 5, stride=4), torch.nn.ReLU(inplace=True))
    return without_norms(small("simclr", backbone=Backbone(net, 8), gaze_pool=True))


def main(rank, folder):
    torch.set_num_threads(1)
    os.environ |= {
        "RANK": rank,
        "LOCAL_RANK": rank,
        "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "2",
        "GROUP_RANK": "0",
        "TORCHELASTIC_RUN_ID": "test",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": Path(folder, "port").read_text(),
    }
    results = {
        framework: trained(framework, 2)
        for framework in ("byol", "moco", "simclr", "moco with norms", *TARGETS, POOLED)
    }
    torch.save(results, Path(folder) / f"rank{rank}.pt")


if __name__ == "__main__":
    main(*sys.argv[1:])
