//! How many neighbours the graph holds, from exact ones of some samples.

use super::graph::Graph;
use super::{ListKernel, hash, lock};
use crate::Result;
use crate::pairwise::STRETCH;
use crate::parallel::{self, Poll};

impl<K: ListKernel> Graph<'_, K> {
    /// The share of the neighbours of some samples that the graph holds, and the number of these samples.
    pub fn recall(&self, threshold: f32, top_k: usize, poll: Poll) -> Result<(f64, usize)> {
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
}
