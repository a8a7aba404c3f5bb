//! Pairs: features in, a NumPy array filled or neighbours out.
//!
//! [`Scheme`] says what is particular about a scheme; [`fill`] and [`find`] are the same for all. They copy the arrays,
//! release the GIL, and only then check, pack and compare. Without `other` the matrix is the symmetric one of the
//! features with themselves.

pub mod dhash;
pub mod measures;
pub mod moments;
pub mod multimatch;
pub mod tima;

use std::sync::{Mutex, PoisonError};

use gazesim_core::pairwise::{
    Approximate, Csr, Descent, Kept, ListKernel, MAX_ROUNDS, Rule, Saved, pair_count, resumed_descent,
};
use gazesim_core::parallel::Poll;
use gazesim_core::{Error, Result};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::arrays::FromArrays;
use crate::detached::Call;

/// A scheme with the options of its pairs.
trait Scheme: Send + Sync {
    /// What is compared.
    type Features: FromArrays;
    /// What one pair yields.
    type Output: Send;

    /// Fills `out` with all pairs; without `other`, of the rows with themselves.
    fn fill(
        &self,
        rows: &Self::Features,
        other: Option<&Self::Features>,
        out: &mut [Self::Output],
        threads: usize,
        poll: Poll,
    ) -> Result<()>;
}

/// A [`Scheme`] whose neighbours can be sought.
trait Affinities: Scheme<Output = f32> {
    /// An order in which similar samples are near each other, for an approximate search.
    fn arrange(
        &self,
        samples: &Self::Features,
        descent: &Descent,
        threads: usize,
        poll: Poll,
    ) -> Result<Vec<u32>>;

    /// Finds the neighbours of each sample.
    fn find(&self, samples: &Self::Features, sought: &Sought, threads: usize, poll: Poll) -> Result<Found>;
}

/// The features of a scheme as Python passes them.
type ArraysOf<'py, S> = <<S as Scheme>::Features as FromArrays>::Arrays<'py>;

fn fill<S: Scheme>(
    py: Python<'_>,
    scheme: &S,
    features: &ArraysOf<S>,
    other: Option<&ArraysOf<S>>,
    out: &mut [S::Output],
    call: Call,
) -> PyResult<()> {
    let rows = S::Features::copy(features, "features")?;
    let other = other.map(|other| S::Features::copy(other, "other")).transpose()?;
    call.run(py, |threads, poll| {
        let rows = S::Features::pack(rows)?;
        let other = other.map(S::Features::pack).transpose()?;
        scheme.fill(&rows, other.as_ref(), out, threads, poll)
    })
}

/// The settings of a search for neighbours.
struct Sought {
    names: Vec<u32>,
    rule: Rule,
    /// Approximately so, else exactly.
    descent: Option<Descent>,
    /// The graph that an earlier search has kept.
    saved: Option<Saved>,
    /// The callable that keeps graphs.
    keep: Option<Py<PyAny>>,
    /// What it raised.
    raised: Mutex<Option<PyErr>>,
}

/// Neighbours, and for an approximate search the recall, the number of queries behind it, and the rounds.
struct Found(Csr, Option<(f64, usize, usize)>);

impl Sought {
    /// Searches approximately with `kernel` if requested and cheaper, else with `exact`.
    fn by<K: ListKernel>(
        &self,
        kernel: &K,
        threads: usize,
        poll: Poll,
        exact: impl FnOnce(&K, &[u32], Rule, usize, Poll) -> Result<Csr>,
    ) -> Result<Found> {
        let Some(descent) = &self.descent else {
            return Ok(Found(exact(kernel, &self.names, self.rule, threads, poll)?, None));
        };
        let count = self.names.len();
        descent.check(self.rule)?;
        if descent.compares_all(count) {
            // Told in the steps of a descent: what is shown was promised before the way was chosen.
            let (steps, pairs) = (
                (count * (MAX_ROUNDS + 2)) as f64,
                pair_count(count, count, true) as f64,
            );
            let mut told = |done: u64| poll((done as f64 / pairs * steps).min(steps) as u64);
            let csr = exact(kernel, &self.names, self.rule, threads, &mut told)?;
            return Ok(Found(csr, Some((1.0, count, 0))));
        }
        let mut keep = |graph| self.keep(graph);
        let kept = Kept {
            saved: self.saved.as_ref(),
            keep: self.keep.is_some().then_some(&mut keep),
        };
        let found = resumed_descent(kernel, &self.names, self.rule, descent, kept, threads, poll)?;
        let Approximate {
            neighbors,
            recall,
            queries,
            rounds,
        } = found;
        Ok(Found(neighbors, Some((recall, queries, rounds))))
    }

    /// Hands a graph to Python; an exception there ends the search.
    fn keep(&self, graph: Saved) -> Result<()> {
        let Some(keep) = &self.keep else {
            return Ok(());
        };
        Python::attach(|py| {
            let Saved {
                rounds,
                positions,
                values,
            } = graph;
            let arrays = (rounds, positions.into_pyarray(py), values.into_pyarray(py));
            keep.call1(py, arrays).map(drop).map_err(|error| {
                *self.raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Error::Interrupted
            })
        })
    }
}

/// The options of the approximate search.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct DescentOptions<'py> {
    graph_k: usize,
    seed: u64,
    queries: usize,
    /// Rounds, positions and affinities of the graph with which to go on.
    saved: Option<(usize, PyReadonlyArray1<'py, u32>, PyReadonlyArray1<'py, f32>)>,
    /// Called with rounds, positions and affinities of the graph after each round.
    keep: Option<Py<PyAny>>,
}

/// How neighbours are sought.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Search<'py> {
    /// The caller's number of the sample at each position.
    names: PyReadonlyArray1<'py, u32>,
    threshold: f32,
    top_k: Option<usize>,
    descent: Option<DescentOptions<'py>>,
    n_threads: Option<usize>,
    progress: Option<Py<PyAny>>,
}

/// Offsets, columns and values of a sparse matrix in compressed rows, and what is known of an approximate search:
/// recall, queries, rounds.
type CsrArrays<'py> = (
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<i32>>,
    Bound<'py, PyArray1<f32>>,
    Option<(f64, usize, usize)>,
);

fn find<'py, S: Affinities>(
    py: Python<'py>,
    scheme: &S,
    features: &ArraysOf<S>,
    search: Search,
) -> PyResult<CsrArrays<'py>> {
    let samples = S::Features::copy(features, "features")?;
    let mut sought = Sought {
        names: search.names.as_array().iter().copied().collect(),
        rule: Rule {
            threshold: search.threshold,
            top_k: search.top_k,
        },
        descent: None,
        saved: None,
        keep: None,
        raised: Mutex::default(),
    };
    if let Some(options) = search.descent {
        sought.descent = Some(Descent {
            graph_k: options.graph_k,
            seed: options.seed,
            queries: options.queries,
        });
        sought.saved = options.saved.map(|(rounds, positions, values)| Saved {
            rounds,
            positions: positions.as_array().to_vec(),
            values: values.as_array().to_vec(),
        });
        sought.keep = options.keep;
    }
    let found = Call::new(search.n_threads, search.progress)?.run(py, |threads, poll| {
        let mut samples = S::Features::pack(samples)?;
        if let Some(descent) = sought
            .descent
            .filter(|descent| !descent.compares_all(sought.names.len()))
        {
            descent.check(sought.rule)?;
            // Neighbours are compared with neighbours: near each other in memory, they cost half.
            let order = scheme.arrange(&samples, &descent, threads, poll)?;
            samples = samples.in_order(&order);
            sought.names = order.iter().map(|&i| sought.names[i as usize]).collect();
        }
        scheme.find(&samples, &sought, threads, poll)
    });
    if let Some(error) = sought.raised.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let Found(csr, info) = found?;
    Ok((
        csr.offsets.into_pyarray(py),
        csr.columns.into_pyarray(py),
        csr.values.into_pyarray(py),
        info,
    ))
}
