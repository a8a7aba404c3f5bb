//! The nearest neighbours of every sample, gathered by several threads and put together at the end.

use std::cmp::Ordering;
use std::ops::Range;

use super::{TILE, Tile};
use crate::error::reserved;
use crate::simd::{self, Job, Lanes, Level};
use crate::{Error, Result};

/// Which pairs are neighbours. A sample is never its own neighbour, and an affinity of 0 is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// The smallest affinity; above 0.
    pub threshold: f32,
    /// How many neighbours a sample has at most: the most similar, of equals those with the
    /// smallest numbers.
    pub top_k: Option<usize>,
}

/// A sparse matrix in compressed rows, columns ascending.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Csr {
    /// Where each row starts, and where the last one ends.
    pub offsets: Vec<i64>,
    /// The column of every entry.
    pub columns: Vec<i32>,
    /// The affinity of every entry.
    pub values: Vec<f32>,
}

/// What needs the memory, for the error.
const WHAT: &str = "the neighbours: a higher threshold or a smaller top_k leaves fewer";

/// A neighbour: its affinity and its number.
type Candidate = (f32, u32);

/// The candidates that one thread has met.
#[derive(Debug)]
pub struct NeighborSink {
    rule: Rule,
    level: Level,
    /// Per position: what was met, pruned to `top_k` now and then.
    candidates: Vec<Vec<Candidate>>,
    /// Per position: affinities below this cannot be among the neighbours.
    floors: Vec<f32>,
    /// Per position: the number from which on an affinity at the floor comes too late.
    too_late: Vec<u32>,
    /// Whether the memory ran out, so that the candidates were dropped.
    exhausted: bool,
}

impl NeighborSink {
    /// An empty sink for `count` samples.
    pub fn new(count: usize, rule: Rule) -> Self {
        Self {
            rule,
            level: Level::best(),
            candidates: vec![Vec::new(); count],
            floors: vec![rule.threshold; count],
            too_late: vec![u32::MAX; count],
            exhausted: false,
        }
    }

    /// Whether the memory ran out, so that no result is possible.
    pub fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    /// Frees all candidates, so that the process can continue, and accepts no more.
    fn exhaust(&mut self) {
        self.exhausted = true;
        self.candidates.fill_with(Vec::new);
        self.floors.fill(f32::INFINITY);
    }

    /// Whether an affinity of at most `bound` could still make a neighbour of one of `positions`.
    pub fn may_take(&self, mut positions: impl Iterator<Item = usize>, bound: f32) -> bool {
        positions.any(|position| bound >= self.floors[position])
    }

    /// What an affinity must reach to be taken for the sample at a position.
    pub fn floor(&self, position: usize) -> f32 {
        self.floors[position]
    }

    /// What an affinity must reach to be taken, by position.
    pub fn floors(&self) -> &[f32] {
        &self.floors
    }

    /// Takes what was found for row `i`: positions and affinities.
    pub fn take_found(&mut self, i: usize, found: &[(usize, f32)], names: &[u32]) {
        for &(j, value) in found.iter().filter(|&&(j, _)| j != i) {
            self.offer(i, (value, names[j]));
        }
    }

    /// Takes the tile's pairs that reach the floor of their row or of their column.
    pub fn take(&mut self, tile: &Tile, values: &[f32], names: &[u32]) {
        let width = tile.cols.len();
        for (line, i) in tile.rows.clone().enumerate() {
            let first = if tile.diagonal { line + 1 } else { 0 };
            let values = &values[line * width..][..width];
            let job = Reaches {
                low: self.floors[i],
                floors: &self.floors[tile.cols.clone()],
                values,
            };
            let reaches = simd::run(self.level, job);
            for (eight, bytes) in reaches.as_chunks::<8>().0.iter().enumerate() {
                if u64::from_ne_bytes(*bytes) == 0 {
                    continue;
                }
                let hits = bytes.iter().enumerate().filter(|(_, reaches)| **reaches != 0);
                for across in hits.map(|(k, _)| 8 * eight + k).filter(|&across| across >= first) {
                    let (j, value) = (tile.cols.start + across, values[across]);
                    self.offer(i, (value, names[j]));
                    self.offer(j, (value, names[i]));
                }
            }
        }
    }

    #[inline]
    fn offer(&mut self, position: usize, candidate: Candidate) {
        let (value, name) = candidate;
        let floor = self.floors[position];
        // Hashes have few different affinities: without comparing the numbers as well, all ties with
        // the floor would be added and then removed again.
        if value < floor || (value == floor && name >= self.too_late[position]) {
            return;
        }
        let list = &mut self.candidates[position];
        if list.try_reserve(1).is_err() {
            self.exhaust();
            return;
        }
        list.push(candidate);
        let Some(top_k) = self.rule.top_k else { return };
        // Room for as many again, so that pruning costs little per candidate.
        if list.len() >= 2 * top_k + 16 {
            keep_best(list, top_k);
            let worst = list.iter().copied().max_by(by_rank).unwrap_or(candidate);
            (self.floors[position], self.too_late[position]) = worst;
        }
    }

    /// Prunes what was met of the samples at `positions`, after which nothing more is met of them.
    pub fn finish(&mut self, positions: Range<usize>) {
        for list in &mut self.candidates[positions] {
            if let Some(top_k) = self.rule.top_k {
                keep_best(list, top_k);
            }
            list.shrink_to_fit();
        }
    }

    /// Puts the candidates of all threads together, rows in the order of their names.
    pub fn merge(sinks: impl Iterator<Item = Self>, rule: Rule, names: &[u32]) -> Result<Csr> {
        let mut sinks: Vec<Self> = sinks.collect();
        if sinks.iter().any(Self::is_exhausted) {
            return Err(Error::Memory(WHAT.into()));
        }
        let met = |position: usize| sinks.iter().map(|sink| sink.candidates[position].len()).sum();
        let most = rule.top_k.unwrap_or(usize::MAX);
        let total: usize = (0..names.len()).map(|position| most.min(met(position))).sum();
        let longest = (0..names.len()).map(met).max();
        let mut position_of = vec![0; names.len()];
        for (position, &name) in names.iter().enumerate() {
            position_of[name as usize] = position;
        }
        let mut csr = Csr {
            offsets: vec![0],
            columns: reserved(total, WHAT)?,
            values: reserved(total, WHAT)?,
        };
        let mut row = reserved(longest.unwrap_or(0), WHAT)?;
        for position in position_of {
            row.clear();
            for sink in &mut sinks {
                row.append(&mut sink.candidates[position]);
                sink.candidates[position] = Vec::new(); // frees it: the result takes its place
            }
            if let Some(top_k) = rule.top_k {
                keep_best(&mut row, top_k);
            }
            row.sort_unstable_by_key(|(_, name)| *name);
            csr.columns.extend(row.iter().map(|(_, name)| *name as i32));
            csr.values.extend(row.iter().map(|(value, _)| *value));
            csr.offsets.push(csr.columns.len() as i64);
        }
        Ok(csr)
    }
}

/// Which values of a line reach the floor of their row or of their column; a byte each, the rest 0.
struct Reaches<'a> {
    low: f32,
    floors: &'a [f32],
    values: &'a [f32],
}

impl Job for Reaches<'_> {
    type Output = [u8; TILE];

    /// A plain loop: the compiler turns it into vectors of the level's instructions.
    #[inline(always)]
    fn run<L: Lanes>(self) -> [u8; TILE] {
        let mut reaches = [0; TILE];
        for ((byte, &value), &floor) in reaches.iter_mut().zip(self.values).zip(self.floors) {
            *byte = u8::from((value >= self.low) | (value >= floor));
        }
        reaches
    }
}

/// Keeps the `count` most similar, of equals those with the smallest numbers.
fn keep_best(list: &mut Vec<Candidate>, count: usize) {
    if list.len() > count {
        list.select_nth_unstable_by(count, by_rank);
        list.truncate(count);
    }
}

/// The most similar first, of equals the one with the smallest number.
fn by_rank(a: &Candidate, b: &Candidate) -> Ordering {
    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
}
