//! Approximate neighbours by descent in a graph (Dong, Moses & Li 2011, "Efficient k-nearest neighbor graph
//! construction for generic similarity measures"): neighbours of neighbours are likely neighbours.
//!
//! The result depends only on the seed, not on the threads. The graph at the start of a round decides which pairs are
//! compared; every compared pair is offered to both of its samples; a list keeps the best offers, whatever their
//! order. Random choices are hashes of seed, round and samples.

mod links;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use links::{Draw, Proposals};

use super::{Csr, Kernel, Rule, STRETCH};
use crate::error::reserved;
use crate::parallel::{self, Poll, Progress};
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
    /// `graph_k`² others, and a pair of samples that are far apart in memory costs up to twice as much as one of a tile.
    pub fn compares_all(&self, count: usize) -> bool {
        count / 4 <= self.graph_k.saturating_mul(self.graph_k)
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

/// Positions on either side in the order of the samples with which the graph begins, beside random ones.
const BESIDE: usize = 4;

/// What needs the memory, for the error.
const WHAT: &str = "the graph of neighbours: a smaller graph_k needs less";

/// Samples that one task deals with.
const BATCH: usize = 64;

#[derive(Debug, Clone, Copy)]
struct Edge {
    value: f32,
    position: u32,
    /// Whether the edge has not yet been used to find neighbours.
    fresh: bool,
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
    let count = super::neighbors::check_names(kernel, names)?;
    let top_k = descent.check(rule)?;
    let graph = Graph::new(kernel, names, descent, threads)?;
    let count_u64 = count as u64;
    graph.begin(poll)?;
    let mut rounds = 0;
    while rounds < MAX_ROUNDS {
        let base = count_u64 * (1 + rounds as u64);
        rounds += 1;
        let renewed = graph.round(rounds as u64, &mut |done| poll(base + done))?;
        if renewed as f64 <= STANDSTILL * (count * descent.graph_k) as f64 {
            break;
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

struct Graph<'a, K> {
    kernel: &'a K,
    names: &'a [u32],
    descent: &'a Descent,
    threads: usize,
    /// Neighbours per sample.
    width: usize,
    /// Per sample, the best first.
    lists: Vec<Mutex<Vec<Edge>>>,
    /// Per sample, the bits of what its last edge has once the list is full. It only rises, so whoever reads an older
    /// number asks the list in vain, and nothing else.
    floors: Vec<AtomicU32>,
}

impl<'a, K: ListKernel> Graph<'a, K> {
    fn new(kernel: &'a K, names: &'a [u32], descent: &'a Descent, threads: usize) -> Result<Self> {
        let count = names.len();
        let width = descent.graph_k.min(count.saturating_sub(1));
        let mut lists = reserved(count, WHAT)?;
        for _ in 0..count {
            lists.push(Mutex::new(reserved(width + 1, WHAT)?));
        }
        Ok(Self {
            kernel,
            names,
            descent,
            threads,
            width,
            lists,
            // The least number above 0: an affinity of 0 is none.
            floors: (0..count).map(|_| AtomicU32::new(1)).collect(),
        })
    }

    fn len(&self) -> usize {
        self.lists.len()
    }

    /// Samples that a task deals with.
    fn batch(&self, task: usize) -> std::ops::Range<usize> {
        task * BATCH..((task + 1) * BATCH).min(self.len())
    }

    /// An estimate for `pairs` comparisons.
    fn estimated_ns(&self, pairs: usize) -> f64 {
        let all = self.len() as f64 * self.len() as f64;
        (self.kernel.estimated_ns() / all.max(1.0) + 20.0) * pairs as f64
    }

    fn in_batches<S: Send>(
        &self,
        pairs: usize,
        poll: Poll,
        scratch: impl Fn() -> S + Sync,
        work: impl Fn(&mut S, usize) + Sync,
    ) -> Result<()> {
        let batches = self.len().div_ceil(BATCH);
        let estimated_ns = self.estimated_ns(pairs);
        let go_on = |own: &mut S, task: usize, progress: &Progress| {
            for i in self.batch(task) {
                work(own, i);
            }
            progress.advance(self.batch(task).len() as u64);
        };
        parallel::run(batches, self.threads, estimated_ns, poll, scratch, go_on).map(drop)
    }

    /// Compares `i` with `others` and offers each pair to both.
    fn meet(&self, scratch: &mut K::Scratch, i: usize, others: &[u32], values: &mut Vec<f32>) {
        for others in others.chunks(STRETCH) {
            values.clear();
            values.resize(others.len(), 0.0);
            self.kernel.list(scratch, i, others, values);
            for (&j, &value) in others.iter().zip(values.iter()) {
                if value >= self.floor(i) {
                    self.offer(i, j, value);
                }
                if value >= self.floor(j as usize) {
                    self.offer(j as usize, i as u32, value);
                }
            }
        }
    }

    /// What an affinity must reach to be taken: at most what the list has last.
    fn floor(&self, i: usize) -> f32 {
        f32::from_bits(self.floors[i].load(Ordering::Relaxed))
    }

    fn offer(&self, i: usize, position: u32, value: f32) {
        let list = &mut *lock(&self.lists[i]);
        let name = self.names[position as usize];
        let is_better = |edge: &Edge| {
            edge.value > value || (edge.value == value && self.names[edge.position as usize] < name)
        };
        if list.len() == self.width && list.last().is_none_or(is_better) {
            return;
        }
        let place = list.partition_point(is_better);
        if list.get(place).is_some_and(|edge| edge.position == position) {
            return;
        }
        if list.len() == self.width {
            list.pop();
        }
        list.insert(
            place,
            Edge {
                value,
                position,
                fresh: true,
            },
        );
        if let (true, Some(last)) = (list.len() == self.width, list.last()) {
            self.floors[i].store(last.value.to_bits(), Ordering::Relaxed);
        }
    }

    /// Begins with the samples beside each in their order, and with random ones.
    fn begin(&self, poll: Poll) -> Result<()> {
        let count = self.len();
        let scratch = || (self.kernel.scratch(), Vec::new(), Vec::new());
        self.in_batches(
            count * self.width,
            poll,
            scratch,
            |(scratch, others, values), i| {
                others.clear();
                // Beside it on one side only: the others meet it from theirs.
                others.extend((i + 1..count.min(i + 1 + BESIDE)).map(|j| j as u32));
                let random = (0..self.width as u64)
                    .map(|k| (hash([self.descent.seed, 0, i as u64, k]) % count as u64) as u32);
                others.extend(random.filter(|&j| j as usize != i));
                others.sort_unstable();
                others.dedup();
                self.meet(scratch, i, others, values);
            },
        )
    }

    /// Compares neighbours of neighbours; returns how many edges are new.
    fn round(&self, round: u64, poll: Poll) -> Result<usize> {
        let most = (self.descent.graph_k / 2).clamp(8, 64);
        let proposals = self.proposals(round, most)?;
        let scratch = || (self.kernel.scratch(), Vec::new(), Vec::new(), Vec::new());
        self.in_batches(
            self.len() * most * most / 2,
            poll,
            scratch,
            |(scratch, others, held, values), i| {
                proposals.partners(i as u32, others);
                held.clear();
                held.extend(lock(&self.lists[i]).iter().map(|edge| edge.position));
                held.sort_unstable();
                // Every entry of a list has been offered to both samples.
                let mut held = held.iter().copied().peekable();
                others.retain(|&j| {
                    while held.next_if(|&known| known < j).is_some() {}
                    held.peek() != Some(&j)
                });
                self.meet(scratch, i, others, values);
            },
        )?;
        let fresh = |list: &Mutex<Vec<Edge>>| lock(list).iter().filter(|edge| edge.fresh).count();
        Ok(self.lists.iter().map(fresh).sum())
    }

    /// Draws the edges along which neighbours are sought in a round; those drawn are fresh no more.
    fn proposals(&self, round: u64, most: usize) -> Result<Proposals> {
        let silent: Poll = &mut |_| true;
        let (fresh, known) = (Draw::new(self.len(), most), Draw::new(self.len(), most));
        let edges = self.len() * self.width;
        self.in_batches(
            edges,
            silent,
            || (),
            |(), i| {
                for edge in lock(&self.lists[i]).iter() {
                    let draw = if edge.fresh { &fresh } else { &known };
                    draw.offer([i as u32, edge.position], [self.descent.seed, round]);
                }
            },
        )?;
        self.in_batches(
            edges,
            silent,
            || (),
            |(), i| {
                for edge in lock(&self.lists[i]).iter_mut() {
                    edge.fresh &= !fresh.has(i, edge.position);
                }
            },
        )?;
        Proposals::new(fresh, known)
    }

    /// The share of the neighbours of some samples that the graph holds, and the number of these samples.
    fn recall(&self, threshold: f32, top_k: usize, poll: Poll) -> Result<(f64, usize)> {
        let count = self.len();
        let queries = self.descent.queries.min(count);
        let scratch = || (self.kernel.scratch(), Vec::new(), vec![0.0; STRETCH]);
        let done = |query: usize| count * query / queries.max(1);
        let of_query = |query: usize| {
            // One from each of as many stretches of the same length.
            let (from, to) = (done(query), done(query + 1));
            from + (hash([self.descent.seed, u64::MAX, query as u64, 0]) % (to - from) as u64) as usize
        };
        let parts = parallel::run(
            queries,
            self.threads,
            self.estimated_ns(queries * count),
            poll,
            || (scratch(), [0, 0]),
            |((scratch, all, values), [found, there]), query, progress| {
                let i = of_query(query);
                all.clear();
                for first in (0..count).step_by(STRETCH) {
                    let cols: Vec<u32> = (first..count.min(first + STRETCH)).map(|j| j as u32).collect();
                    let values = &mut values[..cols.len()];
                    self.kernel.list(scratch, i, &cols, values);
                    let others = cols.iter().zip(values.iter()).filter(|(j, _)| **j as usize != i);
                    all.extend(
                        others
                            .map(|(_, &value)| value)
                            .filter(|value| *value >= threshold),
                    );
                    if !progress.goes_on() {
                        return;
                    }
                }
                all.sort_unstable_by(|a: &f32, b| b.total_cmp(a));
                all.truncate(top_k);
                if let Some(least) = all.last() {
                    let list = lock(&self.lists[i]);
                    *found += list
                        .iter()
                        .take(top_k)
                        .filter(|edge| edge.value >= *least)
                        .count();
                    *there += all.len();
                }
                progress.advance((done(query + 1) - done(query)) as u64);
            },
        )?;
        let sums = parts
            .iter()
            .fold([0, 0], |sums: [usize; 2], (_, [found, there])| {
                [sums[0] + found, sums[1] + there]
            });
        Ok((sums[0] as f64 / sums[1] as f64, queries))
    }

    /// The best of every sample, rows in the order of their names.
    fn csr(self, threshold: f32, top_k: usize) -> Result<Csr> {
        let mut position_of = vec![0; self.len()];
        for (position, &name) in self.names.iter().enumerate() {
            position_of[name as usize] = position;
        }
        let total = self.len() * top_k.min(self.width);
        let mut csr = Csr {
            offsets: vec![0],
            columns: reserved(total, WHAT)?,
            values: reserved(total, WHAT)?,
        };
        for position in position_of {
            let list = std::mem::take(&mut *lock(&self.lists[position]));
            let best = list.iter().take(top_k).filter(|edge| edge.value >= threshold);
            let mut row: Vec<_> = best
                .map(|edge| (self.names[edge.position as usize], edge.value))
                .collect();
            row.sort_unstable_by_key(|(name, _)| *name);
            csr.columns.extend(row.iter().map(|(name, _)| *name as i32));
            csr.values.extend(row.iter().map(|(_, value)| *value));
            csr.offsets.push(csr.columns.len() as i64);
        }
        Ok(csr)
    }
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
