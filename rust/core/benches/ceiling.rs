//! Which share of what the processor can do MultiMatch reaches: prints one line of JSON per length.
//!
//! Three loops are timed in turns on the same scanpaths, so that a busy machine slows all of them:
//! square roots alone (one per cell is the least that an alignment needs), an alignment with its
//! directions stored and nothing else, and the engine, whole and only its alignment.

#[path = "common/mod.rs"]
mod common;
#[path = "common/scanpaths.rs"]
mod scanpaths;

use std::hint::black_box;
use std::time::Instant;

use gazesim_core::pairwise::{Kernel, TILE, Tile, TileKernel};
use gazesim_core::schemes::multimatch::{self, Affinity, Comparison, Features, Saccade};
use gazesim_core::simd::{self, Job, Lanes, Level};

const FIXATIONS: [usize; 3] = [10, 30, 100];
const ROUNDS: usize = 25;

/// dx and dy of eight scanpaths of one length, side by side.
type Pack = Vec<[[f64; 8]; 2]>;

fn packs(features: &Features) -> Vec<Pack> {
    let eight = |first: usize| {
        let vector = |k: usize| {
            let saccade = |lane: usize| features.sample(first + lane)[k];
            [
                std::array::from_fn(|lane| saccade(lane).dx),
                std::array::from_fn(|lane| saccade(lane).dy),
            ]
        };
        (0..features.sample(first).len()).map(vector).collect()
    };
    (0..features.len()).step_by(8).map(eight).collect()
}

/// As many square roots as the alignments have cells, eight at a time, none waiting for another.
struct Roots {
    groups: usize,
}

impl Job for Roots {
    type Output = f64;

    #[inline(always)]
    fn run<L: Lanes>(self) -> f64 {
        let mut roots = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0].map(L::splat);
        let one = L::splat(1.0);
        for _ in 0..self.groups / 8 {
            for root in &mut roots {
                *root = root.add(one).sqrt();
            }
        }
        let mut sum = [0.0; 8];
        roots.into_iter().fold(one, L::add).store(&mut sum);
        sum[0]
    }
}

/// One query against eight targets: costs of one row, and the directions of every cell.
struct Alignment<'a> {
    query: &'a [Saccade],
    targets: &'a [[[f64; 8]; 2]],
    costs: &'a mut [[f64; 8]],
    steps: &'a mut [[u8; 4]],
}

#[inline(always)]
fn distance<L: Lanes>(dx: L, dy: L, target: &[[f64; 8]; 2]) -> L {
    let (x, y) = (dx.sub(L::load(&target[0])), dy.sub(L::load(&target[1])));
    x.mul(x).add(y.mul(y)).sqrt()
}

impl Job for Alignment<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let infinite = L::splat(f64::INFINITY);
        let mut start = L::splat(0.0);
        self.costs.fill([f64::INFINITY; 8]);
        let rows = self.steps.chunks_exact_mut(self.targets.len());
        for (vector, steps) in self.query.iter().zip(rows) {
            let (dx, dy) = (L::splat(vector.dx), L::splat(vector.dy));
            let (mut above_left, mut left) = (start, infinite);
            start = infinite;
            for ((cost, target), step) in self.costs.iter_mut().zip(self.targets).zip(steps) {
                let above = L::load(cost);
                let best = above_left.min(above).min(left);
                *step = [
                    above_left.eq_bits(best),
                    above.eq_bits(best),
                    left.eq_bits(best),
                    0,
                ];
                left = best.add(distance(dx, dy, target));
                left.store(cost);
                above_left = above;
            }
        }
    }
}

/// Keeps the shortest time of one loop.
fn time(best: &mut f64, mut run: impl FnMut()) {
    let start = Instant::now();
    run();
    *best = best.min(start.elapsed().as_secs_f64());
}

fn measure(fixations: usize) {
    let features = scanpaths::vectors(TILE, fixations);
    let vectors = fixations - 1;
    let cells = (TILE * TILE * vectors * vectors) as f64;
    let (packs, level) = (packs(&features), Level::best());
    let mut costs = vec![[0.0; 8]; vectors];
    let mut steps = vec![[0; 4]; vectors * vectors];
    let tile = Tile::new(0..TILE, 0..TILE);
    let outcome = || Affinity { weights: [0.2; 5] };
    let (scale, joint) = (scanpaths::scale(), multimatch::Alignment::Joint);
    let engine = Comparison::new(&features, &features, &scale, joint, outcome());
    let scalar = Comparison::scalar(&features, &features, &scale, joint, outcome());
    let mut scratch = engine.scratch();
    let mut values = vec![0.0; TILE * TILE];

    let [mut roots, mut alignment, mut align, mut whole, mut one_by_one] = [f64::INFINITY; 5];
    for _ in 0..ROUNDS {
        time(&mut roots, || {
            let groups = cells as usize / 8;
            black_box(simd::run(level, Roots { groups }));
        });
        time(&mut alignment, || {
            for query in features.iter() {
                for targets in &packs {
                    let (costs, steps) = (&mut costs, &mut steps);
                    let job = Alignment {
                        query,
                        targets,
                        costs,
                        steps,
                    };
                    simd::run(level, job);
                }
            }
            black_box((&costs, &steps));
        });
        time(&mut align, || {
            engine.align_only(&mut scratch, &tile);
            black_box(&scratch);
        });
        time(&mut whole, || {
            black_box(engine.tile(&mut scratch, &tile, &mut values, &mut |_| true));
        });
        time(&mut one_by_one, || {
            for j in 0..TILE {
                black_box(scalar.pair(&mut scratch, 0, j));
            }
        });
    }
    let speed = |seconds: f64| cells / seconds / 1e9;
    println!(
        concat!(
            "{{\"fixations\": {}, \"roots_g_per_s\": {:.3}, \"alignment_g_cells_per_s\": {:.3}, ",
            "\"engine_alignment_g_cells_per_s\": {:.3}, \"engine_g_cells_per_s\": {:.3}, ",
            "\"tail_over_alignment\": {:.3}, \"ns_per_pair\": {:.1}, \"scalar_ns_per_pair\": {:.1}}}"
        ),
        fixations,
        speed(roots),
        speed(alignment),
        speed(align),
        speed(whole),
        (whole - align) / align,
        whole * 1e9 / (TILE * TILE) as f64,
        one_by_one * 1e9 / TILE as f64,
    );
}

fn main() {
    FIXATIONS.into_iter().for_each(measure);
}
