//! The graph of neighbours, and how a compared pair enters it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Descent, ListKernel, WHAT, lock};
use crate::Result;
use crate::error::reserved;
use crate::pairwise::{Csr, STRETCH};
use crate::parallel::{self, Poll, Progress};

/// Samples that one task deals with.
const BATCH: usize = 64;

/// A neighbour.
#[derive(Debug, Clone, Copy)]
pub struct Edge {
    pub value: f32,
    pub position: u32,
    /// Whether the edge has not yet been used to find neighbours.
    pub fresh: bool,
}

/// The best neighbours of every sample that were found so far.
pub struct Graph<'a, K> {
    pub kernel: &'a K,
    pub names: &'a [u32],
    pub descent: &'a Descent,
    pub threads: usize,
    /// Neighbours per sample.
    pub width: usize,
    /// Per sample, the best first.
    pub lists: Vec<Mutex<Vec<Edge>>>,
    /// Per sample, the bits of what its last edge has once the list is full. It only rises, so whoever reads an older
    /// number asks the list in vain, and nothing else.
    floors: Vec<AtomicU32>,
    /// Per tree and sample, the number of its leaf.
    pub leaf_of: Vec<Vec<u32>>,
}

impl<'a, K: ListKernel> Graph<'a, K> {
    /// No neighbours yet.
    pub fn new(kernel: &'a K, names: &'a [u32], descent: &'a Descent, threads: usize) -> Result<Self> {
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
            leaf_of: Vec::new(),
        })
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.lists.len()
    }

    /// Samples that a task deals with.
    fn batch(&self, task: usize) -> std::ops::Range<usize> {
        task * BATCH..((task + 1) * BATCH).min(self.len())
    }

    /// An estimate for `pairs` comparisons.
    pub fn estimated_ns(&self, pairs: usize) -> f64 {
        let all = self.len() as f64 * self.len() as f64;
        (self.kernel.estimated_ns() / all.max(1.0) + 20.0) * pairs as f64
    }

    /// Calls `work` with every sample.
    pub fn in_batches<S: Send>(
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
    pub fn meet(&self, scratch: &mut K::Scratch, i: usize, others: &[u32], values: &mut Vec<f32>) {
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
        self.floors[i].store(self.floor_of(list), Ordering::Relaxed);
    }

    /// The bits of what an affinity must reach to enter a list.
    fn floor_of(&self, list: &[Edge]) -> u32 {
        match list.last() {
            Some(last) if list.len() == self.width => last.value.to_bits(),
            // The least number above 0: an affinity of 0 is none.
            _ => 1,
        }
    }

    /// Takes over neighbours that are known to be the best of sample `i`, the best first.
    pub fn restore_list(&self, i: usize, edges: impl Iterator<Item = Edge>) {
        let list = &mut *lock(&self.lists[i]);
        list.extend(edges);
        self.floors[i].store(self.floor_of(list), Ordering::Relaxed);
    }

    /// The best of every sample, rows in the order of their names.
    pub fn csr(self, threshold: f32, top_k: usize) -> Result<Csr> {
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
