//! Maps against naive sums: resizing, blurring, moments, hashes.

use gazesim_core::Error;
use gazesim_core::heatmap::{Blurred, Heatmap, Interpolation, resize};
use gazesim_core::schemes::dhash::{self, Axis, Parameters, hash};
use gazesim_core::schemes::moments::{self, hu_moments};
use proptest::prelude::*;

fn maps() -> impl Strategy<Value = (Vec<f64>, usize, usize)> {
    (1usize..20, 1usize..20).prop_flat_map(|(height, width)| {
        let values = prop::collection::vec(0.0..1.0, height * width);
        (values, Just(height), Just(width))
    })
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs()))
}

proptest! {
    #[test]
    fn area_resizing_keeps_the_mean((values, height, width) in maps(), rows in 1usize..12, cols in 1usize..12) {
        let map = Heatmap::new(&values, height, width);
        let small = resize(&map, rows, cols, Interpolation::Area).unwrap();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        prop_assert!(close(mean(&small), mean(&values)));
    }

    #[test]
    fn resizing_to_the_same_size_changes_nothing((values, height, width) in maps()) {
        let map = Heatmap::new(&values, height, width);
        for interpolation in [Interpolation::Area, Interpolation::Bilinear] {
            let same = resize(&map, height, width, interpolation).unwrap();
            prop_assert!(same.iter().zip(&values).all(|(a, b)| close(*a, *b)));
        }
    }

    #[test]
    fn moments_equal_the_definition((values, height, width) in maps()) {
        let cells = || (0..height * width).map(|cell| ((cell % width) as f64, (cell / width) as f64, values[cell]));
        let mass: f64 = values.iter().sum();
        let x0 = cells().map(|(x, _, v)| x * v).sum::<f64>() / mass;
        let y0 = cells().map(|(_, y, v)| y * v).sum::<f64>() / mass;
        let spread: f64 = cells().map(|(x, y, v)| ((x - x0).powi(2) + (y - y0).powi(2)) * v).sum();
        let map = Heatmap::new(&values, height, width);
        let ours = moments::moments(&map);
        prop_assert!(close(ours.mass, mass));
        prop_assert!(close(ours.spread, spread / (mass * mass)));
        prop_assert!(close(hu_moments(&map)[0], spread / (mass * mass)));
    }

    #[test]
    fn blurring_equals_the_sum_over_points(
        points in prop::collection::vec((-3.0..15.0, -3.0..12.0, 0.0..2.0), 0..9),
        sigma_px in 0.3..6.0,
    ) {
        let size = [12, 9];
        let points: Vec<[f64; 3]> = points.into_iter().map(|(x, y, weight)| [x, y, weight]).collect();
        let blurred = Blurred::new(points.iter().copied(), size, sigma_px);
        let reach = (4.0 * sigma_px + 0.5) as i64;
        let gauss = |d: i64| if d.abs() <= reach { (-0.5 * (d as f64 / sigma_px).powi(2)).exp() } else { 0.0 };
        let sum: f64 = (-reach..=reach).map(gauss).sum();
        let map = blurred.render().unwrap();
        for (cell, &value) in map.iter().enumerate() {
            let (x, y) = ((cell % 12) as i64, (cell / 12) as i64);
            let inside = points.iter().filter(|p| (0.0..12.0).contains(&p[0]) && (0.0..9.0).contains(&p[1]));
            let expected: f64 = inside
                .map(|p| p[2] * gauss(x - p[0] as i64) * gauss(y - p[1] as i64) / (sum * sum))
                .sum();
            prop_assert!(close(value, expected));
        }
        prop_assert_eq!(blurred.max(), map.iter().copied().fold(0.0, f64::max));
        let small = blurred.resized(5, 7);
        let direct = resize(&Heatmap::new(&map, 9, 12), 5, 7, Interpolation::Bilinear).unwrap();
        prop_assert!(small.iter().zip(&direct).all(|(a, b)| close(*a, *b)));
    }
}

#[test]
fn a_falling_ramp_sets_every_bit() {
    let ramp: Vec<u8> = (0..40 * 60).map(|cell| 240 - 4 * (cell % 60) as u8).collect();
    let parameters = |axis| Parameters {
        hash_size: 8,
        axis,
        interpolation: Interpolation::Area,
        margin: 0.0,
    };
    let map = Heatmap::new(&ramp, 40, 60);
    assert_eq!(hash(&map, &parameters(Axis::Row)).unwrap(), [u64::MAX]);
    assert_eq!(hash(&map, &parameters(Axis::Column)).unwrap(), [0]);
}

#[test]
fn sizes_beyond_the_memory_are_errors() {
    let map = Heatmap::new(&[1.0], 1, 1);
    for side in [usize::MAX, usize::MAX / 2, 1 << 40] {
        let error = resize(&map, side, side, Interpolation::Area).unwrap_err();
        assert!(matches!(error, Error::Memory(_)), "{error}");
    }
    let blurred = Blurred::new([], [1 << 33, 1 << 33], 1.0);
    assert!(matches!(blurred.render(), Err(Error::Memory(_))));
    for hash_size in [0, 1025, usize::MAX] {
        let parameters = Parameters {
            hash_size,
            ..Parameters::default()
        };
        assert!(hash(&map, &parameters).is_err());
    }
}

#[test]
fn two_maps_are_compared_in_one_call() {
    let values: Vec<f64> = (0..12).map(|cell| f64::from(cell % 4)).collect();
    let map = Heatmap::new(&values, 3, 4);
    assert_eq!(moments::affinity(&map, &map, 0.3).unwrap(), 1.0);
    let parameters = Parameters {
        axis: Axis::Column,
        ..Parameters::default()
    };
    assert_eq!(dhash::affinity(&map, &map, &parameters).unwrap(), 0.0); // no row falls off
    let wide = Heatmap::new(&values, 2, 6);
    assert!(moments::affinity(&map, &wide, 0.3).is_err());
    let bad = Heatmap::new(&[f64::NAN; 12], 3, 4);
    let error = dhash::affinity(&map, &bad, &parameters).unwrap_err().to_string();
    assert!(error.starts_with("heatmaps: sample 1, row 0"), "{error}");
}

#[test]
fn checks_name_the_first_bad_pixel() {
    let values = [0.0, 1.0, 2.0, f64::NAN];
    let error = Heatmap::new(&values, 2, 2).check("maps", 5).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("maps: sample 5, row 1, column 1 is NaN"),
        "{error}"
    );
    assert!(Heatmap::new(&[0.0f32, -1.0], 1, 2).check("maps", 0).is_err());
    assert!(Heatmap::new(&[0u8, 255], 1, 2).check("maps", 0).is_ok());
}
