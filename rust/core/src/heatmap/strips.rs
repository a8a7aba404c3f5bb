//! A few rows side by side, from end to end: their sums, and what they add to the sums of columns.

use std::array::from_fn;
use std::hint::black_box;

use super::sums::{Both, GROUP};
use super::{Heatmap, Pixel};
use crate::simd::{Adding, Apart, Job, Lanes, SHIFT};

/// How far ahead pixels are prefetched: the processor does not prefetch several rows side by side by itself.
const AHEAD_BYTES: usize = 16 * 1024;

/// Rows to be added to the sums of the columns, `N` at a time.
///
/// Results go to memory that is already allocated: if a function that is not inlined is called (an
/// allocation, say), the compiler keeps live lanes in memory instead of registers.
pub struct SideBySide<'a, T, const N: usize, const LINES: bool, const CROSSED: bool> {
    pub map: &'a Heatmap<'a, T>,
    /// The first row.
    pub start: usize,
    pub cols: &'a mut [Both],
    pub cols_above: &'a mut [Both],
    pub least: &'a mut [f64; 8],
    pub ends: &'a mut [Ends<N>],
}

/// The results of `N` rows, in lanes.
#[derive(Clone, Copy)]
pub struct Ends<const N: usize> {
    pub sums: [[f64; 8]; N],
    pub by_x: [[f64; 8]; N],
}

impl<const N: usize> Ends<N> {
    pub const ZERO: Self = Self {
        sums: [[0.0; 8]; N],
        by_x: [[0.0; 8]; N],
    };
}

impl<T: Pixel, const N: usize, const LINES: bool, const CROSSED: bool> Job
    for SideBySide<'_, T, N, LINES, CROSSED>
{
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let row = |y: usize| self.map.row(y).as_chunks::<GROUP>();
        let last = self.map.height() - 1;
        let ahead = (AHEAD_BYTES / (self.map.width() * size_of::<T>())).max(N);
        for (ends, y) in self.ends.iter_mut().zip((self.start..).step_by(N)) {
            let mut strip = Strip::<T, N, LINES, CROSSED> {
                rows: from_fn(|j| row(y + j).0),
                padded: from_fn(|j| padded(row(y + j).1)),
                next: from_fn(|j| row((y + ahead + j).min(last)).0),
                cols: self.cols,
                cols_above: self.cols_above,
                least: self.least,
                ends,
            };
            L::apart(&mut strip);
        }
    }
}

/// `N` rows side by side.
struct Strip<'a, T, const N: usize, const LINES: bool, const CROSSED: bool> {
    rows: [&'a [[T; GROUP]]; N],
    /// What follows the last whole group of each row.
    padded: [[T; GROUP]; N],
    /// The rows that are prefetched meanwhile.
    next: [&'a [[T; GROUP]]; N],
    cols: &'a mut [Both],
    cols_above: &'a mut [Both],
    least: &'a mut [f64; 8],
    ends: &'a mut Ends<N>,
}

impl<T: Pixel, const N: usize, const LINES: bool, const CROSSED: bool> Apart
    for Strip<'_, T, N, LINES, CROSSED>
{
    #[inline(always)]
    fn run<S: Adding, const FROM: usize, const TO: usize>(&mut self) {
        let (groups, whole) = (self.cols.len(), self.rows[0].len());
        let (cols, last_cols) = self.cols.split_at_mut(whole);
        let (above, last_above) = self.cols_above.split_at_mut(if CROSSED { whole } else { 0 });
        let mut rows = self.rows;
        let mut next = self.next;
        for j in 0..N {
            (rows[j], next[j]) = (&rows[j][..whole], &next[j][..whole]);
        }
        let mut lines = Lines::<S, N, LINES, CROSSED, FROM, TO>::new(self.least);
        for group in 0..whole {
            let mut pixels = [&rows[0][group]; N];
            for j in 0..N {
                pixels[j] = &rows[j][group];
                if FROM == 0 {
                    S::prefetch(&next[j][group]);
                }
            }
            let above = if CROSSED { Some(&mut above[group]) } else { None };
            lines.add_group::<T>(pixels, &mut cols[group], above);
        }
        if let [cols] = &mut *last_cols {
            lines.add_group::<T>(self.padded.each_ref(), cols, last_above.first_mut());
        }
        lines.finish::<T>(groups, self.ends, self.least);
    }
}

/// The remainder of a row, padded with zeros; by a loop, because a copy would be a function call.
#[inline(always)]
fn padded<T: Pixel>(rest: &[T]) -> [T; GROUP] {
    from_fn(|k| rest.get(k).copied().unwrap_or_default())
}

/// The sums of `N` rows, as far as they have come, each in two sets of lanes, of which those from `FROM` to `TO` are used.
struct Lines<L, const N: usize, const LINES: bool, const CROSSED: bool, const FROM: usize, const TO: usize> {
    sums: [[L; N]; 2],
    /// The sums of `sums` over the groups: every pixel as often as groups follow, its own included.
    sums_of_sums: [[L; N]; 2],
    /// The smallest pixel so far if lanes have signs, else 0.
    least: L,
    /// Rows are added where the processor multiplies, columns where it adds: both at a time.
    one: L,
    shift: L,
}

#[allow(clippy::needless_range_loop)] // lanes stay out of the closures of iterators
impl<L: Adding, const N: usize, const LINES: bool, const CROSSED: bool, const FROM: usize, const TO: usize>
    Lines<L, N, LINES, CROSSED, FROM, TO>
{
    #[inline(always)]
    fn new(least: &[f64; 8]) -> Self {
        Self {
            sums: [[L::splat(0.0); N]; 2],
            sums_of_sums: [[L::splat(0.0); N]; 2],
            least: L::load(least),
            one: L::splat(black_box(1.0)),
            shift: L::splat(black_box(SHIFT)),
        }
    }

    /// Adds sixteen columns, to their own sums as well.
    #[inline(always)]
    fn add_group<T: Pixel>(&mut self, pixels: [&[T; GROUP]; N], cols: &mut Both, above: Option<&mut Both>) {
        let mut both = [[L::splat(0.0); 2]; N];
        for j in 0..N {
            both[j] = T::sixteen::<L>(pixels[j], self.shift);
        }
        let mut aboves = [L::splat(0.0); 2];
        for half in FROM..TO {
            let mut sum = both[0][half];
            for j in 1..N {
                if CROSSED {
                    aboves[half] = aboves[half].add(sum);
                }
                sum = sum.add(both[j][half]);
            }
            let so_far = L::load(&cols.0[half]);
            aboves[half] = so_far.times_plus(L::splat(N as f64), aboves[half]);
            so_far.add(sum).store(&mut cols.0[half]);
        }
        if let Some(above) = above {
            for half in FROM..TO {
                L::load(&above.0[half])
                    .add(aboves[half])
                    .store(&mut above.0[half]);
            }
        }
        for half in FROM..TO {
            for j in 0..N {
                if LINES {
                    self.sums[half][j] = both[j][half].times_plus(self.one, self.sums[half][j]);
                }
                if CROSSED {
                    let sums = self.sums[half][j];
                    self.sums_of_sums[half][j] = sums.times_plus(self.one, self.sums_of_sums[half][j]);
                }
                if T::SIGNED {
                    self.least = both[j][half].min(self.least);
                }
            }
        }
    }

    /// Notes the sums of rows of some groups: a pixel of group g is in the sums of sums groups − g times.
    #[inline(always)]
    fn finish<T: Pixel>(&self, groups: usize, ends: &mut Ends<N>, least: &mut [f64; 8]) {
        self.least.store(least);
        for half in FROM..TO {
            for j in 0..N {
                let sum = L::load(&ends.sums[j]).add(self.sums[half][j]);
                sum.store(&mut ends.sums[j]);
            }
        }
        if CROSSED {
            for half in FROM..TO {
                let mut places = [0.0; 8];
                for lane in 0..8 {
                    places[lane] = (GROUP * groups + T::place(half, lane)) as f64;
                }
                for j in 0..N {
                    let behind = L::splat(GROUP as f64).mul(self.sums_of_sums[half][j]);
                    let by_x = L::load(&places).mul(self.sums[half][j]).sub(behind);
                    L::load(&ends.by_x[j]).add(by_x).store(&mut ends.by_x[j]);
                }
            }
        }
    }
}
