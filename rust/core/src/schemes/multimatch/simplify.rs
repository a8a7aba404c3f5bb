//! Grouping: merging short or aligned saccades until nothing changes.

use super::Saccade;
use crate::scanpath::Fixation;

/// Thresholds below which saccades are merged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grouping {
    /// Amplitude below which a saccade joins its neighbour, in pixels.
    pub amplitude_px: f64,
    /// Angle below which two consecutive saccades are one, in degrees.
    pub direction_deg: f64,
    /// Duration below which a fixation may vanish, in the unit of the scanpaths.
    pub duration: f64,
}

/// A scanpath as vectors, with the bookkeeping of the merges.
///
/// `durations` belongs to the fixations: vector `i` starts at fixation `i`, and further durations
/// follow the last vector. Merging the last vector backwards keeps its duration in the list, as
/// multimatch_gaze does, so there can be more than one of these.
#[derive(Debug, Clone, PartialEq)]
pub struct Simplified {
    /// dx, dy, and x, y of the fixation where the vector starts.
    pub vectors: Vec<[f64; 4]>,
    /// Durations of the fixations.
    pub durations: Vec<f64>,
}

impl Simplified {
    /// The vectors between consecutive fixations.
    pub fn new(fixations: &[Fixation]) -> Self {
        let vectors = fixations
            .windows(2)
            .map(|pair| {
                let (from, to) = (pair[0], pair[1]);
                // + 0.0 makes 0.0 of -0.0, which points the other way.
                [to.x - from.x + 0.0, to.y - from.y + 0.0, from.x, from.y]
            })
            .collect();
        let durations = fixations.iter().map(|fixation| fixation.duration).collect();
        Self { vectors, durations }
    }

    pub(super) fn saccades(&self) -> impl Iterator<Item = Saccade> + '_ {
        let starts = self.vectors.iter().zip(&self.durations);
        starts.map(|(&[dx, dy, x, y], &duration)| Saccade {
            dx,
            dy,
            length: (dx * dx + dy * dy).sqrt(),
            angle: dy.atan2(dx),
            x,
            y,
            duration,
        })
    }

    fn empty() -> Self {
        Self {
            vectors: Vec::new(),
            durations: Vec::new(),
        }
    }

    fn push(&mut self, vector: [f64; 4], duration: f64) {
        self.vectors.push(vector);
        self.durations.push(duration);
    }

    /// Vectors `first` and `first + 1` as one that starts where the first does.
    fn merged(&self, first: usize) -> [f64; 4] {
        let [dx, dy, x, y] = self.vectors[first];
        let [next_dx, next_dy, ..] = self.vectors[first + 1];
        [dx + next_dx, dy + next_dy, x, y]
    }

    fn last_duration(&self) -> f64 {
        self.durations[self.durations.len() - 1]
    }
}

/// Merges by direction, then by amplitude, until the number of fixations stops changing or one
/// vector is left.
pub fn simplify(path: &mut Simplified, grouping: &Grouping) {
    while path.vectors.len() > 1 {
        let before = path.durations.len();
        *path = merge_by_direction(path, grouping);
        if path.vectors.len() > 1 {
            *path = merge_by_amplitude(path, grouping);
        }
        if path.durations.len() == before {
            return;
        }
    }
}

fn merge_by_direction(path: &Simplified, grouping: &Grouping) -> Simplified {
    let mut kept = Simplified::empty();
    let last = path.vectors.len() - 1;
    let mut i = 0;
    while i <= last {
        if i < last
            && angle_deg(path.vectors[i], path.vectors[i + 1]) < grouping.direction_deg
            && path.durations[i + 1] < grouping.duration
        {
            kept.push(path.merged(i), path.durations[i]);
            i += 2;
        } else {
            kept.push(path.vectors[i], path.durations[i]);
            i += 1;
        }
    }
    kept.durations.push(path.last_duration());
    kept
}

fn merge_by_amplitude(path: &Simplified, grouping: &Grouping) -> Simplified {
    let short = |i: usize| {
        let [dx, dy, ..] = path.vectors[i];
        (dx * dx + dy * dy).sqrt() < grouping.amplitude_px
    };
    let brief = |fixation: usize| path.durations[fixation] < grouping.duration;
    let end = path.durations.len() - 1;

    let mut kept = Simplified::empty();
    let last = path.vectors.len() - 1;
    let mut i = 0;
    while i <= last {
        if i < last && short(i) && (brief(i + 1) || brief(i)) {
            kept.push(path.merged(i), path.durations[i]);
            i += 2;
        } else if i == last && short(i) && (brief(end) || brief(end - 1)) {
            // Absorbed backwards. The sum is of the last two vectors of the input even where the
            // one before was merged in this very scan: multimatch_gaze does so, and its numbers
            // are the ones that people compare with.
            let [dx, dy, ..] = path.merged(last - 1);
            let into = kept.vectors.len() - 1;
            kept.vectors[into][0] = dx;
            kept.vectors[into][1] = dy;
            kept.durations.push(path.durations[last - 1]);
            i += 1;
        } else {
            kept.push(path.vectors[i], path.durations[i]);
            i += 1;
        }
    }
    kept.durations.push(path.last_duration());
    kept
}

/// The angle between two vectors; NaN, which is below no threshold, where one has no length.
fn angle_deg(v: [f64; 4], w: [f64; 4]) -> f64 {
    let dot = v[0] * w[0] + v[1] * w[1];
    let norms = (v[0] * v[0] + v[1] * v[1]).sqrt() * (w[0] * w[0] + w[1] * w[1]).sqrt();
    // Rounding can push the cosine of collinear vectors past 1.
    (dot / norms).clamp(-1.0, 1.0).acos().to_degrees()
}
