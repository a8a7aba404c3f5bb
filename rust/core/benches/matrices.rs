//! Comparing pairs of moments, hashes and cluster sequences: per pair, on one thread and on two.

#![allow(missing_docs)] // on what `criterion_group` defines

#[path = "common/mod.rs"]
mod common;

use common::Random;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gazesim_core::Result;
use gazesim_core::pairwise::{RowKernel, TileKernel, dense, dense_by_rows};
use gazesim_core::schemes::{dhash, moments, tima};

fn matrix(
    criterion: &mut Criterion,
    name: &str,
    count: usize,
    pairs: usize,
    fill: impl Fn(&mut [f32], usize) -> Result<()>,
) {
    let mut out = vec![0.0; count * count];
    let mut group = criterion.benchmark_group("matrix");
    group.throughput(Throughput::Elements(pairs as u64));
    for threads in [1, 2] {
        group.bench_function(format!("{name} {count}, threads {threads}"), |bencher| {
            bencher.iter(|| fill(&mut out, threads));
        });
    }
    group.finish();
}

fn by_rows<K: RowKernel>(criterion: &mut Criterion, name: &str, kernel: &K) {
    let (count, _) = kernel.shape();
    matrix(criterion, name, count, count * count, |out, threads| {
        dense_by_rows(kernel, out, threads, &mut |_| true)
    });
}

/// The unordered pairs, each of which is computed once.
fn by_tiles<K: TileKernel<Output = f32>>(criterion: &mut Criterion, name: &str, kernel: &K) {
    let (count, _) = kernel.shape();
    matrix(criterion, name, count, count * (count + 1) / 2, |out, threads| {
        dense(kernel, true, out, threads, &mut |_| true)
    });
}

fn matrices(criterion: &mut Criterion) {
    let mut random = Random::new(3);
    // In the second-level cache, in the third, in memory.
    for count in [256, 1024, 8000] {
        let pairs: Vec<moments::Moments> = (0..count)
            .map(|_| [random.uniform(1.0, 100.0), random.uniform(0.01, 1.0)].into())
            .collect();
        by_rows(criterion, "moments", &moments::Affinity::new(&pairs, &pairs, 0.5));
        let bits = (0..count).map(|_| random.bits() & random.bits()).collect();
        let hashes = dhash::Features::new(bits, 1).expect("whole words");
        let kernel = dhash::Affinity::new(&hashes, &hashes).expect("hashes of one length");
        by_rows(criterion, "dhash", &kernel);
    }
    for clusters in [3, 9, 30] {
        let mut sequences = tima::Features::default();
        for _ in 0..512 {
            let cluster = |_| [random.uniform(1.0, 100.0), random.uniform(0.01, 1.0)].into();
            sequences.push((0..clusters).map(cluster).collect::<Vec<_>>());
        }
        let kernel = tima::Affinity::new(&sequences, &sequences, 0.7);
        by_tiles(criterion, &format!("tima {clusters}x{clusters}"), &kernel);
    }
}

criterion_group!(benches, matrices);
criterion_main!(benches);
