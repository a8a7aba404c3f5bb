//! Fixations from raw gaze: by dispersion (I-DT) and by velocity (I-VT), after Salvucci and
//! Goldberg (2000).
//!
//! Both rules work on stretches of gaze without a gap. A sample whose x or y is NaN is missing; there
//! is a gap if two successive present samples are more than [`Detection::max_gap`] apart in time.

use std::collections::VecDeque;

use crate::scanpath::{Ragged, row};
use crate::{Error, Result};

row! {
    /// One sample of an eye tracker; x or y is NaN where gaze is missing.
    Sample, 3:
    /// Horizontal position, in pixels or degrees.
    x,
    /// Vertical position, in pixels or degrees.
    y,
    /// Time in seconds.
    time
}

row! {
    /// A detected fixation.
    Found, 4:
    /// Mean horizontal position, in the unit of the samples.
    x,
    /// Mean vertical position, in the unit of the samples.
    y,
    /// Time from the first to the last sample, in seconds.
    duration,
    /// Time of the first sample, in seconds.
    onset
}

/// Raw gaze: the samples of every recording.
pub type Samples = Ragged<Sample>;

/// Time stamps are trusted to the microsecond: 0.1 + 0.2 is not 0.3.
const TIME_SLACK: f64 = 1e-6;

/// Stamps of adjoining samples differ by at most this many sampling intervals.
const ADJOINING: f64 = 1.5;

/// What makes a stretch of gaze a fixation.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Rule {
    /// The extent in x plus the extent in y stays within `dispersion`.
    Dispersion {
        /// Largest extent, in degrees, or in px without a geometry.
        dispersion: f64,
    },
    /// The speed stays below `velocity`.
    Velocity {
        /// Speed that ends a fixation, in units per second.
        velocity: f64,
        /// Seconds around a sample over which its speed is taken; at least its two neighbours.
        window: f64,
    },
}

/// Size and distance of a screen, to convert px to degrees of visual angle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geometry {
    /// Width and height in px.
    pub size_px: [f64; 2],
    /// Width and height in cm.
    pub size_cm: [f64; 2],
    /// Distance between eye and screen in cm.
    pub distance_cm: f64,
}

impl Geometry {
    /// The angles between the line of sight to a point and that to the centre of the screen.
    pub fn degrees(&self, point: [f64; 2]) -> [f64; 2] {
        std::array::from_fn(|axis| {
            let centimetres =
                (point[axis] - self.size_px[axis] / 2.0) * self.size_cm[axis] / self.size_px[axis];
            centimetres.atan2(self.distance_cm).to_degrees()
        })
    }
}

/// A detector of fixations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    /// What makes a stretch of gaze a fixation.
    pub rule: Rule,
    /// Seconds from the first to the last sample of a fixation, at least.
    pub minimum_duration: f64,
    /// Seconds without a sample that do not end a fixation; adjoining samples are never apart.
    pub max_gap: f64,
    /// Thresholds are in degrees where this is given, else in the unit of x and y.
    pub geometry: Option<Geometry>,
}

/// A present sample: position in the unit of the samples and in that of the thresholds, and time.
#[derive(Debug, Clone, Copy)]
struct Gaze {
    point: [f64; 2],
    place: [f64; 2],
    time: f64,
}

impl Samples {
    /// Refuses infinities, missing time stamps, and time that runs backwards.
    pub fn check_times(&self, argument: &str) -> Result<()> {
        for (sample, rows) in self.iter().enumerate() {
            let mut before = f64::NEG_INFINITY;
            for (row, &Sample { x, y, time }) in rows.iter().enumerate() {
                let (column, value, expected) = if x.is_infinite() {
                    ("x", x, "a finite number, or NaN where gaze is missing")
                } else if y.is_infinite() {
                    ("y", y, "a finite number, or NaN where gaze is missing")
                } else if !time.is_finite() {
                    ("time", time, "a finite number of seconds")
                } else if time < before {
                    ("time", time, "no earlier time than in the row before")
                } else {
                    before = time;
                    continue;
                };
                return Err(Error::Value {
                    argument: argument.into(),
                    sample,
                    row,
                    column: column.into(),
                    value,
                    expected,
                });
            }
        }
        Ok(())
    }
}

impl Detection {
    /// Finds the fixations of one recording, in the order of time.
    pub fn fixations(&self, rows: &[Sample]) -> Vec<Found> {
        let gap = self.max_gap.max(ADJOINING * median_interval(rows)) + TIME_SLACK;
        let there: Vec<Gaze> = rows
            .iter()
            .filter(|sample| !sample.x.is_nan() && !sample.y.is_nan())
            .map(|&Sample { x, y, time }| Gaze {
                point: [x, y],
                place: self.geometry.map_or([x, y], |geometry| geometry.degrees([x, y])),
                time,
            })
            .collect();
        let mut found = Vec::new();
        for stretch in there.chunk_by(|a, b| b.time - a.time <= gap) {
            match self.rule {
                Rule::Dispersion { dispersion } => self.by_dispersion(stretch, dispersion, &mut found),
                Rule::Velocity { velocity, window } => {
                    self.by_velocity(stretch, velocity, window, &mut found);
                }
            }
        }
        found
    }

    fn lasts(&self, first: &Gaze, last: &Gaze) -> bool {
        last.time - first.time >= self.minimum_duration - TIME_SLACK
    }

    fn by_dispersion(&self, gaze: &[Gaze], dispersion: f64, found: &mut Vec<Found>) {
        let mut extent = Extent::default();
        let (mut start, mut end) = (0, 0); // the window, `end` excluded
        while start < gaze.len() {
            while end < gaze.len() && (end <= start || !self.lasts(&gaze[start], &gaze[end - 1])) {
                extent.push(gaze, end);
                end += 1;
            }
            if !self.lasts(&gaze[start], &gaze[end - 1]) {
                return;
            }
            if extent.size(gaze) > dispersion {
                start += 1;
                extent.forget_before(start);
                continue;
            }
            while end < gaze.len() {
                extent.push(gaze, end);
                if extent.size(gaze) > dispersion {
                    break;
                }
                end += 1;
            }
            found.push(summary(&gaze[start..end]));
            start = end;
            extent = Extent::default();
        }
    }

    fn by_velocity(&self, gaze: &[Gaze], velocity: f64, window: f64, found: &mut Vec<Found>) {
        let speeds = speeds(gaze, window);
        let mut first = 0;
        for run in speeds.chunk_by(|a, b| (*a < velocity) == (*b < velocity)) {
            let stretch = &gaze[first..first + run.len()];
            first += run.len();
            if run[0] < velocity && self.lasts(&stretch[0], &stretch[stretch.len() - 1]) {
                found.push(summary(stretch));
            }
        }
    }
}

/// The largest and smallest x and y of a window that only moves forward.
///
/// Each queue holds the samples that can still become the extreme, the current one in front, so
/// a sample enters and leaves once and a recording costs time in proportion to its length.
#[derive(Debug, Default)]
struct Extent {
    queues: [VecDeque<usize>; 4],
}

impl Extent {
    fn key(gaze: &Gaze, queue: usize) -> f64 {
        let value = gaze.place[queue / 2];
        [value, -value][queue % 2]
    }

    fn push(&mut self, gaze: &[Gaze], index: usize) {
        for (number, queue) in self.queues.iter_mut().enumerate() {
            let new = Self::key(&gaze[index], number);
            while queue
                .back()
                .is_some_and(|&last| Self::key(&gaze[last], number) <= new)
            {
                queue.pop_back();
            }
            queue.push_back(index);
        }
    }

    fn forget_before(&mut self, start: usize) {
        for queue in &mut self.queues {
            while queue.front().is_some_and(|&first| first < start) {
                queue.pop_front();
            }
        }
    }

    /// The extent in x plus the extent in y.
    fn size(&self, gaze: &[Gaze]) -> f64 {
        let extreme = |number: usize| {
            let first = self.queues[number].front();
            first.map_or(0.0, |&index| Self::key(&gaze[index], number))
        };
        (extreme(0) + extreme(1)) + (extreme(2) + extreme(3))
    }
}

/// The mean speed over the window centred on every sample: distance over time between its ends.
fn speeds(gaze: &[Gaze], window: f64) -> Vec<f64> {
    let half = window / 2.0 + TIME_SLACK;
    let last = gaze.len() - 1;
    let (mut low, mut high) = (0, 0);
    (0..gaze.len())
        .map(|index| {
            while gaze[low].time < gaze[index].time - half {
                low += 1;
            }
            while high < last && gaze[high + 1].time <= gaze[index].time + half {
                high += 1;
            }
            let from = &gaze[low.min(index.saturating_sub(1))];
            let to = &gaze[high.max(index + 1).min(last)];
            let [x, y] = std::array::from_fn(|axis| to.place[axis] - from.place[axis]);
            let way = x.hypot(y);
            if way == 0.0 {
                0.0
            } else {
                way / (to.time - from.time)
            }
        })
        .collect()
}

fn summary(gaze: &[Gaze]) -> Found {
    let mean = |axis: usize| gaze.iter().map(|one| one.point[axis]).sum::<f64>() / gaze.len() as f64;
    let (first, last) = (gaze[0].time, gaze[gaze.len() - 1].time);
    Found {
        x: mean(0),
        y: mean(1),
        duration: last - first,
        onset: first,
    }
}

fn median_interval(rows: &[Sample]) -> f64 {
    let mut intervals: Vec<f64> = rows.windows(2).map(|pair| pair[1].time - pair[0].time).collect();
    if intervals.is_empty() {
        return 0.0;
    }
    let middle = intervals.len() / 2;
    *intervals.select_nth_unstable_by(middle, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(places: &[f64], samples: usize) -> Vec<Sample> {
        let rows = places.iter().flat_map(|&x| std::iter::repeat_n(x, samples));
        rows.enumerate()
            .map(|(index, x)| Sample::from([x, 0.0, index as f64 * 0.001]))
            .collect()
    }

    fn detector(rule: Rule) -> Detection {
        Detection {
            rule,
            minimum_duration: 0.1,
            max_gap: 0.0,
            geometry: None,
        }
    }

    #[test]
    fn steps_become_fixations() {
        let rows = steps(&[0.0, 5.0, 9.0], 150);
        let dispersion = detector(Rule::Dispersion { dispersion: 1.0 }).fixations(&rows);
        let velocity = detector(Rule::Velocity {
            velocity: 20.0,
            window: 0.002,
        })
        .fixations(&rows);
        assert_eq!(dispersion.len(), 3);
        assert_eq!(velocity.len(), 3);
        assert_eq!(dispersion[1].x, 5.0);
        assert!((dispersion[1].duration - 0.149).abs() < 1e-12 && (dispersion[1].onset - 0.15).abs() < 1e-12);
    }

    #[test]
    fn missing_samples_end_a_fixation_unless_they_are_few() {
        let mut rows = steps(&[0.0], 300);
        for row in &mut rows[140..150] {
            row.x = f64::NAN;
        }
        let mut detection = detector(Rule::Dispersion { dispersion: 1.0 });
        assert_eq!(detection.fixations(&rows).len(), 2);
        detection.max_gap = 0.011;
        assert_eq!(detection.fixations(&rows).len(), 1);
    }

    #[test]
    fn degenerate_recordings_hold_none() {
        for rule in [
            Rule::Dispersion { dispersion: 1.0 },
            Rule::Velocity {
                velocity: 20.0,
                window: 0.02,
            },
        ] {
            for rows in [vec![], vec![[1.0, 1.0, 0.0]], vec![[f64::NAN, 1.0, 0.0]; 9]] {
                let rows: Vec<_> = rows.into_iter().map(Sample::from).collect();
                assert!(detector(rule).fixations(&rows).is_empty());
            }
        }
    }
}
