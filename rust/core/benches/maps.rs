//! What is done once per heatmap, per pixel.

#![allow(missing_docs)] // on what `criterion_group` defines

#[path = "common/mod.rs"]
mod common;

use common::Random;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gazesim_core::heatmap::{Blurred, Heatmap, Interpolation, Pixel, resize};
use gazesim_core::schemes::dhash::{Axis, Parameters, hash};
use gazesim_core::schemes::moments::{hu_moments, moments};

const SIDE: usize = 512;

fn features_of<T: Pixel>(criterion: &mut Criterion, kind: &str, values: &[T]) {
    let map = Heatmap::new(values, SIDE, SIDE);
    let parameters = Parameters {
        hash_size: 8,
        axis: Axis::Row,
        interpolation: Interpolation::Area,
        margin: 1.0 / 255.0,
    };
    let mut group = criterion.benchmark_group("maps");
    group.throughput(Throughput::Elements((SIDE * SIDE) as u64));
    group.bench_function(BenchmarkId::new("check", kind), |bencher| {
        bencher.iter(|| map.check("heatmaps", 0));
    });
    group.bench_function(BenchmarkId::new("max", kind), |bencher| {
        bencher.iter(|| map.max())
    });
    group.bench_function(BenchmarkId::new("moments", kind), |bencher| {
        bencher.iter(|| moments(&map));
    });
    group.bench_function(BenchmarkId::new("hu_moments", kind), |bencher| {
        bencher.iter(|| hu_moments(&map));
    });
    group.bench_function(BenchmarkId::new("dhash", kind), |bencher| {
        bencher.iter(|| hash(&map, &parameters));
    });
    for (name, interpolation) in [
        ("area", Interpolation::Area),
        ("bilinear", Interpolation::Bilinear),
    ] {
        group.bench_function(BenchmarkId::new(format!("resize_32_{name}"), kind), |bencher| {
            bencher.iter(|| resize(&map, 32, 32, interpolation));
        });
    }
    group.finish();
}

fn features(criterion: &mut Criterion) {
    let mut random = Random::new(1);
    let values: Vec<f64> = (0..SIDE * SIDE).map(|_| random.uniform(0.0, 1.0)).collect();
    let narrow: Vec<f32> = values.iter().map(|&value| value as f32).collect();
    let bytes: Vec<u8> = values.iter().map(|value| (value * 255.0) as u8).collect();
    features_of(criterion, "u8", &bytes);
    features_of(criterion, "f32", &narrow);
    features_of(criterion, "f64", &values);
}

fn blur(criterion: &mut Criterion) {
    let mut random = Random::new(2);
    let side = SIDE as f64;
    let points: Vec<[f64; 3]> = (0..30)
        .map(|_| [random.uniform(0.0, side), random.uniform(0.0, side), 1.0])
        .collect();
    let new = || Blurred::new(points.iter().copied(), [SIDE, SIDE], 18.0);
    let mut group = criterion.benchmark_group("blur");
    group.bench_function("30 points", |bencher| bencher.iter(new));
    group.bench_function("render 512", |bencher| bencher.iter(|| new().render()));
    group.bench_function("max", |bencher| bencher.iter(|| new().max()));
    group.bench_function("resized to 32", |bencher| bencher.iter(|| new().resized(32, 32)));
    group.finish();
}

criterion_group!(benches, features, blur);
criterion_main!(benches);
