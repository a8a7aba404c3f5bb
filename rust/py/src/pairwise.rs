//! Pairs: features in, a NumPy array filled or neighbours out. Without `other` the matrix is the
//! symmetric one of the features with themselves.

use gazesim_core::pairwise::{self, dense, dense_by_rows, Bounded, Csr, RowKernel, Rule, TileKernel};
use gazesim_core::parallel::{thread_count, Poll};
use gazesim_core::schemes::{dhash, moments, multimatch, tima};
use numpy::{
    IntoPyArray, PyArray1, PyReadonlyArray1, PyReadonlyArray2, PyReadwriteArray2, PyReadwriteArray3,
};
use pyo3::prelude::*;

use crate::arrays::{ragged, rows, words, RaggedArrays};
use crate::detached::interruptible;
use crate::errors::OrRaise;
use crate::schemes::alignment_from;

pub fn fill<K: TileKernel>(
    py: Python<'_>,
    kernel: &K,
    symmetric: bool,
    out: &mut [K::Output],
    n_threads: Option<usize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<()> {
    let threads = thread_count(n_threads).or_raise()?;
    interruptible(py, progress, |poll| dense(kernel, symmetric, out, threads, poll))
}

fn fill_rows<K: RowKernel>(
    py: Python<'_>,
    kernel: &K,
    out: &mut [f32],
    n_threads: Option<usize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<()> {
    let threads = thread_count(n_threads).or_raise()?;
    interruptible(py, progress, |poll| dense_by_rows(kernel, out, threads, poll))
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
    fill_rows(py, &kernel, out.as_slice_mut()?, n_threads, progress)
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
    fill_rows(py, &kernel, out.as_slice_mut()?, n_threads, progress)
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

fn find<'py>(
    py: Python<'py>,
    search: Search,
    seek: impl FnOnce(&[u32], Rule, usize, Poll) -> gazesim_core::Result<Csr> + Send,
) -> PyResult<CsrArrays<'py>> {
    let names: Vec<u32> = search.names.as_array().iter().copied().collect();
    let rule = Rule {
        threshold: search.threshold,
        top_k: search.top_k,
    };
    let threads = thread_count(search.n_threads).or_raise()?;
    let csr = interruptible(py, search.progress, |poll| seek(&names, rule, threads, poll))?;
    Ok((
        csr.offsets.into_pyarray(py),
        csr.columns.into_pyarray(py),
        csr.values.into_pyarray(py),
    ))
}

pub fn find_by_tiles<'py, K: TileKernel + Bounded>(
    py: Python<'py>,
    kernel: &K,
    search: Search,
) -> PyResult<CsrArrays<'py>> {
    find(py, search, |names, rule, threads, poll| {
        pairwise::neighbors(kernel, names, rule, threads, poll)
    })
}

fn find_by_rows<'py, K: RowKernel + Bounded>(
    py: Python<'py>,
    kernel: &K,
    search: Search,
) -> PyResult<CsrArrays<'py>> {
    find(py, search, |names, rule, threads, poll| {
        pairwise::neighbors_by_rows(kernel, names, rule, threads, poll)
    })
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
    find_by_tiles(py, &kernel, search)
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
    find_by_rows(py, &moments::Affinity::new(&moments, &moments, alpha), search)
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
    find_by_rows(py, &dhash::Affinity::new(&hashes, &hashes).or_raise()?, search)
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
    find_by_tiles(
        py,
        &tima::Affinity::new(&sequences, &sequences, weight_mass),
        search,
    )
}
