//! Ragged samples eight side by side, one in each lane.

use super::eights_by_length;
use crate::scanpath::Ragged;
use crate::simd::{self, Aligned};
use crate::sink::{TILE, Tile};

/// Eight samples of a tile, side by side.
#[derive(Debug)]
pub struct Group<const M: usize> {
    /// What is kept of row `j` of every sample; a filler beyond the end of a shorter one.
    pub rows: Vec<Aligned<[[f64; 8]; M]>>,
    /// Positions of the samples; groups at the end of a tile can have fewer than eight.
    pub targets: Vec<usize>,
}

impl<const M: usize> Group<M> {
    fn new<T>(
        features: &Ragged<T>,
        targets: Vec<usize>,
        filler: f64,
        keep: &impl Fn(&T) -> [f64; M],
    ) -> Self {
        let mut group = Self {
            rows: Vec::new(),
            targets,
        };
        group.fill(features, filler, keep);
        group
    }

    /// Fetches what is kept of the targets.
    fn fill<T>(&mut self, features: &Ragged<T>, filler: f64, keep: &impl Fn(&T) -> [f64; M]) {
        let longest = self.targets.iter().map(|&target| features.sample(target).len());
        let longest = longest.max().unwrap_or(0);
        self.rows.clear();
        self.rows.resize(longest, Aligned([[filler; 8]; M]));
        for (lane, &target) in self.targets.iter().enumerate() {
            for (row, numbers) in self.rows.iter_mut().zip(features.sample(target)) {
                for (values, value) in row.0.iter_mut().zip(keep(numbers)) {
                    values[lane] = value;
                }
            }
        }
    }
}

/// Hands over the valid samples of a list in groups, those of similar length together; with each group the places of
/// its samples in the list.
///
/// The samples may be anywhere in memory: those of the next group are asked for while one is compared.
pub fn each_group<T, const M: usize>(
    features: &Ragged<T>,
    list: &[u32],
    filler: f64,
    keep: impl Fn(&T) -> [f64; M],
    mut compare: impl FnMut(&[usize], &Group<M>),
) {
    let sample = |place: usize| features.sample(list[place] as usize);
    let mut order: Vec<usize> = (0..list.len())
        .filter(|&place| !sample(place).is_empty())
        .collect();
    order.sort_by_key(|&place| sample(place).len());
    let mut group = Group {
        rows: Vec::new(),
        targets: Vec::with_capacity(8),
    };
    for (number, places) in order.chunks(8).enumerate() {
        for &place in order.iter().skip(8 * (number + 1)).take(8) {
            simd::prefetch(sample(place));
        }
        group.targets.clear();
        group
            .targets
            .extend(places.iter().map(|&place| list[place] as usize));
        group.fill(features, filler, &keep);
        compare(places, &group);
    }
}

/// The valid samples of every [`TILE`] columns, grouped.
#[derive(Debug)]
pub struct Packed<const M: usize> {
    /// The groups, those of the first [`TILE`] columns first.
    groups: Vec<Group<M>>,
    /// Where the groups of each [`TILE`] columns start, and where the last ones end.
    starts: Vec<usize>,
    /// The number of columns.
    count: usize,
}

impl<const M: usize> Packed<M> {
    /// Groups the samples of each tile of columns; of each row `keep` is kept.
    pub fn new<T>(features: &Ragged<T>, filler: f64, keep: impl Fn(&T) -> [f64; M]) -> Self {
        let group = |targets: Vec<usize>| Group::new(features, targets, filler, &keep);
        let (mut groups, mut starts) = (Vec::new(), vec![0]);
        for tile in eights_by_length(features) {
            groups.extend(tile.into_iter().map(group));
            starts.push(groups.len());
        }
        Self {
            groups,
            starts,
            count: features.len(),
        }
    }

    /// The groups of a tile's columns, however many there are.
    ///
    /// # Panics
    /// Where the columns end elsewhere than at a multiple of [`TILE`] or with the last: a group is not divided.
    pub fn groups(&self, tile: &Tile) -> &[Group<M>] {
        let end = tile.cols.end;
        assert!(
            end.is_multiple_of(TILE) || end == self.count,
            "the columns of a tile end at a multiple of {TILE}, or with the last"
        );
        &self.groups[self.starts[tile.cols.start / TILE]..self.starts[end.div_ceil(TILE)]]
    }
}
