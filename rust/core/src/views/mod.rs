//! Views that keep the lesion: how much gaze a crop or a cutout keeps, and views that keep enough.
//!
//! Gaze is counted in integers, so a sum over a box is exact and does not depend on the box's place
//! in the table. There is no randomness here: callers pass uniform numbers.

mod sample;
mod sizes;
mod table;

use crate::heatmap::{Heatmap, Pixel};

pub use sample::{Fallback, Method, Sampler, View};
pub use sizes::{CROP_UNIFORMS, Sizes};
pub use table::{Count, Table};

/// x0, y0, x1, y1 in pixels, half-open: the pixels with x0 ≤ x < x1 and y0 ≤ y < y1 that are in the
/// image. A box with x1 ≤ x0 or y1 ≤ y0 holds none.
pub type Rectangle = [i64; 4];

/// What is done with a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The view is what lies in the box.
    Crop,
    /// The view is what lies around the box.
    Cutout,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Weighting {
    /// The pixels above this share of the map's maximum, each as one.
    Support(f64),
    /// The gaze itself, in steps of at most 2⁻⁶¹ of the map's sum: without loss for 8-bit maps, and
    /// in single precision for all values above 2⁻³⁸ of the sum.
    Mass,
}

/// Share of `total` that is kept; 1 where there is nothing to lose.
fn share<C: Count>(kept: C, total: C) -> f64 {
    if total == C::default() {
        1.0
    } else {
        kept.to_f64() / total.to_f64()
    }
}

/// The share of gaze that the view of every box keeps.
pub fn iou<T: Pixel>(
    map: &Heatmap<T>,
    boxes: &[Rectangle],
    kind: Kind,
    weighting: Weighting,
    out: &mut [f64],
) {
    match weighting {
        Weighting::Support(support) => judge(&Table::support(map, support), boxes, kind, out),
        Weighting::Mass => judge(&Table::mass(map), boxes, kind, out),
    }
}

fn judge<C: Count>(table: &Table<C>, boxes: &[Rectangle], kind: Kind, out: &mut [f64]) {
    let total = table.total();
    if total == C::default() {
        out.fill(1.0);
        return;
    }
    // A division per box, not a multiplication by 1 / total: 4 of 5 is then the number 0.8.
    let total = total.to_f64();
    for (share, rectangle) in out.iter_mut().zip(boxes) {
        let inside = table.inside(rectangle);
        let kept = match kind {
            Kind::Crop => inside,
            Kind::Cutout => table.total() - inside,
        };
        *share = kept.to_f64() / total;
    }
}
