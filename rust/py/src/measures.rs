//! Scanpath measures: one binding for all, which a name and parameters choose from.

use gazesim_core::schemes::side_by_side::{Affinities, Comparison, Measure, Values};
use gazesim_core::schemes::time_delay::{Norm, TimeDelay, Windows};
use gazesim_core::schemes::{
    dtw, eyenalysis, frechet, hausdorff, mannan, recurrence, scanmatch, scasim, string_edit,
};
use gazesim_core::Error;
use numpy::{PyReadwriteArray2, PyReadwriteArray3};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::{ragged, RaggedArrays};
use crate::errors::OrRaise;
use crate::pairwise::{fill, find_by_tiles, CsrArrays, Search};

/// What is done with a measure, whatever its type.
trait Use<'py> {
    type Output;
    fn with<const N: usize, const VALUES: usize, M: Measure<N, VALUES>>(
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

struct FillAffinity<'a, 'py> {
    features: RaggedArrays<'py>,
    other: Option<RaggedArrays<'py>>,
    out: &'a mut [f32],
    n_threads: Option<usize>,
    progress: Option<Py<PyAny>>,
}

impl<'py> Use<'py> for FillAffinity<'_, 'py> {
    type Output = ();

    fn with<const N: usize, const VALUES: usize, M: Measure<N, VALUES>>(
        self,
        py: Python<'py>,
        measure: M,
    ) -> PyResult<()>
    where
        [f64; VALUES]: Default,
    {
        let rows = ragged::<N>(&self.features)?;
        let other = self.other.as_ref().map(ragged).transpose()?;
        let cols = other.as_ref().unwrap_or(&rows);
        let kernel: Comparison<N, VALUES, M, Affinities> = Comparison::new(measure, &rows, cols);
        fill(
            py,
            &kernel,
            other.is_none(),
            self.out,
            self.n_threads,
            self.progress,
        )
    }
}

/// Fills `out` (n, m) with affinities of scanpaths under one of the measures.
#[pyfunction]
#[pyo3(signature = (features, other, out, *, measure, n_threads=None, progress=None))]
#[allow(clippy::too_many_arguments)] // the Python signature
pub fn measure_affinity<'py>(
    py: Python<'py>,
    features: RaggedArrays<'py>,
    other: Option<RaggedArrays<'py>>,
    mut out: PyReadwriteArray2<f32>,
    measure: &Bound<'py, PyDict>,
    n_threads: Option<usize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<()> {
    let user = FillAffinity {
        features,
        other,
        out: out.as_slice_mut()?,
        n_threads,
        progress,
    };
    choose(py, measure, user)
}

struct FillValues<'a, 'py> {
    features: RaggedArrays<'py>,
    other: RaggedArrays<'py>,
    out: &'a mut [f64],
    n_threads: Option<usize>,
    progress: Option<Py<PyAny>>,
}

impl<'py> Use<'py> for FillValues<'_, 'py> {
    type Output = ();

    fn with<const N: usize, const VALUES: usize, M: Measure<N, VALUES>>(
        self,
        py: Python<'py>,
        measure: M,
    ) -> PyResult<()>
    where
        [f64; VALUES]: Default,
    {
        let rows = ragged::<N>(&self.features)?;
        let cols = ragged::<N>(&self.other)?;
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
        let kernel: Comparison<N, VALUES, M, Values> = Comparison::new(measure, &rows, &cols);
        // Some of the numbers have a direction: no pair is the mirror image of another.
        fill(py, &kernel, false, out, self.n_threads, self.progress)
    }
}

/// Fills `out` (n, m, values) with what one of the measures computes of every pair; NaN where a
/// scanpath is empty.
#[pyfunction]
#[pyo3(signature = (features, other, out, *, measure, n_threads=None, progress=None))]
#[allow(clippy::too_many_arguments)] // the Python signature
pub fn measure_values<'py>(
    py: Python<'py>,
    features: RaggedArrays<'py>,
    other: RaggedArrays<'py>,
    mut out: PyReadwriteArray3<f64>,
    measure: &Bound<'py, PyDict>,
    n_threads: Option<usize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<()> {
    let user = FillValues {
        features,
        other,
        out: out.as_slice_mut()?,
        n_threads,
        progress,
    };
    choose(py, measure, user)
}

struct FindNeighbors<'py> {
    features: RaggedArrays<'py>,
    search: Search<'py>,
}

impl<'py> Use<'py> for FindNeighbors<'py> {
    type Output = CsrArrays<'py>;

    fn with<const N: usize, const VALUES: usize, M: Measure<N, VALUES>>(
        self,
        py: Python<'py>,
        measure: M,
    ) -> PyResult<CsrArrays<'py>>
    where
        [f64; VALUES]: Default,
    {
        let rows = ragged::<N>(&self.features)?;
        let kernel: Comparison<N, VALUES, M, Affinities> = Comparison::new(measure, &rows, &rows);
        find_by_tiles(py, &kernel, self.search)
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
