//! The rounds of the descent: neighbours of neighbours are compared.

use std::sync::Mutex;

use super::graph::{Edge, Graph};
use super::links::{Draw, Proposals, Seen};
use super::{ListKernel, lock};
use crate::Result;
use crate::parallel::Poll;

impl<K: ListKernel> Graph<'_, K> {
    /// Compares neighbours of neighbours.
    pub fn round(&self, round: u64, poll: Poll) -> Result<()> {
        // All neighbours of most samples, in both directions: fewer per round find less per comparison.
        let most = (2 * self.descent.graph_k).clamp(8, 128);
        let proposals = self.proposals(round, most, &mut |_| poll(0))?;
        let scratch = || {
            let seen = Seen::new(self.len());
            (self.kernel.scratch(), seen, Vec::new(), Vec::new())
        };
        self.in_batches(
            self.len() * most * most / 2,
            poll,
            scratch,
            |(scratch, seen, others, values), i| {
                let known = lock(&self.lists[i]);
                // Every entry of a list has been offered to both samples.
                proposals.partners(i as u32, known.iter().map(|edge| edge.position), seen, others);
                drop(known);
                others.retain(|&j| !self.shared_a_leaf(i, j));
                self.meet(scratch, i, others, values);
            },
        )
    }

    /// How many edges have not yet been used: after a round, the new ones.
    pub fn fresh_edges(&self) -> usize {
        let fresh = |list: &Mutex<Vec<Edge>>| lock(list).iter().filter(|edge| edge.fresh).count();
        self.lists.iter().map(fresh).sum()
    }

    /// Draws the edges along which neighbours are sought in a round; those drawn are fresh no more.
    fn proposals(&self, round: u64, most: usize, poll: Poll) -> Result<Proposals> {
        let (fresh, known) = (Draw::new(self.len(), most), Draw::new(self.len(), most));
        let edges = self.len() * self.width;
        self.in_batches(
            edges,
            poll,
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
            poll,
            || (),
            |(), i| {
                for edge in lock(&self.lists[i]).iter_mut() {
                    edge.fresh &= !fresh.has(i, edge.position);
                }
            },
        )?;
        Proposals::new(fresh, known)
    }
}
