//! Matrices and neighbours of cheap schemes, against the same numbers pair by pair.

use gazesim_core::pairwise::{Bounded, RowKernel, Rule, dense_by_rows, neighbors_by_rows};
use gazesim_core::schemes::{dhash, moments};
use gazesim_core::simd::Level;

/// Numbers that look random, from a fixed seed.
fn numbers(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) ^ (state << 31)
    }
}

fn hashes(count: usize, words: usize) -> dhash::Features {
    let mut random = numbers(5);
    // Few bits in some, many in others, none in a few.
    let word = |k: usize| match k / words % 7 {
        0 => 0,
        1 | 2 => random() & random() & random(),
        3 => random() | random(),
        _ => random(),
    };
    dhash::Features::new((0..count * words).map(word).collect(), words).unwrap()
}

fn maps(count: usize) -> Vec<moments::Moments> {
    let mut random = numbers(11);
    let mut uniform = || (random() >> 20) as f64 / (1u64 << 44) as f64 + 0.01;
    (0..count)
        .map(|k| match k % 50 {
            7 => [0.0, 0.0],
            8 => [3.0, 0.0],
            _ => [100.0 * uniform(), uniform()],
        })
        .map(moments::Moments::from)
        .collect()
}

/// A kernel that also compares a single pair.
trait Pair: RowKernel + Bounded {
    fn pair(&self, i: usize, j: usize) -> f32;
}

impl Pair for dhash::Affinity<'_> {
    fn pair(&self, i: usize, j: usize) -> f32 {
        self.pair(i, j)
    }
}

impl Pair for moments::Affinity {
    fn pair(&self, i: usize, j: usize) -> f32 {
        self.pair(i, j)
    }
}

/// Whether the matrix has the bits of one comparison after the other, wherever it starts in memory.
fn equals_pairs<K: Pair>(kernel: &K) {
    let (rows, cols) = kernel.shape();
    let cells = (0..rows * cols).map(|cell| (cell / cols, cell % cols));
    let expected: Vec<f32> = cells.map(|(i, j)| kernel.pair(i, j)).collect();
    for shift in [0, 3] {
        for threads in [1, 2] {
            let mut out = vec![-1.0; shift + rows * cols + 1];
            dense_by_rows(kernel, &mut out[shift..][..rows * cols], threads, &mut |_| true).unwrap();
            assert!(out[shift..][..rows * cols] == expected);
            assert_eq!(
                (&out[..shift], out[shift + rows * cols]),
                (&[-1.0; 3][..shift], -1.0)
            );
        }
    }
}

#[test]
fn matrices_of_every_size_equal_their_pairs() {
    for (rows, cols) in [(0, 4), (4, 0), (1, 1), (3, 7), (8, 8), (65, 130), (300, 17)] {
        let (a, b) = (hashes(rows, 1), hashes(cols, 1));
        equals_pairs(&dhash::Affinity::new(&a, &b).unwrap());
        equals_pairs(&moments::Affinity::new(&maps(rows), &maps(cols), 0.3));
    }
    let (long, few) = (hashes(70, 4), maps(73));
    for level in Level::all() {
        equals_pairs(&dhash::Affinity::at_level(&long, &long, level).unwrap());
        equals_pairs(&moments::Affinity::at_level(&few, &few, 0.3, level));
    }
}

#[test]
fn matrices_written_past_the_caches_equal_their_pairs() {
    // More than 16 MiB, with lines that start everywhere in a cache line.
    let hashes = hashes(2111, 1);
    for level in Level::all() {
        equals_pairs(&dhash::Affinity::at_level(&hashes, &hashes, level).unwrap());
    }
    let maps = maps(2109);
    for level in Level::all() {
        equals_pairs(&moments::Affinity::at_level(&maps, &maps, 0.5, level));
    }
}

#[test]
fn lanes_round_every_cosine_of_one_word_as_the_definition() {
    // Prefixes against arcs of a ring of 64 bits: every number of bits, every number in common.
    let ones = |length: u32| u64::MAX >> (64 - length);
    let prefixes = (1..=64).map(ones).collect();
    let arcs = (1..=64).flat_map(|length| (0..64).map(move |turn| ones(length).rotate_left(turn)));
    let rows = dhash::Features::new(prefixes, 1).unwrap();
    let cols = dhash::Features::new(arcs.collect(), 1).unwrap();
    for level in Level::all() {
        equals_pairs(&dhash::Affinity::at_level(&rows, &cols, level).unwrap());
    }
}

/// Neighbours by looking at everything: (row, column, affinity), of equals those with smaller names.
fn by_sorting<K: Pair>(kernel: &K, names: &[u32], rule: Rule) -> Vec<(u32, u32, f32)> {
    let count = names.len();
    let mut all = Vec::new();
    for i in 0..count {
        let pairs = (0..count).filter(|&j| j != i);
        let mut row: Vec<(f32, u32)> = pairs
            .map(|j| (kernel.pair(i, j), names[j]))
            .filter(|(value, _)| *value >= rule.threshold)
            .collect();
        row.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        row.truncate(rule.top_k.unwrap_or(count));
        all.extend(row.into_iter().map(|(value, name)| (names[i], name, value)));
    }
    all.sort_by_key(|&(row, col, _)| (row, col));
    all
}

fn equals_sorting<K: Pair>(kernel: &K) {
    let count = kernel.shape().0;
    // Any order is allowed, sorted or not.
    let names: Vec<u32> = (0..count as u32).map(|k| (k * 7 + 3) % count as u32).collect();
    for (threshold, top_k) in [
        (f32::MIN_POSITIVE, Some(3)),
        (f32::MIN_POSITIVE, Some(60)),
        (0.5, Some(10)),
        (0.75, None),
    ] {
        let rule = Rule { threshold, top_k };
        let expected = by_sorting(kernel, &names, rule);
        for threads in [1, 2] {
            let found = neighbors_by_rows(kernel, &names, rule, threads, &mut |_| true).unwrap();
            let rows = (0..count).flat_map(|row| {
                let entries = found.offsets[row] as usize..found.offsets[row + 1] as usize;
                entries.map(move |_| row as u32)
            });
            let entries = rows.zip(found.columns.iter().zip(&found.values));
            let found: Vec<_> = entries
                .map(|(row, (&col, &value))| (row, col as u32, value))
                .collect();
            assert!(found == expected, "{rule:?}, {threads} threads");
        }
    }
}

#[test]
fn neighbours_equal_those_found_by_sorting() {
    for (count, words) in [(5, 1), (600, 1), (600, 3), (1201, 1)] {
        for level in Level::all() {
            let hashes = hashes(count, words);
            equals_sorting(&dhash::Affinity::at_level(&hashes, &hashes, level).unwrap());
        }
    }
    // In the order in which they are sought: by their set bits.
    let mut random = numbers(3);
    let mut sorted: Vec<u64> = (0..1100).map(|_| random() & random()).collect();
    sorted.sort_by_key(|word| word.count_ones());
    let hashes = dhash::Features::new(sorted, 1).unwrap();
    equals_sorting(&dhash::Affinity::new(&hashes, &hashes).unwrap());
    equals_sorting(&moments::Affinity::new(&maps(1203), &maps(1203), 0.5));
}
