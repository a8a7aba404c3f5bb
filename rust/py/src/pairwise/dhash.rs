//! dHash.

use gazesim_core::Result;
use gazesim_core::pairwise::{Descent, arrangement, dense_by_rows, neighbors_by_rows};
use gazesim_core::parallel::Poll;
use gazesim_core::schemes::dhash;
use numpy::{PyReadonlyArray2, PyReadwriteArray2};
use pyo3::prelude::*;

use super::{Affinities, CsrArrays, Found, Scheme, Search, Sought, fill, find};
use crate::detached::Call;

struct DHash;

impl Scheme for DHash {
    type Features = dhash::Features;
    type Output = f32;

    fn fill(
        &self,
        rows: &dhash::Features,
        other: Option<&dhash::Features>,
        out: &mut [f32],
        threads: usize,
        poll: Poll,
    ) -> Result<()> {
        let kernel = dhash::Affinity::new(rows, other.unwrap_or(rows))?;
        dense_by_rows(&kernel, out, threads, poll)
    }
}

impl Affinities for DHash {
    fn arrange(
        &self,
        samples: &Self::Features,
        descent: &Descent,
        threads: usize,
        poll: Poll,
    ) -> Result<Vec<u32>> {
        arrangement(&dhash::Affinity::new(samples, samples)?, descent, threads, poll)
    }

    fn find(&self, samples: &Self::Features, sought: &Sought, threads: usize, poll: Poll) -> Result<Found> {
        let kernel = dhash::Affinity::new(samples, samples)?;
        sought.by(&kernel, threads, poll, neighbors_by_rows)
    }
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
    let call = Call::new(n_threads, progress)?;
    fill(py, &DHash, &features, other.as_ref(), out.as_slice_mut()?, call)
}

/// Neighbours under dHash.
#[pyfunction]
#[pyo3(signature = (features, search))]
pub fn dhash_neighbors<'py>(
    py: Python<'py>,
    features: PyReadonlyArray2<u64>,
    search: Search,
) -> PyResult<CsrArrays<'py>> {
    find(py, &DHash, &features, search)
}
