//! What a few numbers per scanpath tell about the distance of two: no less than this.

use super::side_by_side::Mark;

/// The first fixation, the last one, and the smallest and the largest x and y.
pub fn outline(rows: &[[f64; 2]]) -> Mark {
    let (Some(&[x0, y0]), Some(&[x1, y1])) = (rows.first(), rows.last()) else {
        return [f64::NAN; 8];
    };
    let mut sides = [x0, y0, x0, y0];
    for &[x, y] in rows {
        sides = [sides[0].min(x), sides[1].min(y), sides[2].max(x), sides[3].max(y)];
    }
    let [left, top, right, bottom] = sides;
    [x0, y0, x1, y1, left, top, right, bottom]
}

/// Squared, how far a side of one scanpath's box is from the same side of the other's. The fixation on that side has none
/// of the other scanpath nearer, also as computed: rounding keeps an order.
pub fn between_boxes(a: &Mark, b: &Mark) -> f64 {
    let squares = (4..8).map(|side| (a[side] - b[side]) * (a[side] - b[side]));
    squares.fold(0.0, f64::max)
}

/// Squared distances of the first fixations and of the last ones, which every warping path joins.
pub fn between_ends(a: &Mark, b: &Mark) -> [f64; 2] {
    [0, 2].map(|axis| {
        let (dx, dy) = (a[axis] - b[axis], a[axis + 1] - b[axis + 1]);
        dx * dx + dy * dy
    })
}
