//! `gazesim._core`: check, release the GIL, call gazesim-core, return. No algorithms here.

mod arrays;
mod detached;
mod errors;
mod gaze;
mod level;
mod options;
mod pairwise;
mod schemes;
mod views;

use pyo3::prelude::*;

/// The compiled heart of gazesim. Private: use the functions of `gazesim` itself.
#[pymodule(gil_used = false)]
mod _core {
    #[pymodule_export]
    #[allow(non_upper_case_globals)] // Python's name for it
    const __version__: &str = env!("CARGO_PKG_VERSION");
    #[pymodule_export]
    use crate::gaze::{check_scanpaths, detect_fixations, render_heatmaps, resize_heatmaps};
    #[pymodule_export]
    use crate::level::{simd_level, simd_levels};
    #[pymodule_export]
    use crate::pairwise::dhash::{dhash_affinity, dhash_neighbors};
    #[pymodule_export]
    use crate::pairwise::measures::{measure_affinity, measure_neighbors, measure_values};
    #[pymodule_export]
    use crate::pairwise::moments::{moments_affinity, moments_neighbors};
    #[pymodule_export]
    use crate::pairwise::multimatch::{multimatch_affinity, multimatch_dimensions, multimatch_neighbors};
    #[pymodule_export]
    use crate::pairwise::tima::{tima_affinity, tima_neighbors};
    #[pymodule_export]
    use crate::schemes::{
        dbscan_labels, dhash_features, hu_moments, moments_features, multimatch_features, tima_features,
    };
    #[pymodule_export]
    use crate::views::{random_crop, sample_view, view_iou};
}
