//! Medians of eight lists at once, by a network of exchanges.
//!
//! Both halves of a list are sorted by Batcher's odd-even merge sort. The two middle elements of
//! the whole then follow without a last merge: of two sorted halves A and B of h elements, the h
//! smallest are min(A[i], B[h − 1 − i]), and the others the maxima.

use super::networks::{sort_8, sort_16, sort_24, sort_32};
use crate::simd::{Aligned, Lanes};

/// Five numbers, one for each dimension, of eight pairs.
pub type Five = [[f64; 8]; 5];

/// The exchanges that sort `length` elements; elements past the end count as infinite.
pub fn exchanges(length: usize) -> Vec<(u16, u16)> {
    let mut pairs = Vec::new();
    let mut block = 1;
    while block < length {
        let mut step = block;
        while step >= 1 {
            for start in (step % block..length.saturating_sub(step)).step_by(2 * step) {
                for low in start..(start + step).min(length - step) {
                    let high = low + step;
                    if low / (2 * block) == high / (2 * block) {
                        pairs.push((low as u16, high as u16));
                    }
                }
            }
            step /= 2;
        }
        block *= 2;
    }
    pairs
}

/// Half lists up to this length are sorted in registers, by the networks that are written out.
pub const IN_REGISTERS: usize = 32;

/// About as many exchanges are kept, 16 MB: enough for every length up to some hundred vectors.
const MOST_KEPT: usize = 1 << 22;

/// The exchanges for half lists of every length met so far that is too long for registers.
///
/// They are made only for lengths that occur, and all are dropped when they are too many: those of all
/// lengths up to a long one, or of many long ones, would fill the memory.
#[derive(Debug, Default)]
pub struct Networks {
    by_length: Vec<Vec<(u16, u16)>>,
    kept: usize,
}

impl Networks {
    /// The exchanges that sort a half list; none where it is sorted in registers.
    pub fn of(&mut self, half: usize) -> &[(u16, u16)] {
        if half <= IN_REGISTERS {
            return &[];
        }
        if self.by_length.len() <= half {
            self.by_length.resize_with(half + 1, Vec::new);
        }
        if self.by_length[half].is_empty() {
            let network = exchanges(half);
            if self.kept + network.len() > MOST_KEPT {
                self.by_length.fill_with(Vec::new);
                self.kept = 0;
            }
            self.kept += network.len();
            self.by_length[half] = network;
        }
        &self.by_length[half]
    }
}

/// Larger than any difference.
pub const BEYOND: f64 = 1e300;

/// The two middle elements of every lane of dimension `dimension` of `list`, which has an even
/// number of elements and may be reordered. `sort` sorts half of it.
#[inline(always)]
pub fn middle<L: Lanes>(list: &mut [Aligned<Five>], dimension: usize, sort: &[(u16, u16)]) -> [L; 2] {
    let (first, second) = list.split_at_mut(list.len() / 2);
    // Short lists are sorted in registers, which costs a third of exchanges in memory.
    macro_rules! in_registers {
        ($sort:ident, $length:expr) => {
            if first.len() <= $length {
                let a = $sort(fill::<L, { $length }>(first, dimension, BEYOND));
                let b = $sort(fill::<L, { $length }>(second, dimension, -BEYOND));
                return between(a, b);
            }
        };
    }
    in_registers!(sort_8, 8);
    in_registers!(sort_16, 16);
    in_registers!(sort_24, 24);
    in_registers!(sort_32, IN_REGISTERS);
    for part in [&mut *first, &mut *second] {
        for &(low, high) in sort {
            let (low, high) = (usize::from(low), usize::from(high));
            let a = L::load(&part[low].0[dimension]);
            let b = L::load(&part[high].0[dimension]);
            a.min(b).store(&mut part[low].0[dimension]);
            a.max(b).store(&mut part[high].0[dimension]);
        }
    }
    let mut bounds = [L::splat(-BEYOND), L::splat(BEYOND)];
    for (a, b) in first.iter().zip(second.iter().rev()) {
        bounds = narrow(bounds, L::load(&a.0[dimension]), L::load(&b.0[dimension]));
    }
    bounds
}

/// The elements of one dimension, and `rest` for those that `list` lacks. As many are added beyond
/// one end as the other half of the list adds beyond the other, so the middle stays where it is.
#[inline(always)]
fn fill<L: Lanes, const N: usize>(list: &[Aligned<Five>], dimension: usize, rest: f64) -> [L; N] {
    let mut filled = [L::splat(rest); N];
    for (slot, five) in filled.iter_mut().zip(list) {
        *slot = L::load(&five.0[dimension]);
    }
    filled
}

/// The two middle elements of two sorted halves.
#[inline(always)]
fn between<L: Lanes, const N: usize>(a: [L; N], b: [L; N]) -> [L; 2] {
    let mut bounds = [L::splat(-BEYOND), L::splat(BEYOND)];
    for k in 0..N {
        bounds = narrow(bounds, a[k], b[N - 1 - k]);
    }
    bounds
}

/// Of a pair from opposite ends of the sorted halves, the smaller belongs to the lower half of the
/// whole and the larger to the upper.
#[inline(always)]
fn narrow<L: Lanes>([lower, upper]: [L; 2], a: L, b: L) -> [L; 2] {
    [lower.max(a.min(b)), upper.min(a.max(b))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_networks_that_are_met_are_made() {
        let mut networks = Networks::default();
        assert!(networks.of(IN_REGISTERS).is_empty());
        assert_eq!(networks.kept, 0);
        for half in [33, 100, 33] {
            assert_eq!(networks.of(half), exchanges(half));
        }
        assert_eq!(networks.kept, exchanges(33).len() + exchanges(100).len());
        for half in 20_000..20_010 {
            assert!(!networks.of(half).is_empty());
            assert!(networks.kept <= MOST_KEPT);
        }
    }
}
