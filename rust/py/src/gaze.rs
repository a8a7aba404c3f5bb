//! Gaze itself: checked scanpaths, rendered and resized maps.

use std::sync::{Mutex, PoisonError};

use gazesim_core::Error;
use gazesim_core::fixation::{Detection, Found, Samples};
use gazesim_core::heatmap::{Blurred, Heatmap, Interpolation, Pixel, resize};
use gazesim_core::parallel;
use gazesim_core::scanpath::{Ragged, Scanpaths};
use numpy::{IntoPyArray, PyArray3, PyArrayMethods, PyReadwriteArray3, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::arrays::{Maps, NewRaggedArrays, PerMap, Place, RaggedArrays, ragged, ragged_to_numpy};
use crate::detached::Call;
use crate::errors::OrRaise;
use crate::options::{Choice, FixationRule, ScreenGeometry};

/// Refuses NaN, infinities and negative durations.
#[pyfunction]
pub fn check_scanpaths(scanpaths: RaggedArrays, argument: &str) -> PyResult<()> {
    let scanpaths: Scanpaths = ragged(&scanpaths, argument)?;
    scanpaths.check(argument).or_raise()
}

/// Time to pass one sample through a detector, for the estimate of the total time.
const SAMPLE_NS: f64 = 40.0;

/// Finds the fixations in every recording of x, y and time: x, y, duration and onset.
///
/// `rule` is `{"dispersion": d}` or `{"velocity": v, "window": w}`; `geometry` is a `gazesim.ScreenGeometry`.
#[pyfunction]
#[pyo3(signature = (samples, argument, *, rule, minimum_duration, max_gap, geometry=None, n_threads=None))]
#[allow(clippy::too_many_arguments)] // the Python signature
pub fn detect_fixations<'py>(
    py: Python<'py>,
    samples: RaggedArrays<'py>,
    argument: &str,
    rule: FixationRule,
    minimum_duration: f64,
    max_gap: f64,
    geometry: Option<ScreenGeometry>,
    n_threads: Option<usize>,
) -> PyResult<NewRaggedArrays<'py>> {
    let samples: Samples = ragged(&samples, argument)?;
    samples.check_times(argument).or_raise()?;
    let detection = Detection {
        rule: rule.into(),
        minimum_duration,
        max_gap,
        geometry: geometry.map(Into::into),
    };
    let estimated_ns = SAMPLE_NS * samples.rows().len() as f64;
    let found = Call::new(n_threads, None)?.run(py, |threads, poll| {
        parallel::map(samples.len(), threads, estimated_ns, poll, |index| {
            detection.fixations(samples.sample(index))
        })
    })?;
    let found: Ragged<Found> = found.into_iter().collect();
    ragged_to_numpy(py, &found)
}

/// Draws every scanpath into its map of `out` (n, H, W), each fixation a Gaussian weighted by its
/// duration.
#[pyfunction]
#[pyo3(signature = (scanpaths, out, *, sigma_px, weighted=true, n_threads=None, progress=None))]
pub fn render_heatmaps(
    py: Python<'_>,
    scanpaths: RaggedArrays<'_>,
    mut out: PyReadwriteArray3<'_, f64>,
    sigma_px: f64,
    weighted: bool,
    n_threads: Option<usize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<()> {
    let scanpaths: Scanpaths = ragged(&scanpaths, "scanpaths")?;
    let &[count, height, width] = out.shape() else {
        unreachable!("three dimensions")
    };
    if count != scanpaths.len() {
        let given = format!("an array of {count} maps");
        return Err(Error::argument("out", given, format!("{} maps", scanpaths.len()))).or_raise();
    }
    let estimated_ns = (count * width * height) as f64 * 8.0;
    // A lock per map, which only the thread that has the map takes.
    let maps = out.as_slice_mut()?.chunks_mut((height * width).max(1));
    let maps: Vec<_> = maps.map(Mutex::new).collect();
    Call::new(n_threads, progress)?.run(py, |threads, poll| {
        parallel::map(maps.len(), threads, estimated_ns, poll, |index| {
            let fixations = scanpaths.sample(index).iter();
            let points = fixations.map(|one| [one.x, one.y, if weighted { one.duration } else { 1.0 }]);
            let mut map = maps[index].lock().unwrap_or_else(PoisonError::into_inner);
            Blurred::new(points, [width, height], sigma_px).render_into(&mut map);
        })
    })?;
    Ok(())
}

struct Resize(usize, usize, Interpolation);

impl PerMap for Resize {
    type Output = Vec<f64>;
    fn call<T: Pixel>(&self, map: &Heatmap<T>) -> gazesim_core::Result<Self::Output> {
        resize(map, self.0, self.1, self.2)
    }
}

/// Resizes every map to `size` rows and columns.
#[pyfunction]
#[pyo3(signature = (heatmaps, *, size, interpolation, n_threads=None))]
pub fn resize_heatmaps<'py>(
    py: Python<'py>,
    heatmaps: Maps<'py>,
    size: [usize; 2],
    interpolation: Choice<Interpolation>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyArray3<f64>>> {
    let [height, width] = size;
    let place = Place {
        argument: "heatmaps",
        first: 0,
    };
    let work = Resize(height, width, interpolation.0);
    let maps = heatmaps.map(py, n_threads, place, &work)?;
    let shape = [maps.len(), height, width];
    maps.concat().into_pyarray(py).reshape(shape)
}
