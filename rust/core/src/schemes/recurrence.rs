//! Cross-recurrence (Anderson et al. 2015): which fixations of two scanpaths are near each other.
//! Both are cut to the length of the shorter one.

use super::nearest::stored;
use super::side_by_side::{Columns, Eight, Measure};
use crate::simd::{Aligned, Lanes};

/// The share of pairs of fixations that are within the radius: REC as a number in [0, 1].
pub struct Recurrence {
    /// How near fixations are to count, in pixels.
    pub radius_px: f64,
}

impl Measure<2, 1> for Recurrence {
    type Scratch = ();
    const FILLER: f64 = f64::INFINITY;
    const CELL_NS: f64 = 0.4;

    #[inline(always)]
    fn compare<L: Lanes>(&self, (): &mut (), row: &[[f64; 2]], columns: &Columns<2>) -> Eight<1> {
        let (zero, one) = (L::splat(0.0), L::splat(1.0));
        let most = L::splat(self.radius_px * self.radius_px);
        let lengths = L::load(&columns.lengths());
        let count = row.len().min(columns.rows.len());
        let mut points = zero;
        for (i, &[x, y]) in row[..count].iter().enumerate() {
            let (x, y) = (L::splat(x), L::splat(y));
            let mut own = zero;
            for Aligned(other) in &columns.rows[..count] {
                let (dx, dy) = (x.sub(L::load(&other[0])), y.sub(L::load(&other[1])));
                let square = dx.mul(dx).add(dy.mul(dy));
                own = own.add(zero.if_less(most, square, one));
            }
            points = points.add(own.if_less(L::splat(i as f64 + 0.5), lengths, zero));
        }
        let points = stored(points);
        [std::array::from_fn(|lane| {
            let count = row.len().min(columns.lengths[lane]) as f64;
            points[lane] / (count * count)
        })]
    }

    fn affinity(&self, [share]: [f64; 1], _: usize, _: usize) -> f64 {
        share
    }
}

/// REC, DET, LAM and CORM in percent; all but REC are NaN without a recurrence.
pub struct Quantified {
    /// How near fixations are to count, in pixels.
    pub radius_px: f64,
    /// How many successive recurrences make a line.
    pub min_line: usize,
}

/// Lengths of the lines that end in each cell of a row: along diagonals and along columns.
#[derive(Default)]
pub struct Lines {
    diagonal: Vec<usize>,
    vertical: Vec<usize>,
}

impl Measure<2, 4> for Quantified {
    type Scratch = Lines;
    const FILLER: f64 = f64::INFINITY;
    const CELL_NS: f64 = 4.0;

    #[inline(always)]
    fn compare<L: Lanes>(&self, lines: &mut Lines, row: &[[f64; 2]], columns: &Columns<2>) -> Eight<4> {
        let mut all = [[f64::NAN; 8]; 4];
        for (lane, &length) in columns.lengths.iter().enumerate() {
            let count = row.len().min(length);
            if count > 0 {
                let other = |j: usize| [0, 1].map(|axis| columns.rows[j].0[axis][lane]);
                let four = self.of(lines, &row[..count], other);
                all.iter_mut().zip(four).for_each(|(all, one)| all[lane] = one);
            }
        }
        all
    }

    fn affinity(&self, [rec, ..]: [f64; 4], _: usize, _: usize) -> f64 {
        rec / 100.0
    }
}

impl Quantified {
    /// The four numbers of `row` and as many fixations of `other`.
    fn of(&self, lines: &mut Lines, row: &[[f64; 2]], other: impl Fn(usize) -> [f64; 2]) -> [f64; 4] {
        let count = row.len();
        let most = self.radius_px * self.radius_px;
        for ends in [&mut lines.diagonal, &mut lines.vertical] {
            ends.clear();
            ends.resize(count + 1, 0);
        }
        let (mut points, mut on_diagonals, mut on_others, mut offsets) = (0, 0, 0, 0.0);
        for (i, &[x, y]) in row.iter().enumerate() {
            let (mut before, mut horizontal) = (0, 0);
            for j in 0..count {
                let [u, v] = other(j);
                let near = (x - u) * (x - u) + (y - v) * (y - v) <= most;
                let grown = |length: usize| if near { length + 1 } else { 0 };
                let diagonal = grown(std::mem::replace(&mut before, lines.diagonal[j]));
                let vertical = grown(lines.vertical[j]);
                horizontal = grown(horizontal);
                (lines.diagonal[j], lines.vertical[j]) = (diagonal, vertical);
                points += usize::from(near);
                offsets += if near { j as f64 - i as f64 } else { 0.0 };
                on_diagonals += self.new_on_line(diagonal);
                on_others += self.new_on_line(horizontal) + self.new_on_line(vertical);
            }
        }
        let (size, all) = (count as f64, points as f64);
        [
            100.0 * all / (size * size),
            100.0 * on_diagonals as f64 / all,
            100.0 * on_others as f64 / (2.0 * all),
            100.0 * offsets / ((size - 1.0) * all),
        ]
    }

    /// How many points are found to lie on a line when one of this length has grown by a point.
    fn new_on_line(&self, length: usize) -> usize {
        match length.cmp(&self.min_line) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Equal => length,
            std::cmp::Ordering::Greater => 1,
        }
    }
}
