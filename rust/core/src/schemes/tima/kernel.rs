//! Dynamic time warping over two sequences of cluster moments.

use super::Features;
use super::lanes::{Factors, OneToEight, Ways, end, factors};
use crate::pairwise::{Bounded, GoOn, Kernel, ListKernel, Tile, TileKernel, tile_by_pairs};
use crate::scanpath::Ragged;
use crate::schemes::moments::Moments;
use crate::schemes::packed::{Group, Packed, each_group};
use crate::schemes::{by_content, relative_difference};
use crate::simd::{self, Level};

/// 1 − D / (number of cells on the path), clipped to [0, 1]; 0 where a sample has no cluster.
pub struct Affinity<'a> {
    rows: &'a Features,
    cols: &'a Features,
    weight_mass: f64,
    /// What the lanes need, if the engine is not the scalar one.
    lanes: Option<Prepared>,
}

/// Rows and columns for the lanes.
struct Prepared {
    queries: Ragged<Factors>,
    packed: Packed<4>,
    level: Level,
}

impl<'a> Affinity<'a> {
    /// Compares the sequences of `rows` with those of `cols`; `weight_mass` weighs δ(μ00).
    pub fn new(rows: &'a Features, cols: &'a Features, weight_mass: f64) -> Self {
        Self::at_level(rows, cols, weight_mass, Level::best())
    }

    /// As [`Affinity::new`], with the lanes of `level`.
    pub fn at_level(rows: &'a Features, cols: &'a Features, weight_mass: f64, level: Level) -> Self {
        let sequences = rows.iter();
        let queries = sequences.map(|sequence| sequence.iter().map(|&cluster| factors(cluster, weight_mass)));
        let packed = Packed::new(cols, 1.0, |&cluster| factors(cluster, weight_mass));
        Self {
            lanes: Some(Prepared {
                queries: queries.collect(),
                packed,
                level,
            }),
            ..Self::scalar(rows, cols, weight_mass)
        }
    }

    /// As [`Affinity::new`], pair by pair: the oracle of the lanes.
    pub fn scalar(rows: &'a Features, cols: &'a Features, weight_mass: f64) -> Self {
        Self {
            rows,
            cols,
            weight_mass,
            lanes: None,
        }
    }

    /// Compares sequence `i` of the rows with sequence `j` of the columns.
    pub fn pair(&self, scratch: &mut Scratch, i: usize, j: usize) -> f32 {
        let ways = &mut scratch.ways;
        let (mut a, mut b) = (self.rows.sample(i), self.cols.sample(j));
        if a.is_empty() || b.is_empty() {
            return 0.0;
        }
        if by_content(a, b).is_gt() {
            (a, b) = (b, a);
        }
        let closed = Way {
            cost: f64::INFINITY,
            cells: 0,
        };
        ways.clear();
        ways.resize(b.len() + 1, closed);
        ways[0] = Way { cost: 0.0, cells: 0 };
        for row in a {
            // ways[j + 1] is the cell above, `diagonal` the one above and to the left.
            let mut diagonal = std::mem::replace(&mut ways[0], closed);
            for (j, col) in b.iter().enumerate() {
                let (above, left) = (ways[j + 1], ways[j]);
                let mut best = diagonal;
                if above.cost < best.cost {
                    best = above;
                }
                if left.cost < best.cost {
                    best = left;
                }
                ways[j + 1] = Way {
                    cost: best.cost + self.cost(row, col),
                    cells: best.cells + 1,
                };
                diagonal = above;
            }
        }
        let end = ways[b.len()];
        affinity(end.cost, f64::from(end.cells))
    }

    /// Compares row `i`, for the lanes `query`, with a group and hands over each lane with its affinity.
    fn one_to_eight(
        &self,
        scratch: &mut Scratch,
        level: Level,
        (i, query): (usize, &[Factors]),
        group: &Group<4>,
        mut put: impl FnMut(usize, f32),
    ) {
        let ways = &mut scratch.lanes;
        simd::run(level, OneToEight { query, group, ways });
        for (lane, &j) in group.targets.iter().enumerate() {
            let last = &scratch.lanes[self.cols.sample(j).len() - 1];
            let affinity = match end(last, lane) {
                Some((cost, cells)) => affinity(cost, cells),
                None => self.pair(scratch, i, j),
            };
            put(lane, affinity);
        }
    }

    fn cost(&self, a: &Moments, b: &Moments) -> f64 {
        let mass = relative_difference(a.mass, b.mass);
        let spread = relative_difference(a.spread, b.spread);
        self.weight_mass * mass + (1.0 - self.weight_mass) * spread
    }
}

/// The cost of the cheapest path to a cell, and its number of cells.
///
/// Steps are compared by cost alone, the diagonal first, then i − 1, then j − 1. Carrying the
/// length along the chosen steps is the same as tracing them back.
#[derive(Debug, Clone, Copy)]
struct Way {
    cost: f64,
    cells: u32,
}

/// Memory of one thread.
#[derive(Debug, Default)]
pub struct Scratch {
    ways: Vec<Way>,
    lanes: Vec<Ways>,
}

impl Kernel for Affinity<'_> {
    type Output = f32;
    type Scratch = Scratch;

    fn shape(&self) -> (usize, usize) {
        (self.rows.len(), self.cols.len())
    }

    fn estimated_ns(&self) -> f64 {
        let cells = self.rows.rows().len() as f64 * self.cols.rows().len() as f64;
        1.0 * cells + 20.0 * self.rows.len() as f64 * self.cols.len() as f64
    }

    fn scratch(&self) -> Scratch {
        Scratch::default()
    }
}

impl TileKernel for Affinity<'_> {
    fn tile(&self, scratch: &mut Scratch, tile: &Tile, values: &mut [f32], go_on: GoOn) -> bool {
        let Some(Prepared {
            queries,
            packed,
            level,
        }) = &self.lanes
        else {
            return tile_by_pairs(tile, values, go_on, |i, j| self.pair(scratch, i, j));
        };
        let width = tile.cols.len();
        values[..tile.rows.len() * width].fill(0.0);
        for (line, i) in tile.rows.clone().enumerate() {
            let query = queries.sample(i);
            for group in packed.groups(tile).iter().filter(|_| !query.is_empty()) {
                self.one_to_eight(scratch, *level, (i, query), group, |lane, affinity| {
                    values[line * width + group.targets[lane] - tile.cols.start] = affinity;
                });
            }
            if !go_on(if tile.diagonal { width - line } else { width }) {
                return false;
            }
        }
        true
    }
}

impl ListKernel for Affinity<'_> {
    fn list(&self, scratch: &mut Scratch, i: usize, cols: &[u32], values: &mut [f32]) {
        let Some(Prepared { queries, level, .. }) = &self.lanes else {
            for (value, &j) in values.iter_mut().zip(cols) {
                *value = self.pair(scratch, i, j as usize);
            }
            return;
        };
        values.fill(0.0);
        let query = queries.sample(i);
        if query.is_empty() {
            return;
        }
        let keep = |&cluster: &Moments| factors(cluster, self.weight_mass);
        each_group(self.cols, cols, 1.0, keep, |places, group| {
            self.one_to_eight(scratch, *level, (i, query), group, |lane, affinity| {
                values[places[lane]] = affinity;
            });
        });
    }
}

fn affinity(cost: f64, cells: f64) -> f32 {
    (1.0 - cost / cells).clamp(0.0, 1.0) as f32
}

impl Bounded for Affinity<'_> {
    /// There is no cheap upper bound of the affinity of sequences.
    fn bound(&self, _: &Tile) -> f32 {
        1.0
    }
}
