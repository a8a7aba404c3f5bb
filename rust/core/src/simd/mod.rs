//! Eight f64 lanes on whatever the processor has, chosen at run time.
//!
//! `std::arch` rather than a crate: the kernels need few operations, among them one that portable
//! wrappers leave out or make slow, namely a comparison of eight lanes as the bits of one byte.
//!
//! All unsafe code of vectorisation is here, for two reasons only: an intrinsic may be called where
//! its instruction set is known to exist, which [`Level`] guarantees because it is made by
//! detection alone; and unaligned loads and stores take pointers, which come from arrays of the
//! right size. Everything below a [`Job`] is `inline(always)` and keeps lanes out of closures, which
//! cannot be: only what ends up inside the function at the root is compiled with its instructions.
#![allow(unsafe_code)]

mod level;
mod narrow;
#[cfg(target_arch = "aarch64")]
mod neon;
pub mod nibbles;
#[cfg(target_arch = "x86_64")]
mod x86;
#[cfg(target_arch = "x86_64")]
mod x86_half;
#[cfg(target_arch = "x86_64")]
mod x86_narrow;

use level::Set;
pub use level::{Cap, Level, set_cap};
pub use narrow::{Narrow, Whole};
use nibbles::{BLOCK, Block};

/// Eight lanes of f64 that are summed. Operations are those of IEEE 754 on every level, so results do not depend on
/// the processor.
pub trait Adding: Copy {
    /// All lanes the same.
    fn splat(value: f64) -> Self;
    /// Lane `l` is `values[l]`.
    fn load(values: &[f64; 8]) -> Self;
    /// Sixteen numbers of single precision, those at even places and those at odd ones, divided by
    /// [`REBASE`]: exact, and cheaper than a conversion, because the bits are only moved to where
    /// double precision has them. The sign becomes a part of the exponent: numbers below 0, -0, NaN
    /// and infinities come out as no less than 2^128 divided by [`REBASE`]. `shift` is [`SHIFT`].
    fn load_rebased(values: &[f32; 16], shift: Self) -> [Self; 2];
    /// Prefetches a cache line into the second-level cache.
    fn prefetch<T>(value: &T);
    /// Writes lane `l` to `values[l]`.
    fn store(self, values: &mut [f64; 8]);
    /// Sum.
    fn add(self, other: Self) -> Self;
    /// Difference.
    fn sub(self, other: Self) -> Self;
    /// Product.
    fn mul(self, other: Self) -> Self;
    /// `self` · `factor` + `other`, for factors that are powers of two: then the product is exact, and
    /// the sum the same whether it is rounded once or twice. With a factor of 1 that the compiler
    /// cannot see, an addition where the processor multiplies, beside those where it adds.
    fn times_plus(self, factor: Self, other: Self) -> Self;
    /// The smaller; of numbers, not NaN.
    fn min(self, other: Self) -> Self;
}

/// Work on sets of lanes that never meet, and of which each ends up where it began.
pub trait Apart {
    /// Does it for the sets from `FROM` to `TO`, for those lanes that `S` has.
    fn run<S: Adding, const FROM: usize, const TO: usize>(&mut self);
}

/// All that is done with eight lanes.
pub trait Lanes: Adding {
    /// Eight numbers of 32 bits.
    type Narrow: Narrow;
    /// Lane `l` is `values[l]`.
    fn load_f32(values: &[f32; 8]) -> Self;
    /// Writes lane `l`, rounded to single precision, to `values[l]`.
    fn store_f32(self, values: &mut [f32; 8]);
    /// As [`Lanes::store_f32`], but past the caches where the processor can and `values` lies on a
    /// multiple of 32 bytes; [`fence`] makes it visible to other threads.
    fn stream_f32(self, values: &mut [f32; 8]) {
        self.store_f32(values);
    }
    /// Quotient.
    fn div(self, other: Self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// The larger; of numbers, not NaN.
    fn max(self, other: Self) -> Self;
    /// This where `a` is less than `b`, else `otherwise`.
    fn if_less(self, a: Self, b: Self, otherwise: Self) -> Self;
    /// Bit `l` says whether lane `l` is equal.
    fn eq_bits(self, other: Self) -> u8;
    /// Bit `l` says whether lane `l` is at least as large.
    fn reach_bits(self, other: Self) -> u8;
    /// Lane `l` is the number of bits that `word` and `words[l]` have in common.
    fn common_bits(word: u64, words: &[u64; 8]) -> Self;
    /// As [`nibbles::count`].
    #[inline(always)]
    fn count_nibbles(word: u64, block: &Block, counts: &mut [u8; BLOCK]) {
        nibbles::count(word, block, counts);
    }
    /// Bit `l` says whether number `l` is at least `least`.
    #[inline(always)]
    fn reaching(counts: &[u8; 32], least: u8) -> u32 {
        let reaches = |(l, &count): (usize, &u8)| u32::from(count >= least) << l;
        counts.iter().enumerate().map(reaches).sum()
    }
    /// Does work on two sets of lanes at once, or where that takes more registers than there are, part by part.
    #[inline(always)]
    fn apart<W: Apart>(work: &mut W) {
        work.run::<Self, 0, 2>();
    }
}

/// Makes what this thread has streamed visible to other threads before anything it does next.
pub fn fence() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is part of x86-64.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}

/// Prefetches values that will be read soon; does nothing on processors other than x86-64.
#[inline(always)]
pub fn prefetch<T>(values: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for line in (0..size_of_val(values)).step_by(64) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: SSE is part of x86-64, and the place lies inside the values.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(values.as_ptr().cast::<i8>().add(line)) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

/// A value aligned to a cache line: a load of eight lanes that crosses lines costs two.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[repr(C, align(64))]
pub struct Aligned<T>(pub T);

/// A list of numbers of eight bytes that starts on a cache line.
#[derive(Debug, Clone)]
pub struct Lines<T>(Vec<Aligned<[T; 8]>>);

impl<T: Copy + Default> Lines<T> {
    /// At least `count` numbers and eight more, all of them zero.
    pub fn zeros(count: usize) -> Self {
        Self(vec![Aligned([T::default(); 8]); count.div_ceil(8) + 1])
    }

    /// Replaces number `index`.
    pub fn set(&mut self, index: usize, value: T) {
        self.0[index / 8].0[index % 8] = value;
    }

    /// Number `index`.
    pub fn get(&self, index: usize) -> T {
        self.0[index / 8].0[index % 8]
    }

    /// Numbers `first` to `first` + 8, those eight positions later, and so on.
    #[inline(always)]
    pub fn eights(&self, first: usize) -> &[[T; 8]] {
        self.from(first).as_chunks().0
    }

    /// All numbers from `first` on.
    pub fn from(&self, first: usize) -> &[T] {
        const { assert!(size_of::<Aligned<[T; 8]>>() == 8 * size_of::<T>()) };
        // SAFETY: the lines are stored one after the other, and by the line above without gaps.
        let all = unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast::<T>(), 8 * self.0.len()) };
        &all[first..]
    }
}

/// Computes a line of a matrix from left to right. Must be `inline(always)`.
pub trait Columns {
    /// What eight columns are computed from.
    type Eight;
    /// Groups of eight columns from `first` on, the last of which may reach beyond the end.
    fn groups(&self, first: usize) -> impl Iterator<Item = Self::Eight>;
    /// The row's side of a comparison.
    fn row<L: Lanes>(&self) -> [L; 4];
    /// The values of eight columns.
    fn compare<L: Lanes>(&self, row: &[L; 4], eight: Self::Eight) -> L;
}

/// A line of a matrix to be filled.
pub struct Line<'a, C> {
    /// The computation.
    pub columns: C,
    /// The cells.
    pub line: &'a mut [f32],
    /// Whether past the caches; see [`Lanes::stream_f32`].
    pub streams: bool,
}

impl<C: Columns> Job for Line<'_, C> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        // Whole cache lines are written at once: half a line past the caches costs as much as two.
        let before = if self.streams {
            self.line.as_ptr().align_offset(64).min(self.line.len())
        } else {
            0
        };
        let (head, line) = self.line.split_at_mut(before);
        let (whole, tail) = line.as_chunks_mut::<8>();
        let (columns, row) = (&self.columns, self.columns.row::<L>());
        fill_part(columns, &row, 0, head);
        fill_part(columns, &row, before + 8 * whole.len(), tail);
        let groups = columns.groups(before).zip(whole);
        if self.streams {
            for (eight, values) in groups {
                columns.compare(&row, eight).stream_f32(values);
            }
        } else {
            for (eight, values) in groups {
                columns.compare(&row, eight).store_f32(values);
            }
        }
    }
}

/// Fills fewer cells than lanes, or not many more.
#[inline(always)]
fn fill_part<L: Lanes, C: Columns>(columns: &C, row: &[L; 4], first: usize, part: &mut [f32]) {
    for (cells, eight) in part.chunks_mut(8).zip(columns.groups(first)) {
        let mut values = [0.0; 8];
        columns.compare(row, eight).store_f32(&mut values);
        cells.copy_from_slice(&values[..cells.len()]);
    }
}

/// What single precision is divided by where its bits stand for double precision: 2 to the
/// difference of the exponents' offsets, 1023 - 127.
pub const REBASE: f64 = f64::from_bits((1023 + 896) << 52);

/// Lanes that make the whole numbers in their bits 2^29 times as large when they are multiplied by it:
/// a shift by multiplication, because the units that shift are also those that add. To be hidden from
/// the compiler, which would make a shift of it.
pub const SHIFT: f64 = f64::from_bits(1 << 29);

/// Work that is generic over the lanes. Implementations must be `inline(always)` throughout.
pub trait Job {
    /// What it returns.
    type Output;
    /// Does it.
    fn run<L: Lanes>(self) -> Self::Output;
}

/// Does the work with the instructions of `level`.
pub fn run<J: Job>(level: Level, job: J) -> J::Output {
    match level.0 {
        Set::Scalar | Set::Portable => job.run::<Portable>(),
        // SAFETY: a level is made by `Level::of` alone, which has detected the instruction set.
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 => unsafe { x86::avx2(job) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Set::Avx512 => unsafe { x86::avx512(job) },
    }
}

/// Plain arrays: what the compiler makes of them (two lanes at a time on baseline x86-64 and Arm).
#[derive(Clone, Copy)]
pub struct Portable([f64; 8]);

impl Portable {
    #[inline(always)]
    fn zip(self, other: Self, of: impl Fn(f64, f64) -> f64) -> Self {
        Self(std::array::from_fn(|l| of(self.0[l], other.0[l])))
    }
}

impl Adding for Portable {
    #[inline(always)]
    fn splat(value: f64) -> Self {
        Self([value; 8])
    }
    #[inline(always)]
    fn load(values: &[f64; 8]) -> Self {
        Self(*values)
    }
    #[inline(always)]
    fn load_rebased(values: &[f32; 16], _: Self) -> [Self; 2] {
        let rebased = |value: f32| f64::from_bits(u64::from(value.to_bits()) << 29);
        [0, 1].map(|odd| Self(std::array::from_fn(|l| rebased(values[2 * l + odd]))))
    }
    #[inline(always)]
    fn prefetch<T>(_: &T) {}
    #[inline(always)]
    fn store(self, values: &mut [f64; 8]) {
        *values = self.0;
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }
    #[inline(always)]
    fn times_plus(self, factor: Self, other: Self) -> Self {
        self.mul(factor).add(other)
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        #[cfg(target_arch = "aarch64")]
        return Self(neon::smaller(&self.0, &other.0));
        #[cfg(not(target_arch = "aarch64"))]
        self.zip(other, |a, b| if a < b { a } else { b })
    }
}

impl Lanes for Portable {
    type Narrow = narrow::Floats;

    #[inline(always)]
    fn load_f32(values: &[f32; 8]) -> Self {
        Self(values.map(f64::from))
    }
    #[inline(always)]
    fn store_f32(self, values: &mut [f32; 8]) {
        *values = self.0.map(|value| value as f32);
    }
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        self.zip(other, |a, b| a / b)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(self.0.map(f64::sqrt))
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        #[cfg(target_arch = "aarch64")]
        return Self(neon::larger(&self.0, &other.0));
        #[cfg(not(target_arch = "aarch64"))]
        self.zip(other, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn if_less(self, a: Self, b: Self, otherwise: Self) -> Self {
        let lane = |l: usize| {
            if a.0[l] < b.0[l] {
                self.0[l]
            } else {
                otherwise.0[l]
            }
        };
        Self(std::array::from_fn(lane))
    }
    #[inline(always)]
    fn eq_bits(self, other: Self) -> u8 {
        (0..8).fold(0, |bits, l| bits | (u8::from(self.0[l] == other.0[l]) << l))
    }
    #[inline(always)]
    fn reach_bits(self, other: Self) -> u8 {
        (0..8).fold(0, |bits, l| bits | (u8::from(self.0[l] >= other.0[l]) << l))
    }
    #[inline(always)]
    fn common_bits(word: u64, words: &[u64; 8]) -> Self {
        Self(words.map(|other| f64::from((word & other).count_ones())))
    }
}
