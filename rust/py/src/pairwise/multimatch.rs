//! MultiMatch.

use gazesim_core::Result;
use gazesim_core::pairwise::{Descent, arrangement, dense, neighbors};
use gazesim_core::parallel::Poll;
use gazesim_core::schemes::multimatch::{self, Alignment, Comparison, Dimensions, Scale};
use numpy::{PyReadwriteArray2, PyReadwriteArray3};
use pyo3::prelude::*;

use super::{Affinities, CsrArrays, Found, Scheme, Search, Sought, fill, find};
use crate::arrays::RaggedArrays;
use crate::detached::Call;
use crate::errors::OrRaise;
use crate::options::Choice;

struct MultiMatch {
    scale: Scale,
    alignment: Alignment,
}

impl MultiMatch {
    fn new(screen_size: [f64; 2], weights: [f64; 5], alignment: Choice<Alignment>) -> PyResult<Self> {
        Ok(Self {
            scale: Scale::new(screen_size, weights).or_raise()?,
            alignment: alignment.0,
        })
    }

    fn kernel<'a>(
        &self,
        rows: &'a multimatch::Features,
        cols: &'a multimatch::Features,
    ) -> Comparison<'a, multimatch::Affinity> {
        let weights = self.scale.weights;
        Comparison::new(
            rows,
            cols,
            &self.scale,
            self.alignment,
            multimatch::Affinity { weights },
        )
    }
}

impl Scheme for MultiMatch {
    type Features = multimatch::Features;
    type Output = f32;

    fn fill(
        &self,
        rows: &Self::Features,
        other: Option<&Self::Features>,
        out: &mut [f32],
        threads: usize,
        poll: Poll,
    ) -> Result<()> {
        let kernel = self.kernel(rows, other.unwrap_or(rows));
        dense(&kernel, other.is_none(), out, threads, poll)
    }
}

impl Affinities for MultiMatch {
    fn arrange(
        &self,
        samples: &Self::Features,
        descent: &Descent,
        threads: usize,
        poll: Poll,
    ) -> Result<Vec<u32>> {
        arrangement(&self.kernel(samples, samples), descent, threads, poll)
    }

    fn find(&self, samples: &Self::Features, sought: &Sought, threads: usize, poll: Poll) -> Result<Found> {
        sought.by(&self.kernel(samples, samples), threads, poll, neighbors)
    }
}

/// The five similarities of MultiMatch; `scalar` compares pair by pair.
struct FiveDimensions {
    scheme: MultiMatch,
    scalar: bool,
}

impl Scheme for FiveDimensions {
    type Features = multimatch::Features;
    type Output = [f64; 5];

    fn fill(
        &self,
        rows: &Self::Features,
        other: Option<&Self::Features>,
        out: &mut [[f64; 5]],
        threads: usize,
        poll: Poll,
    ) -> Result<()> {
        let engine = if self.scalar {
            Comparison::scalar
        } else {
            Comparison::new
        };
        let MultiMatch { scale, alignment } = &self.scheme;
        let kernel = engine(rows, other.unwrap_or(rows), scale, *alignment, Dimensions);
        dense(&kernel, other.is_none(), out, threads, poll)
    }
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
    alignment: Choice<Alignment>,
    n_threads: Option<usize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<()> {
    let scheme = MultiMatch::new(screen_size, weights, alignment)?;
    let call = Call::new(n_threads, progress)?;
    fill(py, &scheme, &features, other.as_ref(), out.as_slice_mut()?, call)
}

/// Fills `out` (n, m, 5) with the five MultiMatch similarities. `scalar` compares pair by pair, for tests that compare
/// the vector code with it.
#[pyfunction]
#[pyo3(signature = (features, other, out, *, screen_size, alignment, n_threads=None, progress=None, scalar=false))]
#[allow(clippy::too_many_arguments)] // the Python signature
pub fn multimatch_dimensions(
    py: Python<'_>,
    features: RaggedArrays,
    other: Option<RaggedArrays>,
    mut out: PyReadwriteArray3<f64>,
    screen_size: [f64; 2],
    alignment: Choice<Alignment>,
    n_threads: Option<usize>,
    progress: Option<Py<PyAny>>,
    scalar: bool,
) -> PyResult<()> {
    let scheme = MultiMatch::new(screen_size, [0.2; 5], alignment)?;
    let call = Call::new(n_threads, progress)?;
    let (out, _) = out.as_slice_mut()?.as_chunks_mut();
    fill(
        py,
        &FiveDimensions { scheme, scalar },
        &features,
        other.as_ref(),
        out,
        call,
    )
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
    alignment: Choice<Alignment>,
) -> PyResult<CsrArrays<'py>> {
    find(
        py,
        &MultiMatch::new(screen_size, weights, alignment)?,
        &features,
        search,
    )
}
