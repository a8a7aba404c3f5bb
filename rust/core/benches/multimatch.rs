//! MultiMatch, pair by pair and in lanes, per cell of the alignment.

#![allow(missing_docs)] // on what `criterion_group` defines

#[path = "common/mod.rs"]
mod common;
#[path = "common/scanpaths.rs"]
mod scanpaths;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gazesim_core::pairwise::{Kernel, TILE, Tile, TileKernel};
use gazesim_core::schemes::multimatch::{Affinity, Alignment, Comparison};

fn engines(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("multimatch");
    for fixations in [10, 30, 100] {
        let features = scanpaths::vectors(TILE, fixations);
        let outcome = || Affinity { weights: [0.2; 5] };
        let scale = scanpaths::scale();
        let scalar = |alignment| Comparison::scalar(&features, &features, &scale, alignment, outcome());
        let engines = [
            (
                "lanes",
                Comparison::new(&features, &features, &scale, Alignment::Joint, outcome()),
            ),
            ("scalar", scalar(Alignment::Joint)),
            ("per_dimension", scalar(Alignment::PerDimension)),
        ];
        // Eight rows: a scalar tile of long scanpaths would take most of a second.
        let tile = Tile::new(0..8, 0..TILE);
        let pairs = tile.rows.len() * tile.cols.len();
        group.throughput(Throughput::Elements((pairs * (fixations - 1).pow(2)) as u64));
        for (name, engine) in engines {
            let mut values = vec![0.0; pairs];
            let mut scratch = engine.scratch();
            group.bench_function(BenchmarkId::new(name, fixations), |bencher| {
                bencher.iter(|| engine.tile(&mut scratch, &tile, &mut values, &mut |_| true));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, engines);
criterion_main!(benches);
