//! The engine for joint alignment: one query against eight targets at a time.
//!
//! Lanes of different pairs need no communication, unlike anti-diagonals of one pair, for which
//! scanpaths are too short. The targets of a tile are sorted by length, so that groups of eight need
//! little padding. Costs are added in the order of the scalar engine, so every decision is the same; a
//! pair with a tie on its path, whose rule needs the whole matrix, is left to the scalar engine.

use super::fixed::{self, Fixed};
use super::median::{BEYOND, Five, Networks, middle};
use super::{Differences, Features, Saccade};
use crate::schemes::packed::{self, Packed};
use crate::schemes::relative_difference;
use crate::simd::{Aligned, Job, Lanes};

/// dx and dy of the vectors of eight targets.
pub type Group = packed::Group<2>;

/// Groups the targets of each tile of columns.
pub fn pack(features: &Features) -> Packed<2> {
    Packed::new(features, 0.0, |vector| [vector.dx, vector.dy])
}

/// Groups the targets of a list; see [`packed::each_group`].
pub fn each_group(features: &Features, list: &[u32], compare: impl FnMut(&[usize], &Group)) {
    packed::each_group(features, list, 0.0, |vector| [vector.dx, vector.dy], compare);
}

/// From which cells a cell is reached most cheaply: bit `l` for lane `l` of the diagonal, above
/// and left neighbour.
pub type Steps = [u8; 4];

/// Memory of one thread, reused.
#[derive(Debug, Default)]
pub struct Scratch {
    costs: Vec<Aligned<[f64; 8]>>,
    pub(super) steps: Vec<Steps>,
    pub(super) fixed: fixed::Memory,
    differences: Vec<Aligned<Five>>,
    networks: Networks,
}

/// One query against one group.
pub struct OneToEight<'a> {
    /// The vectors of the query.
    pub query: &'a [Saccade],
    /// The targets.
    pub group: &'a Group,
    /// Where the vectors of the targets are.
    pub features: &'a Features,
    /// What the largest differences are.
    pub normalisers: [f64; 5],
    /// The units of fixed point, where it pays.
    pub fixed: Option<Fixed>,
    /// Memory.
    pub scratch: &'a mut Scratch,
}

impl Job for OneToEight<'_> {
    /// The dissimilarities of every lane; none where a tie was met.
    type Output = [Option<Differences>; 8];

    #[inline(always)]
    fn run<L: Lanes>(mut self) -> Self::Output {
        let lengths = self.paths::<L>();
        let five = self.medians::<L>(&lengths);
        std::array::from_fn(|lane| lengths[lane].map(|_| five.map(|dimension| dimension[lane])))
    }
}

/// Grows the buffers and never shrinks them, so that they fit the longest scanpaths.
pub fn grow<T: Clone>(memory: &mut Vec<T>, length: usize, value: T) {
    if memory.len() < length {
        memory.resize(length, value);
    }
}

/// ‖v − w‖ of one query vector and eight target vectors.
#[inline(always)]
fn distance<L: Lanes>(dx: L, dy: L, Aligned(target): &Aligned<[[f64; 8]; 2]>) -> L {
    let (x, y) = (dx.sub(L::load(&target[0])), dy.sub(L::load(&target[1])));
    x.mul(x).add(y.mul(y)).sqrt()
}

impl OneToEight<'_> {
    /// The lengths of the paths, which are in `differences`; none where a tie was met.
    #[inline(always)]
    fn paths<L: Lanes>(&mut self) -> [Option<usize>; 8] {
        if let Some(fixed) = self.fixed {
            self.align_in_fixed_point::<L>(fixed);
            let lengths = self.trace();
            let found = lengths.iter().flatten().count();
            // A single pair is aligned again by the scalar engine, as one with a tie.
            if found + 1 >= self.group.targets.len() {
                return lengths;
            }
        }
        self.align::<L>();
        self.trace()
    }

    /// Fills `steps`; see `Path::find` for the recurrence.
    #[inline(always)]
    fn align<L: Lanes>(&mut self) {
        let targets = self.group.rows.as_slice();
        let cols = targets.len();
        let Scratch { costs, steps, .. } = &mut *self.scratch;
        grow(costs, cols, Aligned([0.0; 8]));
        grow(steps, self.query.len() * cols, [0; 4]);

        let (dx, dy) = (L::splat(self.query[0].dx), L::splat(self.query[0].dy));
        let mut left = L::splat(0.0);
        left.store(&mut costs[0].0);
        for ((cost, target), step) in costs.iter_mut().zip(targets).zip(steps.iter_mut()).skip(1) {
            left = left.add(distance(dx, dy, target));
            left.store(&mut cost.0);
            *step = [0, 0, 255, 0];
        }
        for (vector, steps) in self.query.iter().zip(steps.chunks_exact_mut(cols)).skip(1) {
            let (dx, dy) = (L::splat(vector.dx), L::splat(vector.dy));
            let mut above_left = L::load(&costs[0].0);
            let mut left = above_left.add(distance(dx, dy, &targets[0]));
            left.store(&mut costs[0].0);
            steps[0] = [0, 255, 0, 0];
            for ((cost, target), step) in costs.iter_mut().zip(targets).zip(steps).skip(1) {
                let above = L::load(&cost.0);
                let best = above_left.min(above).min(left);
                *step = [
                    above_left.eq_bits(best),
                    above.eq_bits(best),
                    left.eq_bits(best),
                    0,
                ];
                left = best.add(distance(dx, dy, target));
                left.store(&mut cost.0);
                above_left = above;
            }
        }
    }

    /// Collects the differences along every lane's path; returns the lengths of the paths, none
    /// where a tie was met.
    #[inline(always)]
    fn trace(&mut self) -> [Option<usize>; 8] {
        let Scratch {
            steps, differences, ..
        } = &mut *self.scratch;
        let cols = self.group.rows.len();
        // Even, and room for the longest path.
        grow(
            differences,
            (self.query.len() + cols).next_multiple_of(2),
            Aligned([[0.0; 8]; 5]),
        );
        let mut lengths = [None; 8];
        for (lane, &target) in self.group.targets.iter().enumerate() {
            let target = self.features.sample(target);
            let (mut i, mut j) = (self.query.len() - 1, target.len() - 1);
            for (length, slot) in (1..).zip(differences.iter_mut()) {
                let five = raw_differences(&self.query[i], &target[j]);
                for (values, value) in slot.0.iter_mut().zip(five) {
                    values[lane] = value;
                }
                if (i, j) == (0, 0) {
                    lengths[lane] = Some(length);
                    break;
                }
                let bits = u32::from_le_bytes(steps[i * cols + j]) >> lane;
                let (diagonal, down, right) = (bits & 1, (bits >> 8) & 1, (bits >> 16) & 1);
                if diagonal + down + right != 1 {
                    break;
                }
                i -= (diagonal + down) as usize;
                j -= (diagonal + right) as usize;
            }
        }
        lengths
    }

    /// The median of every dimension and lane, as a share of the largest difference.
    #[inline(always)]
    fn medians<L: Lanes>(&mut self, lengths: &[Option<usize>; 8]) -> Five {
        let longest = lengths.iter().flatten().copied().max().unwrap_or(0);
        let size = longest.next_multiple_of(2);
        let Scratch {
            differences,
            networks,
            ..
        } = &mut *self.scratch;
        let list = &mut differences[..size];
        pad(list, lengths);
        let network = networks.of(size / 2);
        // Half of either middle element of an even list, the lower one of an odd list.
        let (mut of_lower, mut of_upper) = ([0.5; 8], [0.5; 8]);
        for (lane, length) in lengths.iter().enumerate() {
            if length.is_some_and(|length| length % 2 == 1) {
                (of_lower[lane], of_upper[lane]) = (1.0, 0.0);
            }
        }
        let (of_lower, of_upper) = (L::load(&of_lower), L::load(&of_upper));
        let mut medians = [[0.0; 8]; 5];
        for (dimension, median) in medians.iter_mut().enumerate() {
            let [mut lower, mut upper] = middle::<L>(list, dimension, network);
            if SQUARED[dimension] {
                (lower, upper) = (lower.sqrt(), upper.sqrt());
            }
            let mean = lower.mul(of_lower).add(upper.mul(of_upper));
            mean.div(L::splat(self.normalisers[dimension])).store(median);
        }
        medians
    }
}

/// Fills shorter lists at both ends, so that the median of each is in the middle.
#[inline(always)]
fn pad(list: &mut [Aligned<Five>], lengths: &[Option<usize>; 8]) {
    for (lane, &length) in lengths.iter().enumerate() {
        let length = length.unwrap_or(0);
        let below = (list.len() - length) / 2;
        for (extra, five) in list[length..].iter_mut().enumerate() {
            let end = if extra < below { -BEYOND } else { BEYOND };
            five.0.iter_mut().for_each(|values| values[lane] = end);
        }
    }
}

/// Whether a difference is left squared by [`raw_differences`]: the root is taken of the median.
const SQUARED: [bool; 5] = [true, false, false, true, false];

/// The five differences of the scalar engine, without roots and without branches.
#[inline(always)]
fn raw_differences(v: &Saccade, w: &Saccade) -> [f64; 5] {
    let square = |x: f64, y: f64| x * x + y * y;
    let turn = (v.angle - w.angle).abs();
    [
        square(v.dx - w.dx, v.dy - w.dy),
        turn.min(2.0 * std::f64::consts::PI - turn),
        (v.length - w.length).abs(),
        square(v.x - w.x, v.y - w.y),
        relative_difference(v.duration, w.duration),
    ]
}

/// The alignment alone, for the benchmark of its share of the time.
#[doc(hidden)]
pub struct AlignOnly<'a>(pub OneToEight<'a>);

impl Job for AlignOnly<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self) {
        match self.0.fixed {
            Some(fixed) => self.0.align_in_fixed_point::<L>(fixed),
            None => self.0.align::<L>(),
        }
    }
}
