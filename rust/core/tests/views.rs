//! Views against naive sums and enumeration.

use gazesim_core::heatmap::Heatmap;
use gazesim_core::views::{Fallback, Kind, Method, Rectangle, Sampler, Sizes, Table, Weighting, iou};
use proptest::prelude::*;

/// A map of small whole numbers, so that naive sums are exact, and its height and width.
fn maps() -> impl Strategy<Value = (Vec<f64>, usize, usize)> {
    (1usize..12, 1usize..40).prop_flat_map(|(height, width)| {
        let pixel = prop_oneof![3 => Just(0.0), 2 => (0u8..20).prop_map(f64::from)];
        (
            prop::collection::vec(pixel, height * width),
            Just(height),
            Just(width),
        )
    })
}

fn boxes() -> impl Strategy<Value = Vec<Rectangle>> {
    let side = prop_oneof![9 => -5i64..45, 1 => Just(i64::MIN), 1 => Just(i64::MAX)];
    prop::collection::vec(prop::array::uniform4(side), 0..20)
}

fn naive(values: &[f64], width: usize, rectangle: &Rectangle) -> f64 {
    let &[x0, y0, x1, y1] = rectangle;
    let inside = |at: usize| {
        let (x, y) = ((at % width) as i64, (at / width) as i64);
        x0 <= x && x < x1 && y0 <= y && y < y1
    };
    (0..values.len())
        .filter(|&at| inside(at))
        .map(|at| values[at])
        .sum()
}

fn share(kept: f64, total: f64) -> f64 {
    if total == 0.0 { 1.0 } else { kept / total }
}

fn counted(values: &[f64], weighting: Weighting) -> Vec<f64> {
    let max = values.iter().copied().fold(0.0, f64::max);
    match weighting {
        Weighting::Mass => values.to_vec(),
        Weighting::Support(support) => values
            .iter()
            .map(|&value| f64::from(u8::from(value > support * max)))
            .collect(),
    }
}

fn weightings() -> impl Strategy<Value = Weighting> {
    prop_oneof![
        Just(Weighting::Mass),
        (0.0..0.99).prop_map(Weighting::Support),
        Just(Weighting::Support(0.0)),
    ]
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Crop), Just(Kind::Cutout)]
}

proptest! {
    #[test]
    fn iou_is_the_naive_share((values, height, width) in maps(), boxes in boxes(), weighting in weightings(), kind in kinds()) {
        let mut shares = vec![f64::NAN; boxes.len()];
        iou(&Heatmap::new(&values, height, width), &boxes, kind, weighting, &mut shares);
        let counted = counted(&values, weighting);
        let total: f64 = counted.iter().sum();
        for (rectangle, given) in boxes.iter().zip(shares) {
            let inside = naive(&counted, width, rectangle);
            let kept = if kind == Kind::Crop { inside } else { total - inside };
            prop_assert_eq!(given, share(kept, total));
        }
    }

    #[test]
    fn narrow_types_count_alike((values, height, width) in maps(), boxes in boxes(), weighting in weightings()) {
        let bytes: Vec<u8> = values.iter().map(|&value| value as u8).collect();
        let singles: Vec<f32> = values.iter().map(|&value| value as f32).collect();
        let mut shares = vec![vec![f64::NAN; boxes.len()]; 3];
        iou(&Heatmap::new(&values, height, width), &boxes, Kind::Crop, weighting, &mut shares[0]);
        iou(&Heatmap::new(&singles, height, width), &boxes, Kind::Crop, weighting, &mut shares[1]);
        iou(&Heatmap::new(&bytes, height, width), &boxes, Kind::Crop, weighting, &mut shares[2]);
        prop_assert_eq!(&shares[0], &shares[1]);
        prop_assert_eq!(&shares[0], &shares[2]);
    }

    #[test]
    fn erased_boxes_hold_nothing((values, height, width) in maps(), holes in boxes(), tried in boxes()) {
        let mut table = Table::support(&Heatmap::new(&values, height, width), 0.0);
        let mut left = counted(&values, Weighting::Support(0.0));
        for hole in &holes {
            // Holes are boxes that were drawn, so their sides are near the image.
            let hole = hole.map(|side| side.clamp(-5, 50));
            table.erase(&hole);
            for (at, value) in left.iter_mut().enumerate() {
                let pixel = [(at % width) as i64, (at / width) as i64];
                if hole[0] <= pixel[0] && pixel[0] < hole[2] && hole[1] <= pixel[1] && pixel[1] < hole[3] {
                    *value = 0.0;
                }
            }
        }
        for rectangle in &tried {
            prop_assert_eq!(f64::from(table.inside(rectangle)), naive(&left, width, rectangle));
        }
    }

    #[test]
    fn views_keep_enough_or_say_so(
        (values, height, width) in maps(),
        weighting in weightings(),
        kind in kinds(),
        min_iou in 0.0..=1.0,
        exact: bool,
        holes in 1usize..4,
        seed in prop::collection::vec(0.0..1.0, 4000),
    ) {
        let boxes = if kind == Kind::Crop { 1 } else { holes };
        let sampler = Sampler {
            kind,
            weighting,
            min_iou,
            sizes: Sizes::Drawn { scale: [0.05, 0.9], ratio: [0.5, 2.0] },
            method: if exact { Method::Exact } else { Method::Rejection(5) },
            fallback: Fallback::Whole,
            boxes,
        };
        let view = sampler.sample(&Heatmap::new(&values, height, width), &seed).expect("enough numbers");
        prop_assert_eq!(view.boxes.len(), boxes);
        prop_assert_eq!(view.empty, counted(&values, weighting).iter().sum::<f64>() == 0.0);
        if !view.fallback || kind == Kind::Crop {
            prop_assert!(view.iou >= min_iou);
        }
        for &[x0, y0, x1, y1] in &view.boxes {
            prop_assert!(0 <= x0 && x0 <= x1 && x1 <= width as i64);
            prop_assert!(0 <= y0 && y0 <= y1 && y1 <= height as i64);
        }
    }
}

#[test]
fn too_few_numbers_ask_for_more() {
    let values = [1.0f64; 16];
    let sampler = Sampler {
        kind: Kind::Crop,
        weighting: Weighting::Mass,
        min_iou: 0.5,
        sizes: Sizes::Drawn {
            scale: [0.5, 1.0],
            ratio: [1.0, 1.0],
        },
        method: Method::Exact,
        fallback: Fallback::Best,
        boxes: 1,
    };
    let map = Heatmap::new(&values, 4, 4);
    assert!(sampler.sample(&map, &[0.9, 0.5]).is_none());
    assert!(sampler.sample(&map, &[0.9, 0.5, 0.5]).is_some());
}

#[test]
fn mass_keeps_its_precision_at_both_ends_of_the_range() {
    for scale in [1e-320, 1e-300, 1.0, 1e100] {
        let values: Vec<f64> = [1.0, 2.0, 3.0, 4.0].iter().map(|value| value * scale).collect();
        let mut shares = [0.0];
        iou(
            &Heatmap::new(&values, 1, 4),
            &[[0, 0, 3, 1]],
            Kind::Crop,
            Weighting::Mass,
            &mut shares,
        );
        assert!((shares[0] - 0.6).abs() < 1e-3, "{scale:e}: {}", shares[0]);
    }
}
