"""The options of ``gazesim pretrain``: its sections, with what each option means, without torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from ..reading.options import GazeOptions
from ..train.data.settings import PhantomSettings, Views
from ..train.pretrain.gaze_settings import GazeTargetSettings
from ..train.pretrain.optimisers import OptimizerSettings
from ..train.pretrain.settings import HeadSettings, MoCoSettings, PairSettings

__all__ = ["TRAINER", "Configuration", "DataOptions", "ModelOptions", "TrainerOptions"]


@dataclass(frozen=True)
class ModelOptions:
    """The model: the arguments of :class:`gazesim.train.Contrastive`.

    Parameters
    ----------
    framework
        "byol", "moco" (v2), "simsiam", "simclr", or "gaze": the gaze target alone.
    backbone
        A ResNet of torchvision by name, or "resnet10-narrow" for images of about 64 pixels on a CPU; in a
        file also a class of your own: {class_path: ..., init_args: {...}}.
    weights
        Of a backbone by name at the start: null (random), imagenet, or a file such as resnet18-f37072fd.pth.
    dim
        Length of the features of a backbone given as a class; not beside a name.
    pairs
        The rule for positive pairs by gaze; null: no gaze, the plain framework.
    heads
        Sizes of projector and predictor; default: those of the framework's paper.
    optimizer
        Optimiser and learning-rate schedule.
    temperature
        Above 0, of MoCo (default 0.2) and SimCLR (default 0.5).
    queue_size
        Keys in MoCo's queue (default 4096).
    momentum
        0 to 1, of the momentum encoder in BYOL (default 0.996, rising to 1) and MoCo (default 0.999).
    momentum_end
        0 to 1, its value at the end, along half a cosine; default: a given momentum stays.
    moco
        Which keys are MoCo's positives; default: with pairs those of the batch, with older keys of an image
        left out. McGIP's form: {positive_keys: queue}.
    gaze_target
        The backbone also predicts the gaze map of each view; null: only with the framework gaze.
    gaze_pool
        true: in training, features of first views average cells by gaze; for ResNets and other networks
        whose features are averages of maps.
    """

    framework: str = "byol"
    backbone: Any = "resnet18"
    weights: str | None = None
    dim: int | None = None
    pairs: PairSettings | None = None
    heads: HeadSettings | None = None
    optimizer: OptimizerSettings | None = None
    temperature: float | None = None
    queue_size: int | None = None
    momentum: float | None = None
    momentum_end: float | None = None
    moco: MoCoSettings | None = None
    gaze_target: GazeTargetSettings | None = None
    gaze_pool: bool = False


@dataclass(frozen=True)
class DataOptions:
    """The data: the arguments of :class:`gazesim.train.GazeData`. One of manifest, preset and phantom.

    Parameters
    ----------
    manifest
        A manifest .csv with a row per image: id, image, label, split, and gaze or heatmap.
    preset
        Instead: the name of a public data set.
    folder
        Where the public data set was unpacked.
    images
        Where its images are, if elsewhere: EGD-CXR, REFLACX and GazeSearch have theirs from MIMIC-CXR.
    fractions
        Shares of train, val and test, such as 0.8,0,0.2, in presets without a published split.
    folds
        Number of folds over all labelled images; one is the test split, the others are trained on.
    fold
        The fold that is the test split, from 0; gazesim evaluate --data CONFIG tests on it.
    phantom
        Instead: synthetic images.
    size
        Side of images and views in pixels, 8 to 8192; default: the phantom's, 224 for files.
    channels
        1 or 3; 3 repeats the grey channel for networks that expect colour.
    batch_size
        Images per step and process, at least 2; incomplete batches are dropped.
    num_workers
        Processes that prepare batches; the result does not depend on their number.
    views
        How the two views of an image are made.
    memory
        Where images are kept after reading: mapped (a temporary file that workers and ranks of a machine
        share), float32 or uint8 (all in the memory of each rank, 4 bytes or 1 per pixel), or none.
    sigma_share
        Standard deviation of the Gaussians of which the gaze maps of views are drawn, as a share of their
        side; default: as for gaze.
    bits
        How many of 16 bits the pixels of PNG, TIFF and .npy images use, 9 to 16, such as 12; default: 16.
    gaze
        How gaze files are read and where images were on the screen, as for gazesim affinity.
    seed
        Decides the order and the views; default: seed_everything.
    split_seed
        Decides the split of presets that have no published one.
    """

    manifest: str | None = None
    preset: str | None = None
    folder: str | None = None
    images: str | None = None
    fractions: tuple[float, float, float] | None = None
    folds: int | None = None
    fold: int | None = None
    phantom: PhantomSettings | None = None
    size: int | None = None
    channels: int = 3
    batch_size: int = 64
    num_workers: int = 0
    views: Views = field(default_factory=Views)
    memory: Literal["none", "uint8", "float32", "mapped"] = "mapped"
    sigma_share: float | None = None
    bits: int | None = None
    gaze: GazeOptions = field(default_factory=GazeOptions)
    seed: int | None = None
    split_seed: int = 0


@dataclass(frozen=True)
class TrainerOptions:
    """The trainer: the usual arguments of Lightning's Trainer, which takes all its others as well.

    Parameters
    ----------
    max_epochs
        Number of passes over the training images; -1 for no limit (with max_steps).
    max_steps
        Largest number of steps; -1 for no limit.
    max_time
        Stops after this time, DD:HH:MM:SS.
    accelerator
        auto, cpu or gpu.
    devices
        How many devices (1, 2, ...), or auto. Each takes batch_size images per step.
    num_nodes
        How many machines.
    strategy
        How devices work together: auto, ddp, ...
    precision
        32-true, bf16-mixed or 16-mixed (on a CPU, 16-mixed becomes bf16-mixed).
    accumulate_grad_batches
        Batches whose gradients add up to one step.
    gradient_clip_val
        The norm to which gradients are clipped; null: they are not.
    limit_train_batches
        Batches per epoch: a number, or a share such as 0.1; null: all.
    log_every_n_steps
        Steps between rows of metrics.csv; default 50.
    fast_dev_run
        true: one batch, and nothing is kept.
    enable_progress_bar
        false: no progress bar.
    """

    max_epochs: int | None = None
    max_steps: int = -1
    max_time: Any = None
    accelerator: str = "auto"
    devices: Any = "auto"
    num_nodes: int = 1
    strategy: Any = "auto"
    precision: Any = None
    accumulate_grad_batches: int = 1
    gradient_clip_val: float | None = None
    limit_train_batches: Any = None
    log_every_n_steps: int | None = None
    fast_dev_run: Any = False
    enable_progress_bar: bool | None = None


#: The other arguments of Lightning's Trainer, which are handed to it as they are. A test compares.
TRAINER = (
    "barebones",
    "benchmark",
    "callbacks",
    "check_val_every_n_epoch",
    "default_root_dir",
    "detect_anomaly",
    "deterministic",
    "enable_autolog_hparams",
    "enable_checkpointing",
    "enable_model_summary",
    "gradient_clip_algorithm",
    "inference_mode",
    "limit_predict_batches",
    "limit_test_batches",
    "limit_val_batches",
    "logger",
    "min_epochs",
    "min_steps",
    "model_registry",
    "num_sanity_val_steps",
    "overfit_batches",
    "plugins",
    "profiler",
    "reload_dataloaders_every_n_epochs",
    "sync_batchnorm",
    "use_distributed_sampler",
    "val_check_interval",
)


@dataclass(frozen=True)
class Configuration:
    """A pre-training.

    Parameters
    ----------
    seed_everything
        Seed of weights, order and views; true: PL_GLOBAL_SEED, or 0.
    out
        The folder for checkpoint, configuration and logs.
    resume
        true: go on from the checkpoint in that folder; auto: if there is one, else start.
    model
        What is trained: framework, backbone, pairs, heads and optimiser.
    data
        The images and their views. One of manifest, preset and phantom.
    trainer
        For how long and on what: arguments of Lightning's Trainer.
    """

    seed_everything: bool | int = 0
    out: str = "runs/pretrain"
    resume: Literal["auto"] | bool = False
    model: ModelOptions = field(default_factory=ModelOptions)
    data: DataOptions = field(default_factory=DataOptions)
    trainer: TrainerOptions = field(default_factory=TrainerOptions)
