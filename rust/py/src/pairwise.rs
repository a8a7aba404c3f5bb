//! Pairs: features in, a NumPy array filled or neighbours out. Without `other` the matrix is the
//! symmetric one of the features with themselves.

use gazesim_core::pairwise::{self, dense, Bounded, Kernel};
use gazesim_core::parallel::thread_count;
use gazesim_core::schemes::{dhash, moments, multimatch, tima};
use gazesim_core::sink::Rule;
use gazesim_core::Error;
use numpy::{
    IntoPyArray, PyArray1, PyReadonlyArray1, PyReadonlyArray2, PyReadwriteArray2, PyReadwriteArray3,
};
use pyo3::prelude::*;

use crate::arrays::{ragged, rows, words, RaggedArrays};
use crate::detached::interruptible;
use crate::errors::OrRaise;
use crate::schemes::alignment_from;

pub fn fill<K: Kernel>(
    py: Python<'_>,
    kernel: &K,
    symmetric: bool,
    out: &mut [K::Output],
    n_threads: Option<usize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<()> {
    let (rows, cols) = kernel.shape();
    if out.len() != rows * cols {
        let given = format!("an array of {} cells", out.len());
        return Err(Error::argument("out", given, format!("{rows} x {cols} cells"))).or_raise();
    }
    let threads = thread_count(n_threads).or_raise()?;
    interruptible(py, progress, |poll| dense(kernel, symmetric, out, threads, poll))
}

/// Fills `out` (n, m) with MultiMatch affinities.
#[pyfunction]
#[pyo3(signature = (features, other, out, *, screen_size, weights, alignment, n_threads=None, progress=None))]
#[allow(clippy::too_many_arguments)] // the Python signature
pub fn multimatch_affinity(
    py: Python<'_>,
    features: RaggedArrays,
    other: Option<RaggedArrays>,
    mut out: PyReadwriteArray2<f32>,
    screen_size: [f64; 2],
    weights: [f64; 5],
    alignment: &str,
    n_threads: Option<usize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<()> {
    let scale = multimatch::Scale::new(screen_size, weights).or_raise()?;
    let rows = ragged(&features)?;
    let other = other.as_ref().map(ragged).transpose()?;
    let cols = other.as_ref().unwrap_or(&rows);
    let outcome = multimatch::Affinity {
        weights: scale.weights,
    };
    let kernel = multimatch::Comparison::new(&rows, cols, &scale, alignment_from(alignment)?, outcome);
    fill(
        py,
        &kernel,
        other.is_none(),
        out.as_slice_mut()?,
        n_threads,
        progress,
    )
}

/// Fills `out` (n, m, 5) with the five MultiMatch similarities. `scalar` compares pair by pair, for
/// tests that hold the lanes against it.
#[pyfunction]
#[pyo3(signature = (features, other, out, *, screen_size, alignment, n_threads=None, progress=None, scalar=false))]
#[allow(clippy::too_many_arguments)] // the Python signature
pub fn multimatch_dimensions(
    py: Python<'_>,
    features: RaggedArrays,
    other: Option<RaggedArrays>,
    mut out: PyReadwriteArray3<f64>,
    screen_size: [f64; 2],
    alignment: &str,
    n_threads: Option<usize>,
    progress: Option<Py<PyAny>>,
    scalar: bool,
) -> PyResult<()> {
    let scale = multimatch::Scale::new(screen_size, [0.2; 5]).or_raise()?;
    let rows = ragged(&features)?;
    let other = other.as_ref().map(ragged).transpose()?;
    let cols = other.as_ref().unwrap_or(&rows);
    let alignment = alignment_from(alignment)?;
    let engine = if scalar {
        multimatch::Comparison::scalar
    } else {
        multimatch::Comparison::new
    };
    let kernel = engine(&rows, cols, &scale, alignment, multimatch::Dimensions);
    let (out, _) = out.as_slice_mut()?.as_chunks_mut();
    fill(py, &kernel, other.is_none(), out, n_threads, progress)
}

/// Fills `out` (n, m) with affinities of gaze moments (n, 2).
#[pyfunction]
#[pyo3(signature = (features, other, out, *, alpha, n_threads=None, progress=None))]
pub fn moments_affinity(
    py: Python<'_>,
    features: PyReadonlyArray2<f64>,
    other: Option<PyReadonlyArray2<f64>>,
    mut out: PyReadwriteArray2<f32>,
    alpha: f64,
    n_threads: Option<usize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<()> {
    let first = rows("features", &features)?;
    let other = other.as_ref().map(|other| rows("other", other)).transpose()?;
    let kernel = moments::Affinity::new(&first, other.as_ref().unwrap_or(&first), alpha);
    fill(
        py,
        &kernel,
        other.is_none(),
        out.as_slice_mut()?,
        n_threads,
        progress,
    )
}

/// Fills `out` (n, m) with the cosines of hashes (n, words).
#[pyfunction]
#[pyo3(signature = (features, other, out, *, n_threads=None, progress=None))]
pub fn dhash_affinity(
    py: Python<'_>,
    features: PyReadonlyArray2<u64>,
    other: Option<PyReadonlyArray2<u64>>,
    mut out: PyReadwriteArray2<f32>,
    n_threads: Option<usize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<()> {
    let first = words(&features)?;
    let other = other.as_ref().map(words).transpose()?;
    let kernel = dhash::Affinity::new(&first, other.as_ref().unwrap_or(&first)).or_raise()?;
    fill(
        py,
        &kernel,
        other.is_none(),
        out.as_slice_mut()?,
        n_threads,
        progress,
    )
}

/// Fills `out` (n, m) with TIMA affinities of cluster moments.
#[pyfunction]
#[pyo3(signature = (features, other, out, *, weight_mass, n_threads=None, progress=None))]
pub fn tima_affinity(
    py: Python<'_>,
    features: RaggedArrays,
    other: Option<RaggedArrays>,
    mut out: PyReadwriteArray2<f32>,
    weight_mass: f64,
    n_threads: Option<usize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<()> {
    let rows = ragged(&features)?;
    let other = other.as_ref().map(ragged).transpose()?;
    let kernel = tima::Affinity::new(&rows, other.as_ref().unwrap_or(&rows), weight_mass);
    fill(
        py,
        &kernel,
        other.is_none(),
        out.as_slice_mut()?,
        n_threads,
        progress,
    )
}

/// How neighbours are sought.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Search<'py> {
    /// The caller's number of the sample at each position.
    names: PyReadonlyArray1<'py, u32>,
    threshold: f32,
    top_k: Option<usize>,
    n_threads: Option<usize>,
    progress: Option<Py<PyAny>>,
}

/// Offsets, columns and values of a sparse matrix in compressed rows.
pub type CsrArrays<'py> = (
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<i32>>,
    Bound<'py, PyArray1<f32>>,
);

pub fn find<'py, K: Bounded>(py: Python<'py>, kernel: &K, search: Search) -> PyResult<CsrArrays<'py>> {
    let names: Vec<u32> = search.names.as_array().iter().copied().collect();
    let count = kernel.shape().0;
    let mut seen = vec![false; count];
    let mut new = |&name: &u32| {
        seen.get_mut(name as usize)
            .is_some_and(|seen| !std::mem::replace(seen, true))
    };
    if names.len() != count || !names.iter().all(&mut new) {
        let given = format!("an array of {} numbers", names.len());
        return Err(Error::argument(
            "names",
            given,
            format!("each number below {count} once"),
        ))
        .or_raise();
    }
    let rule = Rule {
        threshold: search.threshold,
        top_k: search.top_k,
    };
    let threads = thread_count(search.n_threads).or_raise()?;
    let csr = interruptible(py, search.progress, |poll| {
        pairwise::neighbors(kernel, &names, rule, threads, poll)
    })?;
    Ok((
        csr.offsets.into_pyarray(py),
        csr.columns.into_pyarray(py),
        csr.values.into_pyarray(py),
    ))
}

/// Neighbours under MultiMatch.
#[pyfunction]
#[pyo3(signature = (features, search, *, screen_size, weights, alignment))]
pub fn multimatch_neighbors<'py>(
    py: Python<'py>,
    features: RaggedArrays,
    search: Search,
    screen_size: [f64; 2],
    weights: [f64; 5],
    alignment: &str,
) -> PyResult<CsrArrays<'py>> {
    let scale = multimatch::Scale::new(screen_size, weights).or_raise()?;
    let rows = ragged(&features)?;
    let outcome = multimatch::Affinity {
        weights: scale.weights,
    };
    let kernel = multimatch::Comparison::new(&rows, &rows, &scale, alignment_from(alignment)?, outcome);
    find(py, &kernel, search)
}

/// Neighbours under gaze moments.
#[pyfunction]
#[pyo3(signature = (features, search, *, alpha))]
pub fn moments_neighbors<'py>(
    py: Python<'py>,
    features: PyReadonlyArray2<f64>,
    search: Search,
    alpha: f64,
) -> PyResult<CsrArrays<'py>> {
    let moments = rows("features", &features)?;
    find(py, &moments::Affinity::new(&moments, &moments, alpha), search)
}

/// Neighbours under dHash.
#[pyfunction]
#[pyo3(signature = (features, search))]
pub fn dhash_neighbors<'py>(
    py: Python<'py>,
    features: PyReadonlyArray2<u64>,
    search: Search,
) -> PyResult<CsrArrays<'py>> {
    let hashes = words(&features)?;
    find(py, &dhash::Affinity::new(&hashes, &hashes).or_raise()?, search)
}

/// Neighbours under TIMA.
#[pyfunction]
#[pyo3(signature = (features, search, *, weight_mass))]
pub fn tima_neighbors<'py>(
    py: Python<'py>,
    features: RaggedArrays,
    search: Search,
    weight_mass: f64,
) -> PyResult<CsrArrays<'py>> {
    let sequences = ragged(&features)?;
    find(
        py,
        &tima::Affinity::new(&sequences, &sequences, weight_mass),
        search,
    )
}
