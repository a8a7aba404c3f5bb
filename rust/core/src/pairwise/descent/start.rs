//! The graph's beginning: pairs that trees bring together, and random ones.

use super::forest::{LEAF, Tree};
use super::graph::Graph;
use super::{ListKernel, WHAT, hash};
use crate::Result;
use crate::error::reserved;
use crate::parallel::{self, Poll};

/// Trees whose leaves the graph begins with.
pub const TREES: usize = 4;

/// Random samples that each is compared with at the beginning.
const RANDOM: usize = 4;

impl<K: ListKernel> Graph<'_, K> {
    /// Begins with the pairs of the leaves of some trees, and with random ones; with `compares` false, only remembers who
    /// shared a leaf.
    pub fn begin(&mut self, compares: bool, poll: Poll) -> Result<()> {
        let pair_ns = self.estimated_ns(1);
        for number in 0..TREES {
            let seed = [self.descent.seed, number as u64];
            let base = (self.len() * number / TREES) as u64;
            let tree = Tree::grow(self.kernel, seed, pair_ns, self.threads, &mut |_| poll(base))?;
            if compares {
                self.compare_leaves(&tree, &mut |done| poll(base + done / TREES as u64))?;
            }
            let mut leaf_of = reserved(self.len(), WHAT)?;
            leaf_of.resize(self.len(), 0);
            for (number, leaf) in tree.leaves.iter().enumerate() {
                for &i in &tree.order[leaf.clone()] {
                    leaf_of[i as usize] = number as u32;
                }
            }
            self.leaf_of.push(leaf_of);
        }
        if compares {
            self.compare_random(&mut |_| poll(self.len() as u64))?;
        }
        Ok(())
    }

    /// Whether both samples were in one leaf of a tree, and so have been compared.
    pub fn shared_a_leaf(&self, i: usize, j: u32) -> bool {
        self.leaf_of
            .iter()
            .any(|leaf_of| leaf_of[i] == leaf_of[j as usize])
    }

    /// Compares all pairs of each leaf, but those of the trees before.
    fn compare_leaves(&self, tree: &Tree, poll: Poll) -> Result<()> {
        parallel::run(
            tree.leaves.len(),
            self.threads,
            self.estimated_ns(self.len() * LEAF / 3),
            poll,
            || (self.kernel.scratch(), Vec::new(), Vec::new()),
            |(scratch, others, values), number, progress| {
                let leaf = tree.leaf(number);
                for (place, &i) in leaf.iter().enumerate() {
                    others.clear();
                    let after = leaf[place + 1..].iter().copied();
                    others.extend(after.filter(|&j| !self.shared_a_leaf(i as usize, j)));
                    self.meet(scratch, i as usize, others, values);
                }
                progress.advance(leaf.len() as u64);
            },
        )
        .map(drop)
    }

    /// Compares each sample with some random ones, so that no group of samples stays by itself.
    fn compare_random(&self, poll: Poll) -> Result<()> {
        let count = self.len();
        let scratch = || (self.kernel.scratch(), Vec::new(), Vec::new());
        self.in_batches(count * RANDOM, poll, scratch, |(scratch, others, values), i| {
            others.clear();
            let random =
                (0..RANDOM as u64).map(|k| (hash([self.descent.seed, 0, i as u64, k]) % count as u64) as u32);
            others.extend(random.filter(|&j| j as usize != i && !self.shared_a_leaf(i, j)));
            others.sort_unstable();
            others.dedup();
            self.meet(scratch, i, others, values);
        })
    }
}
