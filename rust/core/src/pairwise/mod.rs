//! The only loop over pairs: what a kernel is, matrices of all pairs, and neighbours without a matrix.
//!
//! A kernel compares samples of one set (the rows) with samples of another (the columns). There are three ways to
//! write one, from the simplest to the fastest:
//!
//! | trait | what it computes | use it where | matrix | neighbours |
//! |---|---|---|---|---|
//! | [`PairKernel`], in [`ByPairs`] | one pair | a pair costs more than 100 ns or so | [`dense`] | [`neighbors`] |
//! | [`TileKernel`] | a tile of pairs | several pairs are faster together than one by one | [`dense`] | [`neighbors`] |
//! | [`RowKernel`] | a part of a row | a pair costs as little as writing its number | [`dense_by_rows`] | [`neighbors_by_rows`] |
//!
//! [`dense`] computes each unordered pair of a symmetric matrix once and writes it twice. [`dense_by_rows`] computes
//! it twice, because writing to a distant place would cost more than the comparison.
//!
//! What a call costs for n samples, in time on one thread and in memory beside its result:
//!
//! | function | comparisons | memory |
//! |---|---|---|
//! | [`dense`] | rows · columns; n (n + 1) / 2 of a symmetric matrix | a tile per thread |
//! | [`dense_by_rows`] | rows · columns | none |
//! | [`neighbors`] | at most n (n − 1) / 2: fewer where bounds rule tiles out | 8 bytes for each neighbour met, at most n (2 `top_k` + 16) per thread |
//! | [`neighbors_by_rows`] | with `top_k` at most n², else as [`neighbors`] | as [`neighbors`]; with `top_k` that much for all threads together |
//! | [`neighbors_by_descent`] | in proportion to n · `graph_k`² in each of a few rounds | in proportion to n · `graph_k` |
//!
//! A whole kernel, and its matrix:
//!
//! ```
//! use gazesim_core::pairwise::{dense, ByPairs, PairKernel};
//!
//! /// 1 / (1 + |a − b|) of two numbers.
//! struct Closeness<'a>(&'a [f64], &'a [f64]);
//!
//! impl PairKernel for Closeness<'_> {
//!     type Output = f32;
//!     type Scratch = ();
//!     fn shape(&self) -> (usize, usize) {
//!         (self.0.len(), self.1.len())
//!     }
//!     fn estimated_ns(&self) -> f64 {
//!         2.0 * self.0.len() as f64 * self.1.len() as f64
//!     }
//!     fn scratch(&self) {}
//!     fn pair(&self, (): &mut (), i: usize, j: usize) -> f32 {
//!         (1.0 / (1.0 + (self.0[i] - self.1[j]).abs())) as f32
//!     }
//! }
//!
//! let numbers = [1.0, 2.0, 4.0];
//! let mut matrix = [0.0; 9];
//! let (symmetric, threads) = (true, 1);
//! dense(&ByPairs(Closeness(&numbers, &numbers)), symmetric, &mut matrix, threads, &mut |_| true)?;
//! assert_eq!(matrix, [1.0, 0.5, 0.25, 0.5, 1.0, 1.0 / 3.0, 0.25, 1.0 / 3.0, 1.0]);
//! # Ok::<(), gazesim_core::Error>(())
//! ```

mod dense;
mod descent;
mod kernel;
mod neighbors;

pub use crate::sink::{Csr, Rule, TILE, Tile};
pub use dense::{dense, dense_by_rows, pair_count};
pub use descent::{
    Approximate, Descent, Keep, Kept, ListKernel, MAX_ROUNDS, Saved, arrangement, neighbors_by_descent,
    resumed_descent,
};
pub use kernel::{Bounded, ByPairs, GoOn, Kernel, PairKernel, RowKernel, STRETCH, TileKernel, tile_by_pairs};
pub use neighbors::{neighbors, neighbors_by_rows};
