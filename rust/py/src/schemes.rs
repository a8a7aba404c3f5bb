//! Features: gaze in, one small array per sample out.

use gazesim_core::heatmap::{Heatmap, Interpolation, Pixel};
use gazesim_core::parallel;
use gazesim_core::scanpath::Scanpaths;
use gazesim_core::schemes::{dhash, moments, multimatch, tima};
use numpy::{IntoPyArray, PyArray2, PyArrayMethods, PyReadonlyArray2};
use pyo3::prelude::*;

use crate::arrays::{
    Maps, NewRaggedArrays, PerMap, Place, RaggedArrays, ragged, ragged_to_numpy, rows, rows_to_numpy,
};
use crate::detached::Call;
use crate::errors::OrRaise;
use crate::options::{Choice, Grouping, MinSamples};

/// Saccade vectors (dx, dy, length, angle, x, y, duration) of every scanpath.
#[pyfunction]
#[pyo3(signature = (scanpaths, *, min_fixations, grouping=None, argument="scanpaths"))]
pub fn multimatch_features<'py>(
    py: Python<'py>,
    scanpaths: RaggedArrays<'py>,
    min_fixations: usize,
    grouping: Option<Grouping>,
    argument: &str,
) -> PyResult<NewRaggedArrays<'py>> {
    let scanpaths: Scanpaths = ragged(&scanpaths, argument)?;
    multimatch::check_lengths(&scanpaths, argument).or_raise()?;
    let parameters = multimatch::FeatureParameters {
        min_fixations,
        grouping: grouping.map(Into::into),
    };
    let features = py.detach(|| multimatch::features(&scanpaths, &parameters));
    ragged_to_numpy(py, &features)
}

struct Moments(Option<[usize; 2]>);

impl PerMap for Moments {
    type Output = moments::Moments;
    fn call<T: Pixel>(&self, map: &Heatmap<T>) -> gazesim_core::Result<Self::Output> {
        match self.0 {
            Some(size) => moments::moments_resized(map, size),
            None => Ok(moments::moments(map)),
        }
    }
    fn unchecked<T: Pixel>(&self, map: &Heatmap<T>) -> Option<Self::Output> {
        match self.0 {
            Some(_) => None,
            None => moments::unchecked_moments(map),
        }
    }
}

/// [μ00, φ1] of every map; zeros for a map without mass.
#[pyfunction]
#[pyo3(signature = (heatmaps, *, size=None, argument="heatmaps", first=0, n_threads=None))]
pub fn moments_features<'py>(
    py: Python<'py>,
    heatmaps: Maps<'py>,
    size: Option<[usize; 2]>,
    argument: &str,
    first: usize,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    rows_to_numpy(
        py,
        &heatmaps.map(py, n_threads, Place { argument, first }, &Moments(size))?,
    )
}

struct HuMoments;

impl PerMap for HuMoments {
    type Output = [f64; 7];
    fn call<T: Pixel>(&self, map: &Heatmap<T>) -> gazesim_core::Result<Self::Output> {
        Ok(moments::hu_moments(map))
    }
    fn unchecked<T: Pixel>(&self, map: &Heatmap<T>) -> Option<Self::Output> {
        moments::unchecked_hu_moments(map)
    }
}

/// The seven Hu invariants of every map; NaN for a map without mass.
#[pyfunction]
#[pyo3(signature = (heatmaps, *, argument="heatmaps", first=0, n_threads=None))]
pub fn hu_moments<'py>(
    py: Python<'py>,
    heatmaps: Maps<'py>,
    argument: &str,
    first: usize,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    rows_to_numpy(
        py,
        &heatmaps.map(py, n_threads, Place { argument, first }, &HuMoments)?,
    )
}

struct Hash(dhash::Parameters);

impl PerMap for Hash {
    type Output = Vec<u64>;
    fn call<T: Pixel>(&self, map: &Heatmap<T>) -> gazesim_core::Result<Self::Output> {
        dhash::hash(map, &self.0)
    }
    fn unchecked<T: Pixel>(&self, map: &Heatmap<T>) -> Option<Self::Output> {
        dhash::unchecked_hash(map, &self.0)
    }
}

/// The hash of every map, shape (n, words).
#[pyfunction]
#[pyo3(signature = (heatmaps, *, hash_size, axis, interpolation, margin, argument="heatmaps", first=0, n_threads=None))]
#[allow(clippy::too_many_arguments)] // the Python signature
pub fn dhash_features<'py>(
    py: Python<'py>,
    heatmaps: Maps<'py>,
    hash_size: usize,
    axis: Choice<dhash::Axis>,
    interpolation: Choice<Interpolation>,
    margin: f64,
    argument: &str,
    first: usize,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyArray2<u64>>> {
    let parameters = dhash::Parameters {
        hash_size,
        axis: axis.0,
        interpolation: interpolation.0,
        margin,
    };
    let hashes = heatmaps.map(py, n_threads, Place { argument, first }, &Hash(parameters))?;
    let shape = [hashes.len(), parameters.words().or_raise()?];
    hashes.concat().into_pyarray(py).reshape(shape)
}

/// Cluster moments of every sequence of gaze points.
#[pyfunction]
#[pyo3(signature = (scanpaths, *, image_size, eps, sigma_px, min_samples, argument="scanpaths", n_threads=None, progress=None))]
#[allow(clippy::too_many_arguments)] // the Python signature
pub fn tima_features<'py>(
    py: Python<'py>,
    scanpaths: RaggedArrays<'py>,
    image_size: [usize; 2],
    eps: f64,
    sigma_px: f64,
    min_samples: MinSamples,
    argument: &str,
    n_threads: Option<usize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<NewRaggedArrays<'py>> {
    let scanpaths: Scanpaths = ragged(&scanpaths, argument)?;
    tima::check_lengths(&scanpaths, argument).or_raise()?;
    let parameters = tima::Parameters {
        image_size,
        eps,
        min_samples: min_samples.into(),
        sigma_px,
    };
    // Blurring, the rows of the image times the points, and clustering, all pairs of points twice.
    let pairs: f64 = scanpaths.iter().map(|points| (points.len() as f64).powi(2)).sum();
    let estimated_ns = scanpaths.rows().len() as f64 * 64.0 * image_size[0] as f64 + 2.0 * pairs;
    let sequences = Call::new(n_threads, progress)?.run(py, |threads, poll| {
        parallel::map_long(scanpaths.len(), threads, estimated_ns, poll, |index, progress| {
            tima::features(scanpaths.sample(index), &parameters, &mut || progress.goes_on())
        })
    })?;
    let features: tima::Features = sequences.into_iter().collect();
    ragged_to_numpy(py, &features)
}

/// DBSCAN labels of points (n, 3), −1 for noise.
#[pyfunction]
#[pyo3(signature = (points, *, eps, min_samples))]
pub fn dbscan_labels(
    py: Python<'_>,
    points: PyReadonlyArray2<f64>,
    eps: f64,
    min_samples: usize,
) -> PyResult<Vec<i64>> {
    let points = rows("points", &points)?;
    let labels = py.detach(|| tima::labels(&points, eps, min_samples, &mut || true));
    Ok(labels
        .into_iter()
        .map(|label| label.map_or(-1, i64::from))
        .collect())
}
