//! Options as Python passes them: names of a few choices, and dataclasses by their attributes.

use gazesim_core::Error;
use gazesim_core::fixation::{self, Geometry};
use gazesim_core::heatmap::Interpolation;
use gazesim_core::schemes::multimatch::{self, Alignment};
use gazesim_core::schemes::{dhash::Axis, tima};
use gazesim_core::views::{Fallback, Kind, Weighting};
use pyo3::prelude::*;

use crate::errors::OrRaise;

/// What has a few values, each with a name in Python.
pub trait Named: Copy + 'static {
    /// The argument, for messages.
    const ARGUMENT: &'static str;
    /// The values and their names.
    const ALL: [(&'static str, Self); 2];
}

/// A [`Named`] value, read from its name.
#[derive(Debug, Clone, Copy)]
pub struct Choice<T>(pub T);

impl<T: Named> FromPyObject<'_, '_> for Choice<T> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let name: String = object.extract()?;
        let known = T::ALL;
        let found = known.iter().find(|(known, _)| *known == name);
        let [(first, _), (second, _)] = known;
        let expected = || format!("{first:?} or {second:?}");
        found
            .map(|&(_, value)| Self(value))
            .ok_or_else(|| Error::argument(T::ARGUMENT, format!("{name:?}"), expected()))
            .or_raise()
    }
}

impl Named for Alignment {
    const ARGUMENT: &'static str = "alignment";
    const ALL: [(&'static str, Self); 2] = [("joint", Self::Joint), ("per_dimension", Self::PerDimension)];
}

impl Named for Axis {
    const ARGUMENT: &'static str = "axis";
    const ALL: [(&'static str, Self); 2] = [("row", Self::Row), ("column", Self::Column)];
}

impl Named for Interpolation {
    const ARGUMENT: &'static str = "interpolation";
    const ALL: [(&'static str, Self); 2] = [("area", Self::Area), ("bilinear", Self::Bilinear)];
}

impl Named for Kind {
    const ARGUMENT: &'static str = "kind";
    const ALL: [(&'static str, Self); 2] = [("crop", Self::Crop), ("cutout", Self::Cutout)];
}

impl Named for Fallback {
    const ARGUMENT: &'static str = "fallback";
    const ALL: [(&'static str, Self); 2] = [("best", Self::Best), ("whole", Self::Whole)];
}

/// What is counted in a view; with the share that makes a pixel count, a [`Weighting`].
#[derive(Debug, Clone, Copy)]
pub enum WeightingKind {
    /// Pixels above a share of the maximum.
    Support,
    /// The gaze itself.
    Mass,
}

impl Named for WeightingKind {
    const ARGUMENT: &'static str = "weighting";
    const ALL: [(&'static str, Self); 2] = [("support", Self::Support), ("mass", Self::Mass)];
}

impl WeightingKind {
    /// The weighting, where `support` is the share that makes a pixel count.
    pub fn with(self, support: f64) -> Weighting {
        match self {
            Self::Support => Weighting::Support(support),
            Self::Mass => Weighting::Mass,
        }
    }
}

/// `gazesim.Grouping`.
#[derive(FromPyObject)]
pub struct Grouping {
    amplitude_px: f64,
    direction_deg: f64,
    duration: f64,
}

impl From<Grouping> for multimatch::Grouping {
    fn from(grouping: Grouping) -> Self {
        Self {
            amplitude_px: grouping.amplitude_px,
            direction_deg: grouping.direction_deg,
            duration: grouping.duration,
        }
    }
}

/// `gazesim.ScreenGeometry`.
#[derive(FromPyObject)]
pub struct ScreenGeometry {
    size_px: [f64; 2],
    size_cm: [f64; 2],
    distance_cm: f64,
}

impl From<ScreenGeometry> for Geometry {
    fn from(geometry: ScreenGeometry) -> Self {
        Self {
            size_px: geometry.size_px,
            size_cm: geometry.size_cm,
            distance_cm: geometry.distance_cm,
        }
    }
}

/// The rule that makes fixations: `{"dispersion": d}` or `{"velocity": v, "window": w}`.
#[derive(FromPyObject)]
pub enum FixationRule {
    /// I-DT.
    Dispersion {
        /// The largest extent.
        #[pyo3(item)]
        dispersion: f64,
    },
    /// I-VT.
    Velocity {
        /// The speed that ends a fixation.
        #[pyo3(item)]
        velocity: f64,
        /// Seconds over which the speed is taken.
        #[pyo3(item)]
        window: f64,
    },
}

impl From<FixationRule> for fixation::Rule {
    fn from(rule: FixationRule) -> Self {
        match rule {
            FixationRule::Dispersion { dispersion } => Self::Dispersion { dispersion },
            FixationRule::Velocity { velocity, window } => Self::Velocity { velocity, window },
        }
    }
}

/// An int counts points; a float is a share of them.
#[derive(FromPyObject)]
pub enum MinSamples {
    /// That many.
    Count(usize),
    /// That share.
    Share(f64),
}

impl From<MinSamples> for tima::MinSamples {
    fn from(wanted: MinSamples) -> Self {
        match wanted {
            MinSamples::Count(count) => Self::Count(count),
            MinSamples::Share(share) => Self::Share(share),
        }
    }
}
