//! Scanpath measures: the same bits at every level, in both directions, and on any number of threads.

use gazesim_core::pairwise::dense;
use gazesim_core::scanpath::Ragged;
use gazesim_core::schemes::side_by_side::{Affinities, Comparison, Measure, Values};
use gazesim_core::schemes::time_delay::{Norm, TimeDelay, Windows};
use gazesim_core::schemes::{
    dtw, eyenalysis, frechet, hausdorff, mannan, recurrence, scanmatch, scasim, string_edit,
};
use gazesim_core::simd::Level;

/// Samples of 0 to 17 rows; every third one on whole numbers, where paths tie.
fn samples<const N: usize>(count: usize, row: impl Fn([f64; N]) -> [f64; N]) -> Ragged<[f64; N]> {
    let mut state = 7_u64;
    let mut uniform = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / (1_u64 << 31) as f64
    };
    let mut samples = Ragged::default();
    for k in 0..count {
        let rows: Vec<[f64; N]> = (0..k % 18)
            .map(|_| {
                let place = std::array::from_fn(|_| 10.0 * uniform());
                row(if k % 3 == 0 { place.map(f64::floor) } else { place })
            })
            .collect();
        samples.push(rows);
    }
    samples
}

fn bits<const V: usize>(values: &[[f64; V]]) -> Vec<[u64; V]> {
    values.iter().map(|values| values.map(f64::to_bits)).collect()
}

/// Holds all levels against the first, threads against one, and affinities against their mirror images.
fn check<const N: usize, const V: usize, M: Measure<N, V>>(measure: &M, row: impl Fn([f64; N]) -> [f64; N])
where
    [f64; V]: Default,
{
    let samples = samples(70, row);
    let count = samples.len();
    let values = |level: Level, threads: usize| {
        let kernel: Comparison<N, V, &M, Values> = Comparison::at_level(measure, &samples, &samples, level);
        let mut out = vec![<[f64; V]>::default(); count * count];
        dense(&kernel, false, &mut out, threads, &mut |_| true).unwrap();
        bits(&out)
    };
    let levels: Vec<Level> = Level::all().into_iter().collect();
    let first = values(levels[0], 1);
    for &level in &levels {
        assert_eq!(values(level, 1), first, "{level:?}");
    }
    assert_eq!(values(Level::best(), 3), first);

    let kernel: Comparison<N, V, &M, Affinities> = Comparison::new(measure, &samples, &samples);
    let [mut whole, mut mirrored] = [(); 2].map(|()| vec![0.0; count * count]);
    dense(&kernel, false, &mut whole, 1, &mut |_| true).unwrap();
    dense(&kernel, true, &mut mirrored, 1, &mut |_| true).unwrap();
    assert_eq!(whole, mirrored);
    for i in 0..count {
        for j in 0..count {
            assert_eq!(whole[i * count + j].to_bits(), whole[j * count + i].to_bits());
        }
        for j in 0..count {
            let pair = [samples.sample(i), samples.sample(j)];
            if let [Some(a), Some(b)] = pair.map(|rows| measure.mark(rows))
                && pair.iter().all(|rows| !rows.is_empty())
            {
                assert!(
                    measure.bound(&a, &b) as f32 >= whole[i * count + j],
                    "{i} and {j}"
                );
            }
        }
        // The first sample of every eighteen is empty.
        assert_eq!(whole[i * count], 0.0);
    }
}

#[test]
fn distances_have_the_same_bits_everywhere() {
    check(&dtw::Dtw { diagonal: 14.0 }, |row: [f64; 2]| row);
    check(&frechet::Frechet { diagonal: 14.0 }, |row: [f64; 2]| row);
    check(&hausdorff::Hausdorff { diagonal: 14.0 }, |row: [f64; 2]| row);
    let screen_size = [10.0, 10.0];
    check(&mannan::Mannan { screen_size }, |row: [f64; 2]| row);
    for squared in [false, true] {
        let diagonal = 17.0;
        check(&eyenalysis::Eyenalysis { squared, diagonal }, |row: [f64; 3]| row);
    }
}

#[test]
fn alignments_have_the_same_bits_everywhere() {
    for gap in [0.0, -0.5] {
        let threshold = 3.5;
        check(&scanmatch::ScanMatch { threshold, gap }, |row: [f64; 2]| {
            row.map(f64::floor)
        });
    }
    for kind in [string_edit::Kind::Levenshtein, string_edit::Kind::Lcs] {
        let alphabet = 10;
        check(&string_edit::StringEdit { kind, alphabet }, |row: [f64; 1]| {
            row.map(f64::floor)
        });
    }
    // Unit vectors anywhere before the eye, the widest angles included.
    check(&scasim::Scasim::new(0.83), |[x, y, z, seconds]: [f64; 4]| {
        let (x, y) = (x - 5.0, y - 5.0);
        let length = (x * x + y * y + z * z).sqrt().max(1e-3);
        [x / length, y / length, z / length, seconds + 0.1]
    });
}

#[test]
fn successions_have_the_same_bits_everywhere() {
    for norm in [Norm::L2, Norm::Sum] {
        let windows = Windows::Scaled;
        check(&TimeDelay { norm, windows }, |row: [f64; 2]| {
            row.map(|number| number / 10.0)
        });
    }
    let radius_px = 3.0;
    check(&recurrence::Recurrence { radius_px }, |row: [f64; 2]| row);
    check(
        &recurrence::Quantified {
            radius_px,
            min_line: 2,
        },
        |row: [f64; 2]| row,
    );
}
