//! TIMA.

use gazesim_core::Result;
use gazesim_core::pairwise::{Descent, arrangement, dense, neighbors};
use gazesim_core::parallel::Poll;
use gazesim_core::schemes::tima;
use numpy::PyReadwriteArray2;
use pyo3::prelude::*;

use super::{Affinities, CsrArrays, Found, Scheme, Search, Sought, fill, find};
use crate::arrays::RaggedArrays;
use crate::detached::Call;

struct Tima {
    weight_mass: f64,
}

impl Scheme for Tima {
    type Features = tima::Features;
    type Output = f32;

    fn fill(
        &self,
        rows: &Self::Features,
        other: Option<&Self::Features>,
        out: &mut [f32],
        threads: usize,
        poll: Poll,
    ) -> Result<()> {
        let kernel = tima::Affinity::new(rows, other.unwrap_or(rows), self.weight_mass);
        dense(&kernel, other.is_none(), out, threads, poll)
    }
}

impl Affinities for Tima {
    fn arrange(
        &self,
        samples: &Self::Features,
        descent: &Descent,
        threads: usize,
        poll: Poll,
    ) -> Result<Vec<u32>> {
        arrangement(
            &tima::Affinity::new(samples, samples, self.weight_mass),
            descent,
            threads,
            poll,
        )
    }

    fn find(&self, samples: &Self::Features, sought: &Sought, threads: usize, poll: Poll) -> Result<Found> {
        let kernel = tima::Affinity::new(samples, samples, self.weight_mass);
        sought.by(&kernel, threads, poll, neighbors)
    }
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
    let call = Call::new(n_threads, progress)?;
    fill(
        py,
        &Tima { weight_mass },
        &features,
        other.as_ref(),
        out.as_slice_mut()?,
        call,
    )
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
    find(py, &Tima { weight_mass }, &features, search)
}
