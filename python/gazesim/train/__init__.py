"""Training: needs PyTorch, Lightning, lightly and MONAI (``pip install gazesim[train]``)."""

try:
    import lightly as _lightly
    import lightning as _lightning
    import monai as _monai
except ImportError as error:
    raise ImportError(
        f"gazesim.train needs torch, lightning, lightly and monai ({error}); "
        "expected: pip install 'gazesim[train]'"
    ) from error

from .data.gaze_data import GazeData, PhantomSettings
from .data.manifest import Entry, Manifest
from .data.manifest_samples import ManifestSamples
from .data.presets import preset
from .data.samples import ArraySamples, Samples
from .data.splits import split_by_group
from .data.view_maker import Views, view_statistics
from .evaluation.affinity_maps import affinity_map
from .evaluation.baselines import Baseline
from .evaluation.classification_scores import UndefinedScoreWarning, classification_scores
from .evaluation.figures import plot_affinity_maps, plot_threshold_ablation
from .evaluation.fine_tune import FineTuneSettings
from .evaluation.linear_probe import ProbeSettings, embed
from .evaluation.protocols import cross_validate, fine_tune, linear_probe
from .pretrain.backbones import Backbone, make_backbone
from .pretrain.checkpoints import load_backbone
from .pretrain.contrastive import Contrastive
from .pretrain.frameworks import HeadSettings, MoCoSettings
from .pretrain.monitor import CollapseMonitor
from .pretrain.optimisers import OptimizerSettings
from .pretrain.pairing import PairSettings, Ramp
from .saliency.predictor import GazePredictor, fit_predictor, load_predictor, predict_gaze, save_predictor
from .saliency.scores import saliency_scores

__all__ = [
    "ArraySamples",
    "Backbone",
    "Baseline",
    "CollapseMonitor",
    "Contrastive",
    "Entry",
    "FineTuneSettings",
    "GazeData",
    "GazePredictor",
    "HeadSettings",
    "Manifest",
    "ManifestSamples",
    "MoCoSettings",
    "OptimizerSettings",
    "PairSettings",
    "PhantomSettings",
    "ProbeSettings",
    "Ramp",
    "Samples",
    "UndefinedScoreWarning",
    "Views",
    "affinity_map",
    "classification_scores",
    "cross_validate",
    "embed",
    "fine_tune",
    "fit_predictor",
    "linear_probe",
    "load_backbone",
    "load_predictor",
    "make_backbone",
    "plot_affinity_maps",
    "plot_threshold_ablation",
    "predict_gaze",
    "preset",
    "saliency_scores",
    "save_predictor",
    "split_by_group",
    "view_statistics",
]

del _lightly, _lightning, _monai
