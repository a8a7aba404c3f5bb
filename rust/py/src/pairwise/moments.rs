//! Gaze moments.

use gazesim_core::Result;
use gazesim_core::pairwise::{Descent, arrangement, dense_by_rows, neighbors_by_rows};
use gazesim_core::parallel::Poll;
use gazesim_core::schemes::moments::{self, Moments as MapMoments};
use numpy::{PyReadonlyArray2, PyReadwriteArray2};
use pyo3::prelude::*;

use super::{Affinities, CsrArrays, Found, Scheme, Search, Sought, fill, find};
use crate::detached::Call;

struct Moments {
    alpha: f64,
}

impl Scheme for Moments {
    type Features = Vec<MapMoments>;
    type Output = f32;

    fn fill(
        &self,
        rows: &Self::Features,
        other: Option<&Self::Features>,
        out: &mut [f32],
        threads: usize,
        poll: Poll,
    ) -> Result<()> {
        let kernel = moments::Affinity::new(rows, other.unwrap_or(rows), self.alpha);
        dense_by_rows(&kernel, out, threads, poll)
    }
}

impl Affinities for Moments {
    fn arrange(
        &self,
        samples: &Self::Features,
        descent: &Descent,
        threads: usize,
        poll: Poll,
    ) -> Result<Vec<u32>> {
        arrangement(
            &moments::Affinity::new(samples, samples, self.alpha),
            descent,
            threads,
            poll,
        )
    }

    fn find(&self, samples: &Self::Features, sought: &Sought, threads: usize, poll: Poll) -> Result<Found> {
        let kernel = moments::Affinity::new(samples, samples, self.alpha);
        sought.by(&kernel, threads, poll, neighbors_by_rows)
    }
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
    let call = Call::new(n_threads, progress)?;
    fill(
        py,
        &Moments { alpha },
        &features,
        other.as_ref(),
        out.as_slice_mut()?,
        call,
    )
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
    find(py, &Moments { alpha }, &features, search)
}
