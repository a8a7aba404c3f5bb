//! The sizes that boxes can have, and how they are drawn.

use std::ops::RangeInclusive;

use super::Rectangle;

/// Uniform numbers in [0, 1), used up from the front.
#[derive(Debug)]
pub struct Uniforms<'a>(pub std::slice::Iter<'a, f64>);

impl Uniforms<'_> {
    /// The next number, or None when the caller must pass more.
    pub fn next(&mut self) -> Option<f64> {
        self.0.next().copied()
    }

    /// A whole number from 0 to `count` − 1.
    pub fn below(&mut self, count: u64) -> Option<u64> {
        let index = (self.next()? * count as f64) as u64;
        Some(index.min(count.saturating_sub(1)))
    }
}

/// How often a size is drawn anew when it does not fit into the image, as in torchvision.
const TRIES_TO_FIT: usize = 10;

/// How many uniform numbers [`Sizes::crop`] takes: two for each try, and two for the place.
pub const CROP_UNIFORMS: usize = 2 * TRIES_TO_FIT + 2;

/// Which boxes are drawn, in pixels as width and height.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sizes {
    /// Always this one; it fits into the image.
    Fixed([usize; 2]),
    /// As torchvision's RandomResizedCrop draws them.
    Drawn {
        /// Smallest and largest share of the image's area.
        scale: [f64; 2],
        /// Smallest and largest width / height.
        ratio: [f64; 2],
    },
}

impl Sizes {
    /// Draws a size that fits into an `image` of width and height.
    pub fn draw(&self, image: [usize; 2], uniforms: &mut Uniforms) -> Option<[usize; 2]> {
        let ratio = match *self {
            Self::Fixed(size) => return Some(size),
            Self::Drawn { ratio, .. } => ratio,
        };
        Some(
            self.fitting(image, uniforms)?
                .unwrap_or_else(|| largest(image, ratio)),
        )
    }

    /// Draws a crop of an `image` of width and height as torchvision's RandomResizedCrop does, whatever
    /// lies in it: a size, then its place; where no drawn size fits, the largest box in the middle.
    ///
    /// The place is drawn with the last two numbers, however many tries the size took.
    pub fn crop(&self, image: [usize; 2], uniforms: &[f64; CROP_UNIFORMS]) -> Rectangle {
        let (tries, place) = uniforms.split_at(2 * TRIES_TO_FIT);
        let fitting = self.fitting(image, &mut Uniforms(tries.iter())).flatten();
        let size = match (fitting, *self) {
            (Some(size), _) | (None, Self::Fixed(size)) => size,
            (None, Self::Drawn { ratio, .. }) => largest(image, ratio),
        };
        let mut place = Uniforms(place.iter());
        let mut start = |axis: usize| {
            let room = image[axis] - size[axis];
            let drawn = place.below(room as u64 + 1).unwrap_or(0);
            if fitting.is_some() {
                drawn as i64
            } else {
                (room / 2) as i64
            }
        };
        let (x, y) = (start(0), start(1));
        [x, y, x + size[0] as i64, y + size[1] as i64]
    }

    /// A drawn size that fits, or None where none of the tries does; nothing when numbers ran out.
    fn fitting(&self, image: [usize; 2], uniforms: &mut Uniforms) -> Option<Option<[usize; 2]>> {
        let (scale, ratio) = match *self {
            Self::Fixed(size) => return Some(Some(size)),
            Self::Drawn { scale, ratio } => (scale, ratio),
        };
        let area = (image[0] * image[1]) as f64;
        let between = |[low, high]: [f64; 2], share: f64| low + share * (high - low);
        for _ in 0..TRIES_TO_FIT {
            let target = area * between(scale, uniforms.next()?);
            let aspect = between(ratio.map(f64::ln), uniforms.next()?).exp();
            let sides = [(target * aspect).sqrt(), (target / aspect).sqrt()].map(round);
            if (0..2).all(|axis| (1..=image[axis]).contains(&sides[axis])) {
                return Some(Some(sides));
            }
        }
        Some(None)
    }

    /// Every size that can be drawn: widths with their heights. The size that is used when nothing fits comes last,
    /// even if it is listed before.
    pub fn drawable(&self, image: [usize; 2]) -> Vec<(usize, RangeInclusive<usize>)> {
        let (scale, ratio) = match *self {
            Self::Fixed([width, height]) => return vec![(width, height..=height)],
            Self::Drawn { scale, ratio } => (scale, ratio),
        };
        let area = (image[0] * image[1]) as f64;
        let products = scale.map(|share| share * area);
        let mut sizes: Vec<_> = (1..=image[0])
            .filter_map(|width| {
                let mut fits = (1..=image[1]).filter(|&height| reachable([width, height], products, ratio));
                let first = fits.next()?;
                Some((width, first..=fits.next_back().unwrap_or(first)))
            })
            .collect();
        let widest = round((products[1] * ratio[1]).sqrt());
        let highest = round((products[1] / ratio[0]).sqrt());
        let narrowest = round((products[0] * ratio[0]).sqrt());
        let lowest = round((products[0] / ratio[1]).sqrt());
        let misfit = widest > image[0] || highest > image[1] || narrowest == 0 || lowest == 0;
        if misfit || sizes.is_empty() {
            let [width, height] = largest(image, ratio);
            sizes.push((width, height..=height));
        }
        sizes
    }
}

/// Half to even, as Python's round.
fn round(side: f64) -> usize {
    side.round_ties_even() as usize
}

/// The largest box within the bounds of the ratio: torchvision's choice when no drawn size fits.
fn largest([width, height]: [usize; 2], [low, high]: [f64; 2]) -> [usize; 2] {
    let ratio = width as f64 / height as f64;
    let size = if ratio < low {
        [width, round(width as f64 / low)]
    } else if ratio > high {
        [round(height as f64 * high), height]
    } else {
        [width, height]
    };
    [size[0].clamp(1, width), size[1].clamp(1, height)]
}

/// Whether rounding gives this size for some area and ratio within the bounds.
///
/// The sides before rounding fill a square of side 1 around `size`, cut to a cone by the bounds of
/// the ratio. Their product grows with both, so it is largest and smallest where the diagonal
/// corners are, or where the cone cuts those off; in between it takes every value.
fn reachable(size: [usize; 2], products: [f64; 2], [low, high]: [f64; 2]) -> bool {
    let [left, bottom] = size.map(|side| side as f64 - 0.5);
    let [right, top] = size.map(|side| side as f64 + 0.5);
    if right < low * bottom || left > high * top {
        return false;
    }
    let most = right.min(high * top) * top.min(right / low);
    let least = left.max(low * bottom) * bottom.max(left / high);
    most >= products[0] && least <= products[1]
}
