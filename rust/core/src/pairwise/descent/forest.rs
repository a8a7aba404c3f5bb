//! Trees of samples, with any affinity: similar samples share a leaf more often than others do.
//!
//! A node's samples are compared with two of them, the pivots, and the half that is more similar to the first pivot
//! than the rest goes to one side. So a sample is compared 2 log2(n / leaf) times per tree. (The same idea as trees of
//! random projections, Dasgupta & Freund 2008, for samples that are not vectors.)

use std::ops::Range;
use std::sync::Mutex;

use super::{ListKernel, WHAT, hash, lock};
use crate::Result;
use crate::error::reserved;
use crate::pairwise::STRETCH;
use crate::parallel::{self, Poll};

/// A leaf has at most as many samples, and at least half of them.
pub const LEAF: usize = 96;

/// A sample, and how much more similar it is to the first pivot of its node than to the second.
type Item = (f32, u32);

/// A tree: the samples in the order of its leaves.
#[derive(Debug)]
pub struct Tree {
    /// The samples of the leaves, one leaf after the other, ascending in each.
    pub order: Vec<u32>,
    /// Where in `order` each leaf is.
    pub leaves: Vec<Range<usize>>,
}

impl Tree {
    /// Grows a tree; `number` tells it from the other trees of the seed. `pair_ns` is the estimated time of a comparison.
    ///
    /// # Errors
    /// [`Error::Memory`], [`Error::Interrupted`] and [`Error::Internal`] as for [`parallel::run`].
    pub fn grow<K: ListKernel>(
        kernel: &K,
        [seed, number]: [u64; 2],
        pair_ns: f64,
        threads: usize,
        poll: Poll,
    ) -> Result<Self> {
        let count = kernel.shape().0;
        let mut items: Vec<Item> = reserved(count, WHAT)?;
        items.extend((0..count as u32).map(|i| (0.0, i)));
        let (mut nodes, mut leaves): (Vec<_>, _) = (std::iter::once(0..count).collect(), Vec::new());
        for level in 0.. {
            let (inner, outer) = nodes
                .into_iter()
                .partition(|node: &Range<usize>| node.len() > LEAF);
            leaves.extend::<Vec<_>>(outer);
            if inner.is_empty() {
                break;
            }
            let draw = |i: u32| hash([seed, !number, level, u64::from(i)]);
            let estimated_ns = 2.0 * pair_ns * inner.iter().map(Range::len).sum::<usize>() as f64;
            compare(kernel, &mut items, &inner, draw, estimated_ns, threads, poll)?;
            nodes = halve(&mut items, &inner, estimated_ns, threads, poll)?;
        }
        leaves.retain(|leaf| !leaf.is_empty());
        leaves.sort_unstable_by_key(|leaf| leaf.start);
        let mut order = reserved(count, WHAT)?;
        order.extend(items.into_iter().map(|(_, i)| i));
        for leaf in &leaves {
            order[leaf.clone()].sort_unstable();
        }
        Ok(Self { order, leaves })
    }

    /// The samples of each leaf.
    pub fn leaf(&self, number: usize) -> &[u32] {
        &self.order[self.leaves[number].clone()]
    }
}

/// The items of each node; the nodes ascend and do not overlap.
fn slices<'a>(mut rest: &'a mut [Item], nodes: &'a [Range<usize>]) -> impl Iterator<Item = &'a mut [Item]> {
    let mut start = 0;
    nodes.iter().map(move |node| {
        let samples = rest.split_off_mut(..node.end - start).unwrap_or_default();
        let samples = &mut samples[node.start - start..];
        start = node.end;
        samples
    })
}

/// Compares the samples of each node with its pivots, the two whose `draw` is least.
fn compare<K: ListKernel>(
    kernel: &K,
    items: &mut [Item],
    nodes: &[Range<usize>],
    draw: impl Fn(u32) -> u64 + Sync,
    estimated_ns: f64,
    threads: usize,
    poll: Poll,
) -> Result<()> {
    let mut stretches = Vec::new();
    for samples in slices(items, nodes) {
        let mut pivots = [(u64::MAX, 0); 2];
        for &(_, i) in samples.iter() {
            let drawn = (draw(i), i);
            if drawn < pivots[0] {
                pivots = [drawn, pivots[0]];
            } else if drawn < pivots[1] {
                pivots[1] = drawn;
            }
        }
        let pivots = pivots.map(|(_, i)| i as usize);
        stretches.extend(samples.chunks_mut(STRETCH).map(|some| Mutex::new((pivots, some))));
    }
    let scratch = || {
        (
            kernel.scratch(),
            Vec::new(),
            [vec![0.0; STRETCH], vec![0.0; STRETCH]],
        )
    };
    parallel::run(
        stretches.len(),
        threads,
        estimated_ns,
        poll,
        scratch,
        |(scratch, others, values), task, _| {
            let (pivots, items) = &mut *lock(&stretches[task]);
            others.clear();
            others.extend(items.iter().map(|&(_, i)| i));
            for (pivot, values) in pivots.iter().zip(values.iter_mut()) {
                kernel.list(scratch, *pivot, others, &mut values[..others.len()]);
            }
            for (k, item) in items.iter_mut().enumerate() {
                item.0 = values[0][k] - values[1][k];
            }
        },
    )
    .map(drop)
}

/// Divides each node into halves, the more similar to the first pivot before the others; returns the halves.
fn halve(
    items: &mut [Item],
    nodes: &[Range<usize>],
    estimated_ns: f64,
    threads: usize,
    poll: Poll,
) -> Result<Vec<Range<usize>>> {
    let parts: Vec<_> = slices(items, nodes).map(Mutex::new).collect();
    parallel::run(
        parts.len(),
        threads,
        estimated_ns,
        poll,
        || (),
        |(), task, _| {
            let part = &mut **lock(&parts[task]);
            let half = part.len() / 2;
            part.select_nth_unstable_by(half, |a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        },
    )?;
    let halves = nodes.iter().flat_map(|node| {
        let half = node.start + node.len() / 2;
        [node.start..half, half..node.end]
    });
    Ok(halves.collect())
}
