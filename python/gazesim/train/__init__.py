"""Training: needs PyTorch, Lightning, lightly and MONAI (``pip install gazesim[train]``)."""

import importlib as _importlib
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

if _TYPE_CHECKING:
    from .data.gaze_data import GazeData
    from .data.loader import ViewMaps
    from .data.manifest import Entry, Manifest
    from .data.manifest_samples import ManifestSamples
    from .data.presets import preset
    from .data.samples import ArraySamples, Samples
    from .data.settings import PhantomSettings, Views
    from .data.splits import split_by_group
    from .data.view_maker import view_statistics
    from .evaluation.affinity_maps import affinity_map, affinity_maps
    from .evaluation.baselines import Baseline
    from .evaluation.classification_scores import UndefinedScoreWarning, classification_scores
    from .evaluation.figures import plot_affinity_maps, plot_score_curves, plot_threshold_ablation
    from .evaluation.knn import knn_probe
    from .evaluation.linear_probe import embed
    from .evaluation.multi_label import multi_label_probe
    from .evaluation.protocols import cross_validate, fine_tune, linear_probe
    from .evaluation.segmentation import SegmentationSettings, segmentation_probe
    from .evaluation.settings import FineTuneSettings, GradientProbeSettings, ProbeSettings
    from .pretrain.backbones import Backbone, make_backbone
    from .pretrain.checkpoints import load_backbone
    from .pretrain.contrastive import Contrastive
    from .pretrain.gaze_settings import GazeTargetSettings
    from .pretrain.monitor import CollapseMonitor
    from .pretrain.optimisers import OptimizerSettings
    from .pretrain.settings import HeadSettings, MoCoSettings, PairSettings, Ramp
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
    "GazeTargetSettings",
    "GradientProbeSettings",
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
    "SegmentationSettings",
    "UndefinedScoreWarning",
    "ViewMaps",
    "Views",
    "affinity_map",
    "affinity_maps",
    "classification_scores",
    "cross_validate",
    "embed",
    "fine_tune",
    "fit_predictor",
    "knn_probe",
    "linear_probe",
    "load_backbone",
    "load_predictor",
    "make_backbone",
    "multi_label_probe",
    "plot_affinity_maps",
    "plot_score_curves",
    "plot_threshold_ablation",
    "predict_gaze",
    "preset",
    "saliency_scores",
    "save_predictor",
    "segmentation_probe",
    "split_by_group",
    "view_statistics",
]

# The module of each name. They are imported on first use, so that the command line reads settings and
# manifests without torch.
_LATER = {
    "ArraySamples": "data.samples",
    "Backbone": "pretrain.backbones",
    "Baseline": "evaluation.baselines",
    "CollapseMonitor": "pretrain.monitor",
    "Contrastive": "pretrain.contrastive",
    "Entry": "data.manifest",
    "FineTuneSettings": "evaluation.settings",
    "GazeData": "data.gaze_data",
    "GazePredictor": "saliency.predictor",
    "GazeTargetSettings": "pretrain.gaze_settings",
    "GradientProbeSettings": "evaluation.settings",
    "HeadSettings": "pretrain.settings",
    "Manifest": "data.manifest",
    "ManifestSamples": "data.manifest_samples",
    "MoCoSettings": "pretrain.settings",
    "OptimizerSettings": "pretrain.optimisers",
    "PairSettings": "pretrain.settings",
    "PhantomSettings": "data.settings",
    "ProbeSettings": "evaluation.settings",
    "Ramp": "pretrain.settings",
    "Samples": "data.samples",
    "UndefinedScoreWarning": "evaluation.classification_scores",
    "ViewMaps": "data.loader",
    "Views": "data.settings",
    "affinity_map": "evaluation.affinity_maps",
    "affinity_maps": "evaluation.affinity_maps",
    "classification_scores": "evaluation.classification_scores",
    "cross_validate": "evaluation.protocols",
    "embed": "evaluation.linear_probe",
    "fine_tune": "evaluation.protocols",
    "fit_predictor": "saliency.predictor",
    "knn_probe": "evaluation.knn",
    "linear_probe": "evaluation.protocols",
    "multi_label_probe": "evaluation.multi_label",
    "segmentation_probe": "evaluation.segmentation",
    "SegmentationSettings": "evaluation.segmentation",
    "load_backbone": "pretrain.checkpoints",
    "load_predictor": "saliency.predictor",
    "make_backbone": "pretrain.backbones",
    "plot_affinity_maps": "evaluation.figures",
    "plot_score_curves": "evaluation.figures",
    "plot_threshold_ablation": "evaluation.figures",
    "predict_gaze": "saliency.predictor",
    "preset": "data.presets",
    "saliency_scores": "saliency.scores",
    "save_predictor": "saliency.predictor",
    "split_by_group": "data.splits",
    "view_statistics": "data.view_maker",
}


def __getattr__(name: str) -> _Any:
    if name not in _LATER:
        raise AttributeError(f"module 'gazesim.train' has no attribute {name!r}")
    require_extra()
    found = getattr(_importlib.import_module(f".{_LATER[name]}", __name__), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


def require_extra() -> None:
    """Raise ImportError if a package that training needs is not installed."""
    try:
        for name in ("lightly", "lightning", "monai"):
            _importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f"gazesim.train needs torch, lightning, lightly and monai ({error}); "
            "expected: pip install 'gazesim[train]'"
        ) from error
