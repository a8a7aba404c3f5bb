//! Ragged sets, TIMA's clusters and its time warping.

use gazesim_core::pairwise::{Kernel, dense};
use gazesim_core::scanpath::{Fixation, Ragged, Scanpaths};
use gazesim_core::schemes::moments::Moments;
use gazesim_core::schemes::tima;
use gazesim_core::simd::Level;
use proptest::prelude::*;

#[test]
fn offsets_are_checked() {
    let rows = vec![Fixation::default(); 4];
    assert!(Scanpaths::new(rows.clone(), &[0, 1, 1, 4]).is_ok());
    for offsets in [&[][..], &[0], &[0, 5], &[1, 4], &[0, 3, 2, 4], &[0, -1, 4]] {
        assert!(Scanpaths::new(rows.clone(), offsets).is_err(), "{offsets:?}");
    }
}

#[test]
fn checks_name_sample_row_and_column() {
    let scanpaths = Scanpaths::new(
        [[0.0; 3], [1.0, 2.0, 3.0], [1.0, 2.0, -3.0]]
            .map(Fixation::from)
            .to_vec(),
        &[0, 1, 3],
    )
    .unwrap();
    let error = scanpaths.check("gazes").unwrap_err().to_string();
    assert_eq!(
        error,
        "gazes: sample 1, row 1, duration is -3; expected a duration of at least 0"
    );
}

proptest! {
    #[test]
    fn clusters_are_made_of_core_points_and_their_neighbours(
        points in prop::collection::vec((0.0..1.0, 0.0..1.0, 0.0..1.0), 0..40),
        eps in 0.05..0.6,
        min_samples in 1usize..6,
    ) {
        let points: Vec<[f64; 3]> = points.into_iter().map(|(x, y, t)| [x, y, t]).collect();
        let labels = tima::labels(&points, eps, min_samples, &mut || true);
        let near = |i: usize, j: usize| {
            (0..3).map(|k| (points[i][k] - points[j][k]).powi(2)).sum::<f64>() <= eps * eps
        };
        let core = |i: usize| (0..points.len()).filter(|&j| near(i, j)).count() >= min_samples;
        for i in 0..points.len() {
            let beside_core = (0..points.len()).any(|j| core(j) && near(i, j));
            prop_assert_eq!(labels[i].is_some(), beside_core);
            for j in 0..points.len() {
                if core(i) && core(j) && near(i, j) {
                    prop_assert_eq!(labels[i], labels[j]);
                }
            }
        }
    }

    #[test]
    fn time_warping_is_symmetric_and_one_for_equal_sequences(
        a in prop::collection::vec((0.1..2.0, 0.1..2.0), 1..7),
        b in prop::collection::vec((0.1..2.0, 0.1..2.0), 1..7),
    ) {
        let mut features: tima::Features = Ragged::default();
        features.push(a.into_iter().map(|(mass, spread)| Moments { mass, spread }));
        features.push(b.into_iter().map(|(mass, spread)| Moments { mass, spread }));
        features.push([]);
        let kernel = tima::Affinity::new(&features, &features, 0.7);
        let mut scratch = kernel.scratch();
        let mut pair = |i, j| kernel.pair(&mut scratch, i, j);
        prop_assert_eq!(pair(0, 1), pair(1, 0));
        prop_assert_eq!((pair(0, 0), pair(1, 1), pair(2, 2)), (1.0, 1.0, 0.0));
        prop_assert!((0.0..=1.0).contains(&pair(0, 1)));
    }
}

#[test]
fn lanes_of_every_level_agree_with_the_scalar_time_warping() {
    let mut state = 7u64;
    let mut random = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / f64::from(1u32 << 24)
    };
    let mut features: tima::Features = Ragged::default();
    for sample in 0..150 {
        let clusters = (random() * 9.0) as usize;
        // Every third sequence is made of few different clusters, so that ways tie.
        let level = |number: f64| {
            if sample % 3 == 0 {
                (number * 2.0).floor() + 1.0
            } else {
                number + 0.1
            }
        };
        let rows: Vec<Moments> = (0..clusters)
            .map(|_| Moments::from([level(random()), level(random())]))
            .collect();
        features.push(rows);
    }
    let matrix = |kernel: &tima::Affinity| {
        let mut out = vec![0.0; 150 * 150];
        dense(kernel, true, &mut out, 1, &mut |_| true).unwrap();
        out
    };
    let scalar = matrix(&tima::Affinity::scalar(&features, &features, 0.7));
    let mut first: Option<Vec<f32>> = None;
    for level in Level::all() {
        let lanes = matrix(&tima::Affinity::at_level(&features, &features, 0.7, level));
        assert!(
            lanes
                .iter()
                .zip(&scalar)
                .all(|(a, b)| (a - b).abs() <= f32::EPSILON)
        );
        assert!((0..150).all(|i| (0..150).all(|j| lanes[i * 150 + j] == lanes[j * 150 + i])));
        assert_eq!(first.get_or_insert_with(|| lanes.clone()), &lanes);
    }
}

#[test]
fn two_gazes_are_compared_in_one_call() {
    let dwell = |x: f64, y: f64| std::iter::repeat_n(Fixation { x, y, duration: 0.02 }, 20);
    let there: Vec<Fixation> = dwell(10.0, 10.0).chain(dwell(50.0, 30.0)).collect();
    let back: Vec<Fixation> = there.iter().rev().copied().collect();
    let parameters = tima::Parameters {
        sigma_px: 4.0,
        ..tima::Parameters::on_image([64, 48])
    };
    let affinity =
        |a: &[Fixation], b: &[Fixation]| tima::affinity(a, b, &parameters, tima::WEIGHT_MASS).unwrap();
    assert_eq!(affinity(&there, &there), 1.0);
    assert!((affinity(&there, &back) - 0.99).abs() < 0.005);
    assert_eq!(affinity(&there, &back[..0]), 0.0);
}
