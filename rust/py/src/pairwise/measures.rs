//! Scanpath measures: one binding for all, which a name and parameters choose from.

use std::marker::PhantomData;

use gazesim_core::pairwise::{Descent, arrangement, dense, neighbors};
use gazesim_core::parallel::Poll;
use gazesim_core::scanpath::Ragged;
use gazesim_core::schemes::side_by_side::{self, Comparison, Measure, Outcome};
use gazesim_core::schemes::time_delay::{Norm, TimeDelay, Windows};
use gazesim_core::schemes::{
    dtw, eyenalysis, frechet, hausdorff, mannan, recurrence, scanmatch, scasim, string_edit,
};
use gazesim_core::{Error, Result};
use numpy::{PyReadwriteArray2, PyReadwriteArray3};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::{Affinities, CsrArrays, Found, Scheme, Search, Sought, fill, find};
use crate::arrays::RaggedArrays;
use crate::detached::Call;
use crate::errors::OrRaise;

/// Work on a measure, generic over its type.
trait Use<'py> {
    type Output;
    fn with<const N: usize, const VALUES: usize, M: Measure<N, VALUES> + Send>(
        self,
        py: Python<'py>,
        measure: M,
    ) -> PyResult<Self::Output>
    where
        [f64; VALUES]: Default;
}

/// Hands the measure that a dictionary names, with its parameters, to `user`.
fn choose<'py, U: Use<'py>>(py: Python<'py>, measure: &Bound<'py, PyDict>, user: U) -> PyResult<U::Output> {
    let number = |name: &str| -> PyResult<f64> { measure.as_any().get_item(name)?.extract() };
    let count = |name: &str| -> PyResult<usize> { measure.as_any().get_item(name)?.extract() };
    let text = |name: &str| -> PyResult<String> { measure.as_any().get_item(name)?.extract() };
    let name = text("name")?;
    match name.as_str() {
        "dtw" => user.with(
            py,
            dtw::Dtw {
                diagonal: number("diagonal_px")?,
            },
        ),
        "frechet" => user.with(
            py,
            frechet::Frechet {
                diagonal: number("diagonal_px")?,
            },
        ),
        "hausdorff" => user.with(
            py,
            hausdorff::Hausdorff {
                diagonal: number("diagonal_px")?,
            },
        ),
        "mannan" => user.with(
            py,
            mannan::Mannan {
                screen_size: measure.as_any().get_item("screen_size")?.extract()?,
            },
        ),
        "eyenalysis" => user.with(
            py,
            eyenalysis::Eyenalysis {
                squared: measure.as_any().get_item("squared")?.extract()?,
                diagonal: number("diagonal_px")?,
            },
        ),
        "scanmatch" => user.with(
            py,
            scanmatch::ScanMatch {
                threshold: number("threshold")?,
                gap: number("gap")?,
            },
        ),
        "string_edit" => {
            let kind = match text("kind")?.as_str() {
                "lcs" => string_edit::Kind::Lcs,
                _ => string_edit::Kind::Levenshtein,
            };
            let alphabet = count("alphabet")?;
            user.with(py, string_edit::StringEdit { kind, alphabet })
        }
        "time_delay_embedding" => {
            let norm = match text("norm")?.as_str() {
                "sum" => Norm::Sum,
                _ => Norm::L2,
            };
            let windows = match text("windows")?.as_str() {
                "mean" => Windows::Mean(count("k")?),
                "max" => Windows::Largest(count("k")?),
                _ => Windows::Scaled,
            };
            user.with(py, TimeDelay { norm, windows })
        }
        "recurrence" => user.with(
            py,
            recurrence::Recurrence {
                radius_px: number("radius_px")?,
            },
        ),
        "recurrence_quantified" => user.with(
            py,
            recurrence::Quantified {
                radius_px: number("radius_px")?,
                min_line: count("min_line")?,
            },
        ),
        "scasim" => user.with(py, scasim::Scasim::new(number("modulator")?)),
        _ => Err(Error::argument(
            "measure",
            format!("{name:?}"),
            "a scanpath measure",
        ))
        .or_raise(),
    }
}

/// A measure as a scheme whose pairs yield `O`.
struct Of<const N: usize, const VALUES: usize, M, O>(M, PhantomData<O>);

impl<const N: usize, const VALUES: usize, M, O> Scheme for Of<N, VALUES, M, O>
where
    M: Measure<N, VALUES> + Send,
    O: Outcome<VALUES> + Send,
{
    type Features = Ragged<[f64; N]>;
    type Output = O::Output;

    fn fill(
        &self,
        rows: &Self::Features,
        other: Option<&Self::Features>,
        out: &mut [O::Output],
        threads: usize,
        poll: Poll,
    ) -> Result<()> {
        let kernel: Comparison<N, VALUES, &M, O> = Comparison::new(&self.0, rows, other.unwrap_or(rows));
        dense(&kernel, other.is_none(), out, threads, poll)
    }
}

impl<const N: usize, const VALUES: usize, M> Affinities for Of<N, VALUES, M, side_by_side::Affinities>
where
    M: Measure<N, VALUES> + Send,
{
    fn arrange(
        &self,
        samples: &Self::Features,
        descent: &Descent,
        threads: usize,
        poll: Poll,
    ) -> Result<Vec<u32>> {
        let kernel: Comparison<N, VALUES, &M, side_by_side::Affinities> =
            Comparison::new(&self.0, samples, samples);
        arrangement(&kernel, descent, threads, poll)
    }

    fn find(&self, samples: &Self::Features, sought: &Sought, threads: usize, poll: Poll) -> Result<Found> {
        let kernel: Comparison<N, VALUES, &M, side_by_side::Affinities> =
            Comparison::new(&self.0, samples, samples);
        sought.by(&kernel, threads, poll, neighbors)
    }
}

struct FillAffinity<'a, 'py> {
    features: RaggedArrays<'py>,
    other: Option<RaggedArrays<'py>>,
    out: &'a mut [f32],
    call: Call,
}

impl<'py> Use<'py> for FillAffinity<'_, 'py> {
    type Output = ();

    fn with<const N: usize, const VALUES: usize, M: Measure<N, VALUES> + Send>(
        self,
        py: Python<'py>,
        measure: M,
    ) -> PyResult<()>
    where
        [f64; VALUES]: Default,
    {
        let scheme: Of<N, VALUES, M, side_by_side::Affinities> = Of(measure, PhantomData);
        fill(
            py,
            &scheme,
            &self.features,
            self.other.as_ref(),
            self.out,
            self.call,
        )
    }
}

/// Fills `out` (n, m) with affinities of scanpaths under one of the measures.
#[pyfunction]
#[pyo3(signature = (features, other, out, *, measure, n_threads=None, progress=None))]
pub fn measure_affinity<'py>(
    py: Python<'py>,
    features: RaggedArrays<'py>,
    other: Option<RaggedArrays<'py>>,
    mut out: PyReadwriteArray2<f32>,
    measure: &Bound<'py, PyDict>,
    n_threads: Option<usize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<()> {
    let call = Call::new(n_threads, progress)?;
    let out = out.as_slice_mut()?;
    let user = FillAffinity {
        features,
        other,
        out,
        call,
    };
    choose(py, measure, user)
}

struct FillValues<'a, 'py> {
    features: RaggedArrays<'py>,
    other: RaggedArrays<'py>,
    out: &'a mut [f64],
    call: Call,
}

impl<'py> Use<'py> for FillValues<'_, 'py> {
    type Output = ();

    fn with<const N: usize, const VALUES: usize, M: Measure<N, VALUES> + Send>(
        self,
        py: Python<'py>,
        measure: M,
    ) -> PyResult<()>
    where
        [f64; VALUES]: Default,
    {
        let (out, rest) = self.out.as_chunks_mut::<VALUES>();
        if !rest.is_empty() {
            let given = format!("an array of {} numbers", out.len() * VALUES + rest.len());
            return Err(Error::argument(
                "out",
                given,
                format!("{VALUES} numbers per pair"),
            ))
            .or_raise();
        }
        let scheme: Of<N, VALUES, M, side_by_side::Values> = Of(measure, PhantomData);
        // With another set, even an equal one: some of the numbers have a direction, and no pair is the
        // mirror image of another.
        fill(py, &scheme, &self.features, Some(&self.other), out, self.call)
    }
}

/// Fills `out` (n, m, values) with what one of the measures computes of every pair; NaN where a
/// scanpath is empty.
#[pyfunction]
#[pyo3(signature = (features, other, out, *, measure, n_threads=None, progress=None))]
pub fn measure_values<'py>(
    py: Python<'py>,
    features: RaggedArrays<'py>,
    other: RaggedArrays<'py>,
    mut out: PyReadwriteArray3<f64>,
    measure: &Bound<'py, PyDict>,
    n_threads: Option<usize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<()> {
    let call = Call::new(n_threads, progress)?;
    let out = out.as_slice_mut()?;
    let user = FillValues {
        features,
        other,
        out,
        call,
    };
    choose(py, measure, user)
}

struct FindNeighbors<'py> {
    features: RaggedArrays<'py>,
    search: Search<'py>,
}

impl<'py> Use<'py> for FindNeighbors<'py> {
    type Output = CsrArrays<'py>;

    fn with<const N: usize, const VALUES: usize, M: Measure<N, VALUES> + Send>(
        self,
        py: Python<'py>,
        measure: M,
    ) -> PyResult<CsrArrays<'py>>
    where
        [f64; VALUES]: Default,
    {
        let scheme: Of<N, VALUES, M, side_by_side::Affinities> = Of(measure, PhantomData);
        find(py, &scheme, &self.features, self.search)
    }
}

/// Neighbours under one of the scanpath measures.
#[pyfunction]
#[pyo3(signature = (features, search, *, measure))]
pub fn measure_neighbors<'py>(
    py: Python<'py>,
    features: RaggedArrays<'py>,
    search: Search<'py>,
    measure: &Bound<'py, PyDict>,
) -> PyResult<CsrArrays<'py>> {
    choose(py, measure, FindNeighbors { features, search })
}
