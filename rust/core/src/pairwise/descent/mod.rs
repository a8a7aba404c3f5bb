//! Approximate neighbours by descent in a graph (Dong, Moses & Li 2011, "Efficient k-nearest neighbor graph
//! construction for generic similarity measures"): neighbours of neighbours are likely neighbours. The graph begins with
//! the pairs that trees bring together; each round compares the neighbours of every sample with each other; the recall
//! is counted on exact neighbours of some samples.
//!
//! The result depends only on the seed, not on the threads. The graph at the start of a round decides which pairs are
//! compared; every compared pair is offered to both of its samples; a list keeps the best offers, whatever their
//! order. Random choices are hashes of seed, round and samples.

mod forest;
mod graph;
mod links;
mod recall;
mod rounds;
mod saved;
mod start;

use std::sync::{Mutex, MutexGuard, PoisonError};

use forest::Tree;
use graph::Graph;
pub use saved::Saved;

use super::{Csr, Kernel, Rule};
use crate::parallel::Poll;
use crate::{Error, Result};

/// A kernel that compares one row with columns anywhere.
pub trait ListKernel: Kernel<Output = f32> {
    /// Writes the affinity of row `i` with each of `cols`, at most [`STRETCH`], to the same place of `values`.
    fn list(&self, scratch: &mut Self::Scratch, i: usize, cols: &[u32], values: &mut [f32]);
}

/// Settings of the descent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descent {
    /// Neighbours per sample in the graph, at least as many as are requested.
    pub graph_k: usize,
    /// Seed of the random choices.
    pub seed: u64,
    /// Number of samples whose neighbours are also found exactly, for the recall.
    pub queries: usize,
}

impl Descent {
    /// The requested number of neighbours.
    ///
    /// # Errors
    /// [`Error::Argument`] without a `top_k`, or where it exceeds `graph_k`.
    pub fn check(&self, rule: Rule) -> Result<usize> {
        match rule.top_k {
            Some(top_k) if top_k <= self.graph_k => Ok(top_k),
            Some(top_k) => {
                let expected = format!("at most graph_k = {}", self.graph_k);
                Err(Error::argument("top_k", top_k, expected))
            }
            None => Err(Error::argument(
                "top_k",
                "None",
                "a number with method nn-descent",
            )),
        }
    }

    /// Whether it is cheaper to compare all pairs of `count` samples: a descent compares each sample with some
    /// 2 `graph_k`² to 3 `graph_k`² others, and a pair of samples that are anywhere in memory costs up to twice as much
    /// as one of a tile.
    pub fn compares_all(&self, count: usize) -> bool {
        count / 8 <= self.graph_k.saturating_mul(self.graph_k)
    }
}

/// The neighbours that were found, and their recall.
#[derive(Debug, Clone, PartialEq)]
pub struct Approximate {
    /// The neighbours.
    pub neighbors: Csr,
    /// The share of the exact neighbours of the queries that was found; an equally similar one counts as found. NaN
    /// where the queries have no neighbours.
    pub recall: f64,
    /// The number of queries.
    pub queries: usize,
    /// The rounds of the descent.
    pub rounds: usize,
}

/// The largest number of rounds.
pub const MAX_ROUNDS: usize = 12;

/// It ends when a round has renewed less than this share of the graph.
const STANDSTILL: f64 = 0.001;

/// What needs the memory, for the error.
const WHAT: &str = "the graph of neighbours: a smaller graph_k needs less";

/// An order of the samples in which similar ones are near each other: that of the leaves of a tree.
///
/// A descent compares neighbours with neighbours, and finds about as many in any order; on samples that lie in memory in
/// this order, it waits for memory less. It costs some 2 log2(n / 100) comparisons per sample.
///
/// # Errors
/// As [`neighbors_by_descent`].
pub fn arrangement<K: ListKernel>(
    kernel: &K,
    descent: &Descent,
    threads: usize,
    poll: Poll,
) -> Result<Vec<u32>> {
    let count = kernel.shape().0;
    let pair_ns = kernel.estimated_ns() / (count * count).max(1) as f64;
    let seed = [descent.seed, start::TREES as u64];
    Ok(Tree::grow(kernel, seed, pair_ns, threads, &mut |_| poll(0))?.order)
}

/// Finds most of the neighbours of every sample among the others, and estimates the recall.
///
/// `names` as for [`neighbors`](super::neighbors). `poll` is called with numbers of samples: each counts once for the
/// first graph, once for each round and once for the queries.
///
/// # Errors
/// As [`neighbors`](super::neighbors); [`Error::Argument`] without a `top_k`, or where it exceeds `graph_k`.
pub fn neighbors_by_descent<K: ListKernel>(
    kernel: &K,
    names: &[u32],
    rule: Rule,
    descent: &Descent,
    threads: usize,
    poll: Poll,
) -> Result<Approximate> {
    resumed_descent(kernel, names, rule, descent, Kept::default(), threads, poll)
}

/// Called with a graph that shall be kept.
pub type Keep<'a> = &'a mut (dyn FnMut(Saved) -> Result<()> + Send);

/// What an earlier search left, and where this one leaves its graph; by default nothing and nowhere.
#[derive(Default)]
pub struct Kept<'a> {
    /// The graph with which to go on.
    pub saved: Option<&'a Saved>,
    /// Called with the graph once it has begun and after every round.
    pub keep: Option<Keep<'a>>,
}

/// As [`neighbors_by_descent`], for searches that take long: goes on with a graph that an earlier search of the same
/// samples with the same settings has kept, and keeps its own. The result is the same.
///
/// # Errors
/// As [`neighbors_by_descent`], and what `keep` returns; [`Error::Argument`] for a graph of other samples.
pub fn resumed_descent<K: ListKernel>(
    kernel: &K,
    names: &[u32],
    rule: Rule,
    descent: &Descent,
    mut kept: Kept,
    threads: usize,
    poll: Poll,
) -> Result<Approximate> {
    let count = super::neighbors::check_names(kernel, names)?;
    let top_k = descent.check(rule)?;
    let mut graph = Graph::new(kernel, names, descent, threads)?;
    let count_u64 = count as u64;
    graph.begin(kept.saved.is_none(), poll)?;
    let mut rounds = 0;
    if let Some(saved) = kept.saved {
        graph.restore(saved)?;
        rounds = saved.rounds;
    } else if let Some(keep) = &mut kept.keep {
        keep(graph.saved(0)?)?;
    }
    let stands_still =
        |graph: &Graph<K>| graph.fresh_edges() as f64 <= STANDSTILL * (count * descent.graph_k) as f64;
    while rounds < MAX_ROUNDS && (rounds == 0 || !stands_still(&graph)) {
        let base = count_u64 * (1 + rounds as u64);
        rounds += 1;
        graph.round(rounds as u64, &mut |done| poll(base + done))?;
        if let Some(keep) = &mut kept.keep {
            keep(graph.saved(rounds)?)?;
        }
    }
    let base = count_u64 * (1 + MAX_ROUNDS as u64);
    let (recall, queries) = graph.recall(rule.threshold, top_k, &mut |done| poll(base + done))?;
    Ok(Approximate {
        neighbors: graph.csr(rule.threshold, top_k)?,
        recall,
        queries,
        rounds,
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A number that looks random and follows from others (the finaliser of SplitMix64).
fn hash(numbers: [u64; 4]) -> u64 {
    numbers.into_iter().fold(0x9e37_79b9_7f4a_7c15, |state, number| {
        let mut z = (state ^ number).wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}
