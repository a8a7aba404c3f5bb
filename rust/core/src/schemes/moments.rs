//! Gaze moments (McGIP, eq. 2 and 3): the mass of a map and its spread.

use crate::heatmap::{Heatmap, Interpolation, Pixel, Profiles, profiles, resize, total, unchecked_profiles};
use crate::pairwise::{Bounded, Kernel, ListKernel, RowKernel, Tile};
use crate::scanpath::row;
use crate::simd::{self, Columns, Job, Lanes, Level, Line, Lines};
use crate::{Error, Result};

/// The affinity of two maps of one size. For more than two, see [`Affinity`].
///
/// # Errors
/// [`Error::Value`] for a pixel that is negative or not finite, [`Error::Argument`] where the sizes differ: moments
/// are in pixels.
pub fn affinity<T: Pixel, U: Pixel>(a: &Heatmap<T>, b: &Heatmap<U>, alpha: f64) -> Result<f32> {
    a.check("heatmaps", 0)?;
    b.check("heatmaps", 1)?;
    let size = |height: usize, width: usize| format!("a map of {height} x {width} pixels");
    if (a.height(), a.width()) != (b.height(), b.width()) {
        let expected = size(a.height(), a.width());
        return Err(Error::argument(
            "the second map",
            size(b.height(), b.width()),
            expected,
        ));
    }
    Ok(Affinity::new(&[moments(a)], &[moments(b)], alpha).pair(0, 0))
}

/// The smallest mass that counts as mass: quotients by it stay finite.
pub const MIN_MASS: f64 = 1e-200;

row! {
    /// The gaze moments of a map; both 0 for a map without mass, which is invalid.
    Moments, 2:
    /// μ00, the sum of all pixels.
    mass,
    /// φ1 = (μ20 + μ02) / μ00², from central moments in pixel units.
    spread
}

/// Computes the gaze moments of a map that has been checked.
///
/// Sums over columns and over rows are enough: both second moments are taken about the exact
/// centre, so nothing cancels, and the map is read once.
pub fn moments<T: Pixel>(map: &Heatmap<T>) -> Moments {
    of_profiles(&profiles::<T, false>(map))
}

/// As [`moments`], of an unchecked map; `None` unless all pixels are proven valid.
pub fn unchecked_moments<T: Pixel>(map: &Heatmap<T>) -> Option<Moments> {
    unchecked_profiles::<T, false>(map).map(|profiles| of_profiles(&profiles))
}

fn of_profiles(Profiles { rows, cols, .. }: &Profiles) -> Moments {
    let mass = total(cols);
    if mass < MIN_MASS {
        return Moments::default();
    }
    let spread = |profile| about::<2>(profile, centre(profile, mass));
    Moments {
        mass,
        spread: (spread(rows) + spread(cols)) / mass / mass,
    }
}

/// As [`moments`], of the map resized to `size` rows and columns (bilinear, as the released code).
///
/// # Errors
/// As [`resize`].
pub fn moments_resized<T: Pixel>(map: &Heatmap<T>, size: [usize; 2]) -> Result<Moments> {
    let small = resize(map, size[0], size[1], Interpolation::Bilinear)?;
    Ok(moments(&Heatmap::new(&small, size[0], size[1])))
}

fn centre(profile: &[f64], mass: f64) -> f64 {
    about::<1>(profile, 0.0) / mass
}

/// Σ (k − centre)^ORDER · profile\[k\], as eight sums side by side.
fn about<const ORDER: i32>(profile: &[f64], centre: f64) -> f64 {
    let places = std::array::from_fn(|k| k as f64);
    simd::run(
        Level::best(),
        About::<ORDER> {
            profile,
            centre,
            places,
        },
    )
}

struct About<'a, const ORDER: i32> {
    profile: &'a [f64],
    centre: f64,
    /// 0 to 7.
    places: [f64; 8],
}

impl<const ORDER: i32> Job for About<'_, ORDER> {
    type Output = f64;

    #[inline(always)]
    fn run<L: Lanes>(self) -> f64 {
        let (eights, rest) = self.profile.as_chunks::<8>();
        let mut last = [0.0; 8];
        last[..rest.len()].copy_from_slice(rest);
        let mut offset = L::load(&self.places).sub(L::splat(self.centre));
        let mut sums = L::splat(0.0);
        for eight in eights.iter().chain([&last]) {
            let mut values = L::load(eight);
            for _ in 0..ORDER {
                values = values.mul(offset);
            }
            sums = sums.add(values);
            offset = offset.add(L::splat(8.0));
        }
        let mut lanes = [0.0; 8];
        sums.store(&mut lanes);
        lanes.iter().sum()
    }
}

/// The seven Hu invariants (Hu 1962), NaN for a map without mass.
pub fn hu_moments<T: Pixel>(map: &Heatmap<T>) -> [f64; 7] {
    hu_of_profiles(&profiles::<T, true>(map))
}

/// As [`hu_moments`], of an unchecked map; `None` unless all pixels are proven valid.
pub fn unchecked_hu_moments<T: Pixel>(map: &Heatmap<T>) -> Option<[f64; 7]> {
    unchecked_profiles::<T, true>(map).map(|profiles| hu_of_profiles(&profiles))
}

/// Each profile gives the moments along its own axis; row sums weighted by x and column sums weighted by y
/// give the moments with one coordinate to the first power.
fn hu_of_profiles(profiles: &Profiles) -> [f64; 7] {
    let Profiles { rows, cols, .. } = profiles;
    let mass = total(cols);
    if mass < MIN_MASS {
        return [f64::NAN; 7];
    }
    let (x0, y0) = (centre(cols, mass), centre(rows, mass));
    let centred = |sums: &[f64], by: &[f64], centre: f64| -> Vec<f64> {
        sums.iter().zip(by).map(|(sum, by)| by - centre * sum).collect()
    };
    let by_y = centred(cols, &profiles.cols_by_y, y0);
    let by_x = centred(rows, &profiles.rows_by_x, x0);
    // Scale-free: η_pq = μ_pq / μ00^(1 + (p + q) / 2).
    let second = |moment: f64| moment / (mass * mass);
    let third = |moment: f64| moment / (mass * mass) / mass.sqrt();
    hu_from_normalised(
        [about::<2>(cols, x0), about::<1>(&by_y, x0), about::<2>(rows, y0)].map(second),
        [
            about::<3>(cols, x0),
            about::<2>(&by_y, x0),
            about::<2>(&by_x, y0),
            about::<3>(rows, y0),
        ]
        .map(third),
    )
}

fn hu_from_normalised([n20, n11, n02]: [f64; 3], [n30, n21, n12, n03]: [f64; 4]) -> [f64; 7] {
    let (a, b) = (n30 + n12, n21 + n03);
    let (c, d) = (n30 - 3.0 * n12, 3.0 * n21 - n03);
    let (p, q) = (a * a - 3.0 * b * b, 3.0 * a * a - b * b);
    let difference = n20 - n02;
    [
        n20 + n02,
        difference * difference + 4.0 * n11 * n11,
        c * c + d * d,
        a * a + b * b,
        c * a * p + d * b * q,
        difference * (a * a - b * b) + 4.0 * n11 * a * b,
        d * a * p - c * b * q,
    ]
}

/// α(1 − δ(μ00)) + (1 − α)(1 − δ(φ1)); 0 where a map has no mass.
///
/// 1 − δ(a, b) is min(a, b) / max(a, b), and α of it the smaller of a · (α/b) and b · (α/a): no
/// division per pair, and the same number for (b, a).
pub struct Affinity {
    rows: Vec<Factors>,
    count: usize,
    /// The four factors of the columns, each side by side.
    cols: [Lines<f64>; 4],
    alpha: f64,
    level: Level,
}

/// μ00, α/μ00, φ1, (1 − α)/φ1; zeros for a map without mass, which makes all its affinities 0.
type Factors = [f64; 4];

/// Keeps the reciprocal of a spread of 0 finite; spreads below it count as 0.
const MIN_SPREAD: f64 = 1e-300;

fn factors(Moments { mass, spread }: Moments, alpha: f64) -> Factors {
    // Features of maps have no smaller mass and no larger spread; their products would not be finite.
    if mass < MIN_MASS {
        return [0.0; 4];
    }
    let spread = spread.clamp(MIN_SPREAD, 1.0 / MIN_SPREAD);
    [mass, alpha / mass, spread, (1.0 - alpha) / spread]
}

impl Affinity {
    /// Compares the maps of `rows` with those of `cols`; `alpha` weighs the mass.
    pub fn new(rows: &[Moments], cols: &[Moments], alpha: f64) -> Self {
        Self::at_level(rows, cols, alpha, Level::best())
    }

    /// As [`Affinity::new`], with the lanes of `level`.
    pub fn at_level(rows: &[Moments], cols: &[Moments], alpha: f64, level: Level) -> Self {
        let mut columns = [(); 4].map(|()| Lines::zeros(cols.len()));
        for (index, &one) in cols.iter().enumerate() {
            for (column, factor) in columns.iter_mut().zip(factors(one, alpha)) {
                column.set(index, factor);
            }
        }
        Self {
            rows: rows.iter().map(|&one| factors(one, alpha)).collect(),
            count: cols.len(),
            cols: columns,
            alpha,
            level,
        }
    }

    /// Compares map `i` of the rows with map `j` of the columns.
    pub fn pair(&self, i: usize, j: usize) -> f32 {
        let (a, b) = (&self.rows[i], self.cols.each_ref().map(|column| column.get(j)));
        let mass = (a[0] * b[1]).min(b[0] * a[1]);
        let spread = (a[2] * b[3]).min(b[2] * a[3]);
        (mass + spread) as f32
    }
}

impl Kernel for Affinity {
    type Output = f32;
    type Scratch = ();

    fn shape(&self) -> (usize, usize) {
        (self.rows.len(), self.count)
    }

    fn estimated_ns(&self) -> f64 {
        0.25 * self.rows.len() as f64 * self.count as f64
    }

    fn scratch(&self) {}
}

impl RowKernel for Affinity {
    fn row(&self, (): &mut (), i: usize, first: usize, line: &mut [f32], streams: bool) {
        let columns = OneToMany {
            row: self.rows[i],
            first,
            others: &self.cols,
        };
        simd::run(
            self.level,
            Line {
                columns,
                line,
                streams,
            },
        );
    }
}

impl ListKernel for Affinity {
    fn list(&self, (): &mut (), i: usize, cols: &[u32], values: &mut [f32]) {
        for (value, &j) in values.iter_mut().zip(cols) {
            *value = self.pair(i, j as usize);
        }
    }
}

impl Bounded for Affinity {
    /// The affinity if the spreads were equal and the masses as near as their ranges allow.
    fn bound(&self, tile: &Tile) -> f32 {
        let mut rows = self.rows[tile.rows.clone()].iter().map(|row| row[0]);
        let cols = &self.cols[0].from(tile.cols.start)[..tile.cols.len()];
        let (low, high) = range(&mut rows);
        let (from, to) = range(&mut cols.iter().copied().filter(|mass| *mass > 0.0));
        let nearest = if high < from {
            high / from
        } else if to < low {
            to / low
        } else {
            1.0
        };
        // Slightly larger than exact, so that a rounded affinity does not exceed it.
        ((self.alpha * nearest + (1.0 - self.alpha)) * (1.0 + 1e-6)) as f32
    }
}

fn range(numbers: &mut dyn Iterator<Item = f64>) -> (f64, f64) {
    numbers.fold((f64::INFINITY, 0.0), |(low, high), number| {
        (number.min(low), number.max(high))
    })
}

/// One map against those from `first` on.
struct OneToMany<'a> {
    row: Factors,
    first: usize,
    others: &'a [Lines<f64>; 4],
}

impl<'a> Columns for OneToMany<'a> {
    type Eight = [&'a [f64; 8]; 4];

    #[inline(always)]
    fn groups(&self, first: usize) -> impl Iterator<Item = Self::Eight> {
        let [b, per_b, c, per_c] = self
            .others
            .each_ref()
            .map(|column| column.eights(self.first + first).iter());
        let factors = b.zip(per_b).zip(c.zip(per_c));
        factors.map(|((b, per_b), (c, per_c))| [b, per_b, c, per_c])
    }

    #[inline(always)]
    fn row<L: Lanes>(&self) -> [L; 4] {
        let [mass, per_mass, spread, per_spread] = self.row;
        [
            L::splat(mass),
            L::splat(per_mass),
            L::splat(spread),
            L::splat(per_spread),
        ]
    }

    #[inline(always)]
    fn compare<L: Lanes>(&self, row: &[L; 4], [b, per_b, c, per_c]: Self::Eight) -> L {
        let [mass, per_mass, spread, per_spread] = row;
        let masses = mass.mul(L::load(per_b)).min(per_mass.mul(L::load(b)));
        let spreads = spread.mul(L::load(per_c)).min(per_spread.mul(L::load(c)));
        masses.add(spreads)
    }
}
