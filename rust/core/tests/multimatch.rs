//! The lanes against the scalar engine, and the scalar engine against an exhaustive search.

use gazesim_core::pairwise::{Kernel, Tile, TileKernel, dense};
use gazesim_core::scanpath::{Fixation, Scanpaths};
use gazesim_core::schemes::multimatch::{
    Affinity, Alignment, Comparison, Dimensions, FeatureParameters, Features, Grouping, Parameters, Path,
    Scale, Simplified, affinity, features, similarities, simplify,
};
use gazesim_core::simd::Level;
use proptest::prelude::*;

fn features_of(gazes: &[Vec<[f64; 3]>]) -> Features {
    let scanpaths: Scanpaths = gazes
        .iter()
        .map(|gaze| gaze.iter().map(|&row| row.into()))
        .collect();
    features(&scanpaths, &FeatureParameters::default())
}

/// Scanpaths of any length, on a coarse grid half of the time so that ties are frequent.
fn gazes() -> impl Strategy<Value = Vec<Vec<[f64; 3]>>> {
    let smooth = (0.0..100.0, 0.0..80.0, 0.0..1.0).prop_map(|(x, y, d)| [x, y, d]);
    let grid = (0..4, 0..4, 0..3).prop_map(|(x, y, d): (i32, i32, i32)| [x.into(), y.into(), d.into()]);
    let gaze = prop_oneof![
        prop::collection::vec(smooth, 0..24),
        prop::collection::vec(grid, 0..12)
    ];
    prop::collection::vec(gaze, 0..20)
}

fn matrix(rows: &Features, cols: &Features, level: Option<Level>, symmetric: bool) -> Vec<[f64; 5]> {
    let scale = Scale::new([100.0, 80.0], [0.2; 5]).unwrap();
    let kernel = match level {
        Some(level) => Comparison::at_level(rows, cols, &scale, level, Dimensions),
        None => Comparison::scalar(rows, cols, &scale, Alignment::Joint, Dimensions),
    };
    let mut out = vec![[0.0; 5]; rows.len() * cols.len()];
    dense(&kernel, symmetric, &mut out, 1, &mut |_| true).unwrap();
    out
}

fn bits(matrix: &[[f64; 5]]) -> Vec<u64> {
    matrix.iter().flatten().map(|number| number.to_bits()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn every_level_equals_the_scalar_engine_bit_for_bit(gazes in gazes(), cut in 0usize..20) {
        let all = features_of(&gazes);
        let some = features_of(&gazes[..cut.min(gazes.len())]);
        let square = matrix(&all, &all, None, true);
        let block = matrix(&some, &all, None, false);
        for level in Level::all() {
            prop_assert_eq!(bits(&matrix(&all, &all, Some(level), true)), bits(&square));
            prop_assert_eq!(bits(&matrix(&all, &all, Some(level), false)), bits(&square));
            prop_assert_eq!(bits(&matrix(&some, &all, Some(level), false)), bits(&block));
        }
    }

    #[test]
    fn the_path_is_the_cheapest(rows in 1usize..6, cols in 1usize..6, seed in any::<u64>()) {
        let cost = |i: usize, j: usize| ((seed >> ((7 * i + 5 * j) % 60)) % 7) as f64;
        let mut path = Path::default();
        let found = path.find(rows, cols, cost);
        let (cheapest, cells) = exhaustive(rows, cols, &cost);
        prop_assert_eq!(found, cheapest);
        let mut ours = path.cells.clone();
        ours.sort_unstable();
        prop_assert_eq!(ours, cells);
    }
}

/// The cheapest path, the first of equals in the order diagonal, down, right from the start.
fn exhaustive(rows: usize, cols: usize, cost: &impl Fn(usize, usize) -> f64) -> (f64, Vec<(usize, usize)>) {
    fn walk(
        cells: &mut Vec<(usize, usize)>,
        paid: f64,
        end: (usize, usize),
        cost: &impl Fn(usize, usize) -> f64,
        best: &mut (f64, Vec<(usize, usize)>),
    ) {
        let (i, j) = cells[cells.len() - 1];
        if (i, j) == end {
            if paid < best.0 {
                *best = (paid, cells.clone());
            }
            return;
        }
        for (i, j) in [(i + 1, j + 1), (i + 1, j), (i, j + 1)] {
            if i <= end.0 && j <= end.1 {
                cells.push((i, j));
                walk(cells, paid + cost(i, j), end, cost, best);
                cells.pop();
            }
        }
    }
    let mut best = (f64::INFINITY, Vec::new());
    walk(&mut vec![(0, 0)], 0.0, (rows - 1, cols - 1), cost, &mut best);
    best
}

#[test]
fn tiles_wider_than_those_of_the_driver_equal_their_pairs() {
    let number = |k: usize| ((k * 7919) % 1009) as f64 / 10.0;
    let gaze = |seed: usize| -> Vec<[f64; 3]> {
        let fixations = 0..2 + seed % 7; // some are too short to be valid
        fixations
            .map(|k| [number(k + seed), number(k + 3 * seed + 1), number(k + 5 * seed)])
            .collect()
    };
    let all = features_of(&(0..200).map(gaze).collect::<Vec<_>>());
    let scale = Scale::new([100.0, 80.0], [0.2; 5]).unwrap();
    for level in Level::all() {
        let kernel = Comparison::at_level(&all, &all, &scale, level, Dimensions);
        let mut scratch = kernel.scratch();
        for tile in [
            Tile::new(3..70, 64..200),
            Tile::new(0..5, 0..128),
            Tile::on_diagonal(64..200),
        ] {
            let cells = tile
                .rows
                .clone()
                .flat_map(|i| tile.cols.clone().map(move |j| (i, j)));
            let expected: Vec<_> = cells.map(|(i, j)| kernel.pair(&mut scratch, i, j)).collect();
            let mut values = vec![[-1.0; 5]; expected.len()];
            assert!(kernel.tile(&mut scratch, &tile, &mut values, &mut |_| true));
            assert_eq!(bits(&values), bits(&expected), "{tile:?}");
        }
    }
}

#[test]
#[should_panic(expected = "a multiple of 64, or with the last")]
fn a_tile_that_divides_a_group_is_refused() {
    let all = features_of(&vec![
        vec![[1.0, 2.0, 0.3], [40.0, 7.0, 0.2], [3.0, 60.0, 0.7]];
        100
    ]);
    let scale = Scale::new([100.0, 80.0], [0.2; 5]).unwrap();
    let kernel = Comparison::new(&all, &all, &scale, Alignment::Joint, Dimensions);
    kernel.tile(
        &mut kernel.scratch(),
        &Tile::new(0..9, 0..9),
        &mut [[0.0; 5]; 81],
        &mut |_| true,
    );
}

#[test]
fn long_scanpaths_of_very_different_lengths() {
    let gaze = |length: usize, seed: usize| -> Vec<[f64; 3]> {
        let number = |k: usize| ((k * 7919 + seed * 104_729) % 1009) as f64 / 10.0;
        (0..length)
            .map(|k| [number(k), number(k + 400), number(k + 800)])
            .collect()
    };
    let gazes: Vec<_> = (0..70)
        .map(|seed| gaze([3, 250, 40, 4, 120][seed % 5], seed))
        .collect();
    let all = features_of(&gazes);
    let scalar = matrix(&all, &all, None, true);
    for level in Level::all() {
        assert_eq!(bits(&matrix(&all, &all, Some(level), true)), bits(&scalar));
    }
}

#[test]
fn simplification_merges_until_nothing_changes() {
    let line: Vec<Fixation> = (0..9).map(|k| [f64::from(k) * 10.0, 0.0, 0.1].into()).collect();
    let mut path = Simplified::new(&line);
    let grouping = Grouping {
        amplitude_px: 0.0,
        direction_deg: 45.0,
        duration: 1.0,
    };
    simplify(&mut path, &grouping);
    assert_eq!(path.vectors, [[80.0, 0.0, 0.0, 0.0]]);
}

#[test]
fn affinity_is_one_for_equal_scanpaths_whatever_the_weights() {
    let gaze = vec![[1.0, 2.0, 0.3], [40.0, 7.0, 0.2], [3.0, 60.0, 0.7]];
    let all = features_of(&[gaze.clone(), gaze]);
    let scale = Scale::new([100.0, 80.0], [0.1, 0.1, 0.1, 0.1, 0.6]).unwrap();
    let outcome = Affinity {
        weights: scale.weights,
    };
    let kernel = Comparison::new(&all, &all, &scale, Alignment::PerDimension, outcome);
    let mut out = [0.0f32; 4];
    dense(&kernel, true, &mut out, 1, &mut |_| true).unwrap();
    assert_eq!(out, [1.0; 4]);
}

#[test]
fn scale_refuses_impossible_screens_and_weights() {
    assert!(Scale::new([0.0, 80.0], [0.2; 5]).is_err());
    assert!(Scale::new([f64::NAN, 80.0], [0.2; 5]).is_err());
    assert!(Scale::new([100.0, 80.0], [0.3; 5]).is_err());
    assert!(Scale::new([100.0, 80.0], [1.2, -0.2, 0.0, 0.0, 0.0]).is_err());
}

#[test]
fn a_path_ends_whatever_the_costs() {
    for (rows, cols) in [(5, 7), (7, 5), (1, 6), (6, 1)] {
        let mut path = Path::default();
        path.find(rows, cols, |i, j| if (i + j) % 3 == 2 { f64::NAN } else { 1.0 });
        assert!(path.cells.contains(&(0, 0)) && path.cells.contains(&(rows - 1, cols - 1)));
        assert!(path.cells.len() < rows + cols);
    }
}

#[test]
fn two_scanpaths_are_compared_in_one_call() {
    let path = |rows: &[[f64; 3]]| -> Vec<Fixation> { rows.iter().map(|&row| row.into()).collect() };
    let a = path(&[[1.0, 2.0, 0.3], [40.0, 7.0, 0.2], [3.0, 60.0, 0.7]]);
    let b = path(&[
        [5.0, 2.0, 0.3],
        [44.0, 9.0, 0.4],
        [3.0, 50.0, 0.7],
        [9.0, 9.0, 0.1],
    ]);
    let parameters = Parameters::on_screen([100.0, 80.0]).unwrap();
    let five = similarities(&a, &b, &parameters).unwrap().unwrap();
    let mean = (five.shape + five.direction + five.length + five.position + five.duration) / 5.0;
    let one = affinity(&a, &b, &parameters).unwrap();
    assert!((f64::from(one) - mean).abs() < 1e-6);
    assert_eq!(one, affinity(&b, &a, &parameters).unwrap());
    assert_eq!(affinity(&a, &a, &parameters).unwrap(), 1.0);
    assert_eq!(similarities(&a, &b[..2], &parameters).unwrap(), None);
    assert_eq!(affinity(&a, &b[..2], &parameters).unwrap(), 0.0);
    let error = affinity(&a, &path(&[[1.0, f64::NAN, 1.0]]), &parameters).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("scanpaths: sample 1, row 0, y is NaN"),
        "{error}"
    );
}
