//! Two ways to draw a view that keeps enough gaze: try and judge, or count what is admissible.

use super::sizes::{Sizes, Uniforms};
use super::table::{Count, Table};
use super::{Kind, Rectangle, Weighting, share};
use crate::heatmap::{Heatmap, Pixel};
use crate::simd::{self, Job, Lanes, Level};

/// How a box is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// The size is drawn first, then the place, uniformly among all that are admissible.
    Exact,
    /// Sizes and places are drawn until one is admissible, at most this often.
    Rejection(usize),
}

/// What happens when no box is admissible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fallback {
    /// The box that keeps most.
    Best,
    /// The image as it is.
    Whole,
}

/// Sizes that the exact method draws before it looks at all of them.
const SIZES_DRAWN: usize = 64;

/// All parameters of a view; the map and the random numbers are separate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampler {
    /// Crop or cutout.
    pub kind: Kind,
    /// What is counted.
    pub weighting: Weighting,
    /// The share to keep.
    pub min_iou: f64,
    /// The sizes of boxes.
    pub sizes: Sizes,
    /// How a box is found.
    pub method: Method,
    /// What happens when none is.
    pub fallback: Fallback,
    /// How many boxes are cut out, one after the other; 1 for a crop.
    pub boxes: usize,
}

/// A drawn view.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// The boxes, in pixels of the image.
    pub boxes: Vec<Rectangle>,
    /// The share kept.
    pub iou: f64,
    /// Sizes (exact) or boxes (rejection) that were drawn for it.
    pub tries: usize,
    /// Whether no box was admissible.
    pub fallback: bool,
    /// Whether the map has no gaze, so that everything is admissible.
    pub empty: bool,
}

impl Sampler {
    /// Draws a view; None when `uniforms` were too few, so that the caller can draw more and pass
    /// all of them again.
    pub fn sample<T: Pixel>(&self, map: &Heatmap<T>, uniforms: &[f64]) -> Option<View> {
        match self.weighting {
            Weighting::Support(support) => self.draw(Table::support(map, support), uniforms),
            Weighting::Mass => self.draw(Table::mass(map), uniforms),
        }
    }

    fn draw<C: Count>(&self, mut table: Table<C>, uniforms: &[f64]) -> Option<View> {
        let mut uniforms = Uniforms(uniforms.iter());
        let total = table.total();
        let needed = least_accepted(total, self.min_iou);
        let mut view = View {
            boxes: Vec::with_capacity(self.boxes),
            iou: 1.0,
            tries: 0,
            fallback: false,
            empty: total == C::default(),
        };
        for hole in 0..self.boxes {
            let search = Search::new(&table, self.kind, needed);
            let found = match self.method {
                Method::Exact => search.exact(&self.sizes, &mut uniforms)?,
                Method::Rejection(most) => search.reject(&self.sizes, most, &mut uniforms)?,
            };
            view.tries += found.tries;
            view.fallback |= !found.admitted;
            let rectangle = if found.admitted || self.fallback == Fallback::Best {
                found.rectangle
            } else {
                search.whole_image()
            };
            view.boxes.push(rectangle);
            let kept = search.kept(&rectangle);
            view.iou = share(kept, total);
            if hole + 1 < self.boxes {
                table.erase(&rectangle);
            }
        }
        Some(view)
    }
}

/// The smallest count whose share of `total`, as an f64, is at least `min_iou`.
fn least_accepted<C: Count>(total: C, min_iou: f64) -> C {
    if total == C::default() {
        return total;
    }
    let (mut low, mut high) = (0, total.to_i64());
    while low < high {
        let middle = low + (high - low) / 2;
        if share(C::from_i64(middle), total) >= min_iou {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    C::from_i64(low)
}

struct Found {
    rectangle: Rectangle,
    tries: usize,
    admitted: bool,
}

/// Boxes are admissible when what lies inside is at least `low` and at most `high`.
struct Search<'a, C> {
    table: &'a Table<C>,
    kind: Kind,
    low: C,
    high: C,
}

impl<'a, C: Count> Search<'a, C> {
    fn new(table: &'a Table<C>, kind: Kind, needed: C) -> Self {
        let (low, high) = match kind {
            Kind::Crop => (needed, table.total()),
            // Below 0 when earlier holes already took too much: then nothing is admissible.
            Kind::Cutout => (C::default(), table.total() - needed),
        };
        Self {
            table,
            kind,
            low,
            high,
        }
    }

    fn image(&self) -> [usize; 2] {
        [self.table.width(), self.table.height()]
    }

    fn kept(&self, rectangle: &Rectangle) -> C {
        match self.kind {
            Kind::Crop => self.table.inside(rectangle),
            Kind::Cutout => self.table.total() - self.table.inside(rectangle),
        }
    }

    fn whole_image(&self) -> Rectangle {
        let [width, height] = self.image();
        match self.kind {
            Kind::Crop => rectangle([0, 0], [width, height]),
            Kind::Cutout => [0; 4],
        }
    }

    fn admits(&self, inside: C) -> bool {
        self.low <= inside && inside <= self.high
    }

    fn reject(&self, sizes: &Sizes, most: usize, uniforms: &mut Uniforms) -> Option<Found> {
        let mut best: Option<Rectangle> = None;
        for tries in 1..=most {
            let size = sizes.draw(self.image(), uniforms)?;
            let [columns, rows] = self.places(size);
            let y = uniforms.below(rows as u64)? as usize;
            let x = uniforms.below(columns as u64)? as usize;
            let candidate = rectangle([x, y], size);
            if self.admits(self.table.inside(&candidate)) {
                return Some(Found {
                    rectangle: candidate,
                    tries,
                    admitted: true,
                });
            }
            if best.is_none_or(|best| self.kept(&candidate) > self.kept(&best)) {
                best = Some(candidate);
            }
        }
        Some(Found {
            rectangle: best.unwrap_or_else(|| self.whole_image()),
            tries: most,
            admitted: false,
        })
    }

    fn exact(&self, sizes: &Sizes, uniforms: &mut Uniforms) -> Option<Found> {
        let draws = match sizes {
            Sizes::Fixed(_) => 1,
            Sizes::Drawn { .. } => SIZES_DRAWN,
        };
        let mut counts = Vec::new();
        for tries in 1..=draws {
            let size = sizes.draw(self.image(), uniforms)?;
            let places = self.count(size, &mut counts);
            if places > 0 {
                let corner = self.pick(size, &counts, uniforms.below(places)?);
                return Some(Found {
                    rectangle: rectangle(corner, size),
                    tries,
                    admitted: true,
                });
            }
        }
        self.exhaust(sizes, draws, uniforms)
    }

    /// The last resort of [`Self::exact`]: draws uniformly among the sizes that admit a place, or
    /// reports the box that keeps most.
    ///
    /// A larger crop keeps at least as much as a smaller one in it, and a smaller cutout as a larger
    /// one around it. So of all heights of one width, those that admit a place are the upper ones
    /// for a crop, the lower ones for a cutout, and one end tells whether there are any.
    fn exhaust(&self, sizes: &Sizes, tries: usize, uniforms: &mut Uniforms) -> Option<Found> {
        let mut counts = Vec::new();
        let mut admits = |size: [usize; 2]| self.count(size, &mut counts) > 0;
        let mut admitted: Vec<[usize; 2]> = Vec::new();
        let mut ends: Vec<[usize; 2]> = Vec::new();
        for (width, heights) in sizes.drawable(self.image()) {
            let by_merit = |step: usize| match self.kind {
                Kind::Crop => [width, heights.end() - step],
                Kind::Cutout => [width, heights.start() + step],
            };
            ends.push(by_merit(0));
            let (mut low, mut high) = (0, heights.end() - heights.start() + 1);
            if !admits(by_merit(0)) {
                continue;
            }
            while low < high {
                let middle = low + (high - low) / 2;
                if admits(by_merit(middle)) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            admitted.extend((0..low).map(by_merit));
        }
        if admitted.is_empty() {
            let best = ends.into_iter().map(|size| self.best(size));
            let best = best.reduce(|best, other| {
                if self.kept(&other) > self.kept(&best) {
                    other
                } else {
                    best
                }
            });
            return Some(Found {
                rectangle: best.unwrap_or_else(|| self.whole_image()),
                tries,
                admitted: false,
            });
        }
        let size = admitted[uniforms.below(admitted.len() as u64)? as usize];
        let places = self.count(size, &mut counts);
        let corner = self.pick(size, &counts, uniforms.below(places)?);
        Some(Found {
            rectangle: rectangle(corner, size),
            tries: tries + 1,
            admitted: true,
        })
    }

    /// Columns and rows where the upper left corner can be.
    fn places(&self, size: [usize; 2]) -> [usize; 2] {
        let image = self.image();
        [image[0] - size[0] + 1, image[1] - size[1] + 1]
    }

    /// Counts admissible places, row by row into `counts`; returns their number.
    fn count(&self, size: [usize; 2], counts: &mut Vec<u32>) -> u64 {
        simd::run(Level::best(), Counting(self, size, counts))
    }

    /// The box's rows across the whole image, and its columns, bound what lies inside: where these
    /// bounds decide, no place is looked at.
    #[inline(always)]
    fn count_here(&self, size: [usize; 2], counts: &mut Vec<u32>) -> u64 {
        let [columns, rows] = self.places(size);
        counts.clear();
        if self.high < C::default() {
            return 0;
        }
        let nothing_needed = self.low <= C::default();
        let decided = |most: C| {
            if nothing_needed {
                most <= self.high
            } else {
                most < self.low
            }
        };
        let undecided = |&x: &usize| !decided(self.table.column_strip(x..x + size[0]));
        let first = (0..columns).find(undecided).unwrap_or(columns);
        let last = (first..columns).rfind(undecided).map_or(first, |x| x + 1);
        let sure = if nothing_needed {
            columns - (last - first)
        } else {
            0
        };
        let mut places = 0;
        for y in 0..rows {
            let count = if decided(self.table.strip(y..y + size[1])) {
                if nothing_needed { columns } else { 0 }
            } else {
                let inside = self.table.along(y..y + size[1], first..last, size[0]);
                // Without exits, so that it compiles to vector code.
                sure + inside
                    .map(|inside| u32::from((inside >= self.low) & (inside <= self.high)))
                    .sum::<u32>() as usize
            };
            counts.push(count as u32);
            places += count as u64;
        }
        places
    }

    /// The admissible place number `index`, in rows from the top.
    fn pick(&self, size: [usize; 2], counts: &[u32], mut index: u64) -> [usize; 2] {
        let mut y = 0;
        while index >= u64::from(counts[y]) {
            index -= u64::from(counts[y]);
            y += 1;
        }
        let admissible = |&x: &usize| self.admits(self.table.inside(&rectangle([x, y], size)));
        let x = (0..self.places(size)[0]).filter(admissible).nth(index as usize);
        [x.unwrap_or_default(), y]
    }

    /// The first box of this size, in rows from the top, that keeps most.
    fn best(&self, size: [usize; 2]) -> Rectangle {
        let [columns, rows] = self.places(size);
        let merit = |inside: C| match self.kind {
            Kind::Crop => inside,
            Kind::Cutout => self.table.total() - inside,
        };
        let line = |y: usize| self.table.along(y..y + size[1], 0..columns, size[0]).map(merit);
        let of_row =
            |y: usize| line(y).fold(C::default(), |most, kept| if kept > most { kept } else { most });
        let (mut y, mut most) = (0, of_row(0));
        for row in 1..rows {
            let kept = of_row(row);
            if kept > most {
                (y, most) = (row, kept);
            }
        }
        let x = line(y).position(|kept| kept == most);
        rectangle([x.unwrap_or_default(), y], size)
    }
}

/// A [`simd::Job`] only so that this plain code is compiled for every instruction set.
struct Counting<'a, 'b, C>(&'a Search<'b, C>, [usize; 2], &'a mut Vec<u32>);

impl<C: Count> Job for Counting<'_, '_, C> {
    type Output = u64;

    #[inline(always)]
    fn run<L: Lanes>(self) -> u64 {
        self.0.count_here(self.1, self.2)
    }
}

fn rectangle([x, y]: [usize; 2], [width, height]: [usize; 2]) -> Rectangle {
    [x, y, x + width, y + height].map(|side| side as i64)
}
