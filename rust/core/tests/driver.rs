//! The pairwise driver and its threads: coverage, cancellation, failure.

use std::sync::atomic::{AtomicU64, Ordering};

use gazesim_core::Error;
use gazesim_core::pairwise::{
    Bounded, ByPairs, Csr, Kernel, PairKernel, RowKernel, Rule, TILE, Tile, TileKernel, dense, dense_by_rows,
    neighbors, neighbors_by_rows, pair_count,
};
use gazesim_core::parallel::{available_threads, map};

/// Each pair yields its own name, symmetric, and costs as much as the test wants it to.
#[derive(Clone, Copy)]
struct Names {
    rows: usize,
    cols: usize,
    estimated_ns: f64,
    panic_at: Option<usize>,
}

impl PairKernel for Names {
    type Output = u64;
    type Scratch = ();

    fn shape(&self) -> (usize, usize) {
        (self.rows, self.cols)
    }

    fn estimated_ns(&self) -> f64 {
        self.estimated_ns
    }

    fn scratch(&self) {}

    fn pair(&self, (): &mut (), i: usize, j: usize) -> u64 {
        assert!(self.panic_at != Some(i), "row {i} fails on purpose");
        (i.min(j) * 100_000 + i.max(j) + 1) as u64
    }
}

fn names(rows: usize, cols: usize) -> Names {
    Names {
        rows,
        cols,
        estimated_ns: 1e9,
        panic_at: None,
    }
}

#[test]
fn every_cell_is_filled_whatever_the_size_and_the_threads() {
    for (rows, cols) in [
        (0, 0),
        (0, 5),
        (1, 1),
        (63, 63),
        (64, 64),
        (65, 65),
        (130, 130),
        (3, 200),
        (200, 3),
    ] {
        for threads in [1, 2, 7] {
            for symmetric in [false, true] {
                if symmetric && rows != cols {
                    continue;
                }
                let kernel = names(rows, cols);
                let mut out = vec![0; rows * cols];
                dense(&ByPairs(&kernel), symmetric, &mut out, threads, &mut |_| true).unwrap();
                for (cell, &value) in out.iter().enumerate() {
                    assert_eq!(value, kernel.pair(&mut (), cell / cols, cell % cols));
                }
            }
        }
    }
}

#[test]
fn small_work_stays_on_the_calling_thread() {
    let kernel = Names {
        estimated_ns: 10.0,
        ..names(100, 100)
    };
    let mut polls = 0;
    let mut out = vec![0; 10_000];
    dense(&ByPairs(&kernel), true, &mut out, 8, &mut |_| {
        polls += 1;
        true
    })
    .unwrap();
    assert_eq!(polls, 0);
    assert!(out.iter().all(|&value| value > 0));
}

#[test]
fn polling_hears_of_progress_and_can_stop() {
    let slow = |_: usize| std::thread::sleep(std::time::Duration::from_millis(30));
    let heard = AtomicU64::new(0);
    let done = map(
        8,
        2,
        1e9,
        &mut |done| heard.fetch_max(done, Ordering::Relaxed) < 100,
        slow,
    );
    assert_eq!(done.unwrap().len(), 8);
    assert!((1..=8).contains(&heard.load(Ordering::Relaxed)));

    let started = std::time::Instant::now();
    assert_eq!(map(1000, 2, 1e9, &mut |_| false, slow), Err(Error::Interrupted));
    assert!(started.elapsed().as_secs() < 5);
}

#[test]
fn a_panic_becomes_an_error_on_any_thread() {
    let kernel = Names {
        panic_at: Some(70),
        ..names(130, 130)
    };
    let alone = Names {
        estimated_ns: 10.0,
        ..kernel
    };
    for kernel in [kernel, alone] {
        let mut out = vec![0; 130 * 130];
        let error = dense(&ByPairs(&kernel), true, &mut out, 3, &mut |_| true).unwrap_err();
        assert!(error.to_string().contains("row 70 fails on purpose"), "{error}");
    }
}

#[test]
fn results_of_map_are_in_order() {
    let squares = map(1000, 4, 1e9, &mut |_| true, |task| task * task).unwrap();
    assert!(
        squares
            .iter()
            .enumerate()
            .all(|(task, &square)| square == task * task)
    );
    assert_eq!(map(0, 4, 1e9, &mut |_| true, |task| task).unwrap(), []);
}

#[test]
fn any_number_of_threads_does_the_work() {
    assert!(available_threads() >= 1);
    for threads in [0, 1, 3, 200] {
        assert_eq!(
            map(300, threads, 1e9, &mut |_| true, |task| task).unwrap().len(),
            300
        );
    }
}

#[test]
fn pair_counts() {
    assert_eq!(pair_count(5, 5, true), 15);
    assert_eq!(pair_count(5, 7, false), 35);
}

/// 1 / (1 + |i − j|) scrambled, as a kernel that fills rows: every column has another number.
struct Ranks(usize);

impl Ranks {
    fn pair(&self, i: usize, j: usize) -> f32 {
        let (low, high) = (i.min(j), i.max(j));
        let mixed = (low * 7919 + high * 104_729) % 100_003;
        (1 + mixed) as f32 / 100_004.0
    }
}

impl Kernel for Ranks {
    type Output = f32;
    type Scratch = ();
    fn shape(&self) -> (usize, usize) {
        (self.0, self.0)
    }
    fn estimated_ns(&self) -> f64 {
        1e9
    }
    fn scratch(&self) {}
}

impl RowKernel for Ranks {
    fn row(&self, (): &mut (), i: usize, first: usize, line: &mut [f32], _: bool) {
        for (j, cell) in (first..).zip(line) {
            *cell = self.pair(i, j);
        }
    }
}

/// The same numbers, tile by tile.
struct TiledRanks(Ranks);

impl Kernel for TiledRanks {
    type Output = f32;
    type Scratch = ();
    fn shape(&self) -> (usize, usize) {
        self.0.shape()
    }
    fn estimated_ns(&self) -> f64 {
        1e9
    }
    fn scratch(&self) {}
}

impl TileKernel for TiledRanks {
    fn tile(
        &self,
        (): &mut (),
        tile: &Tile,
        values: &mut [f32],
        go_on: &mut dyn FnMut(usize) -> bool,
    ) -> bool {
        let width = tile.cols.len();
        for (i, line) in tile.rows.clone().zip(values.chunks_exact_mut(width)) {
            self.0.row(&mut (), i, tile.cols.start, line, false);
        }
        go_on(tile.pairs())
    }
}

impl Bounded for Ranks {
    /// Nothing is left out.
    fn bound(&self, _: &Tile) -> f32 {
        1.0
    }
}

impl Bounded for TiledRanks {
    /// As tight as can be.
    fn bound(&self, tile: &Tile) -> f32 {
        let row = |i| tile.cols.clone().map(move |j| self.0.pair(i, j));
        tile.rows.clone().flat_map(row).fold(0.0, f32::max)
    }
}

fn sparse(found: &Csr) -> Vec<Vec<(usize, f32)>> {
    let row = |ends: &[i64]| {
        let entries = ends[0] as usize..ends[1] as usize;
        entries
            .map(|k| (found.columns[k] as usize, found.values[k]))
            .collect()
    };
    found.offsets.windows(2).map(row).collect()
}

#[test]
fn a_kernel_of_ones_own_misses_no_column_wherever_it_ends() {
    // More columns than a tile and than a stretch have, and one less than two stretches.
    for count in [1, TILE + 1, 300, 1023, 1300] {
        let (rows, tiled) = (Ranks(count), TiledRanks(Ranks(count)));
        let expected: Vec<f32> = (0..count * count)
            .map(|cell| rows.pair(cell / count, cell % count))
            .collect();
        let mut out = vec![-1.0; count * count];
        dense_by_rows(&rows, &mut out, 2, &mut |_| true).unwrap();
        assert!(out == expected);
        out.fill(-1.0);
        dense(&tiled, true, &mut out, 2, &mut |_| true).unwrap();
        assert!(out == expected);

        let names: Vec<u32> = (0..count as u32).collect();
        for (threshold, top_k) in [(f32::MIN_POSITIVE, Some(5)), (0.9, Some(40)), (0.97, None)] {
            let rule = Rule { threshold, top_k };
            let by_sorting = |i: usize| {
                let others = (0..count).filter(|&j| j != i).map(|j| (j, rows.pair(i, j)));
                let mut near: Vec<_> = others.filter(|(_, value)| *value >= threshold).collect();
                near.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
                near.truncate(top_k.unwrap_or(count));
                near.sort_by_key(|(j, _)| *j);
                near
            };
            let expected: Vec<_> = (0..count).map(by_sorting).collect();
            let by_rows = neighbors_by_rows(&rows, &names, rule, 2, &mut |_| true).unwrap();
            assert!(sparse(&by_rows) == expected, "{count} by rows, {rule:?}");
            let by_tiles = neighbors(&tiled, &names, rule, 2, &mut |_| true).unwrap();
            assert!(sparse(&by_tiles) == expected, "{count} by tiles, {rule:?}");
        }
    }
}

#[test]
fn wrong_shapes_and_names_are_refused() {
    let kernel = Ranks(3);
    let refused = |result: gazesim_core::Result<()>| assert!(matches!(result, Err(Error::Argument { .. })));
    refused(dense_by_rows(&kernel, &mut [0.0; 8], 1, &mut |_| true));
    refused(dense(&ByPairs(&names(2, 3)), true, &mut [0; 6], 1, &mut |_| true));
    let rule = Rule {
        threshold: 0.5,
        top_k: None,
    };
    for names in [&[0, 1][..], &[0, 1, 1], &[0, 1, 3]] {
        refused(neighbors_by_rows(&kernel, names, rule, 1, &mut |_| true).map(drop));
    }
    let huge = names(usize::MAX, 2);
    let error = dense(&ByPairs(&huge), false, &mut [], 1, &mut |_| true).unwrap_err();
    assert!(matches!(error, Error::Memory(_)), "{error}");
}
