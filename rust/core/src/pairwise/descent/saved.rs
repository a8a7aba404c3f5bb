//! The graph between two rounds, so that a search that was killed can go on.

use super::graph::{Edge, Graph};
use super::{ListKernel, WHAT, lock};
use crate::error::reserved;
use crate::{Error, Result};

/// In `positions`: no neighbour.
const NONE: u32 = u32::MAX;

/// Of `positions`: set where the neighbour has not yet been used to find others.
const FRESH: u32 = 1 << 31;

/// The graph after some rounds, as numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved {
    /// How many rounds there were.
    pub rounds: usize,
    /// Per sample `graph_k` neighbours, the most similar first: the position, and the highest bit where the neighbour
    /// has not been used yet. `u32::MAX` for none.
    pub positions: Vec<u32>,
    /// Their affinities.
    pub values: Vec<f32>,
}

impl<K: ListKernel> Graph<'_, K> {
    /// The graph as numbers.
    pub fn saved(&self, rounds: usize) -> Result<Saved> {
        let cells = self.len() * self.width;
        let (mut positions, mut values) = (reserved(cells, WHAT)?, reserved(cells, WHAT)?);
        for (i, list) in self.lists.iter().enumerate() {
            for edge in lock(list).iter() {
                positions.push(edge.position | if edge.fresh { FRESH } else { 0 });
                values.push(edge.value);
            }
            positions.resize((i + 1) * self.width, NONE);
            values.resize((i + 1) * self.width, 0.0);
        }
        Ok(Saved {
            rounds,
            positions,
            values,
        })
    }

    /// Takes the edges of a graph of the same samples and settings.
    ///
    /// # Errors
    /// [`Error::Argument`] where it is none.
    pub fn restore(&mut self, saved: &Saved) -> Result<()> {
        let (count, cells) = (self.len(), self.len() * self.width);
        let fits = |&position: &u32| position == NONE || ((position & !FRESH) as usize) < count;
        if saved.positions.len() != cells || saved.values.len() != cells || !saved.positions.iter().all(fits)
        {
            let given = format!("a graph of {} numbers", saved.positions.len());
            return Err(Error::argument(
                "saved",
                given,
                format!("{cells} positions below {count}"),
            ));
        }
        for i in 0..count {
            let cells = i * self.width..(i + 1) * self.width;
            let edges = saved.positions[cells.clone()].iter().zip(&saved.values[cells]);
            let edges = edges
                .filter(|(position, _)| **position != NONE)
                .map(|(&position, &value)| Edge {
                    value,
                    position: position & !FRESH,
                    fresh: position & FRESH != 0,
                });
            self.restore_list(i, edges);
        }
        Ok(())
    }
}
