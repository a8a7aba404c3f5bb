//! MultiMatch (Jarodzka 2010; Dewhurst et al. 2012): scanpaths as vectors, aligned, compared in
//! five dimensions.

mod align;
mod fixed;
mod kernel;
mod lanes;
mod median;
mod networks;
mod simplify;

use crate::pairwise::Kernel;
use crate::scanpath::{Fixation, Ragged, Scanpaths, row};
use crate::{Error, Result};

pub use align::{Alignment, Path};
pub use kernel::{Affinity, Comparison, Dimensions, Outcome, Scratch};
pub use simplify::{Grouping, Simplified, simplify};

row! {
    /// One saccade, and the fixation where it starts.
    Saccade, 7:
    /// Horizontal extent in pixels.
    dx,
    /// Vertical extent in pixels.
    dy,
    /// Length in pixels.
    length,
    /// Direction in radians, from −π to π.
    angle,
    /// Horizontal position of the fixation in pixels.
    x,
    /// Vertical position of the fixation in pixels.
    y,
    /// Duration of the fixation in seconds.
    duration
}

/// The differences of two scanpaths in shape, direction, length, position and duration, each as a
/// share of the largest possible one.
pub type Differences = [f64; 5];

/// The saccades of every scanpath; a scanpath on which MultiMatch is undefined has none.
pub type Features = Ragged<Saccade>;

/// The parameters that turn scanpaths into features.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeatureParameters {
    /// Scanpaths with fewer fixations are invalid; fewer than 2 always are.
    pub min_fixations: usize,
    /// Simplification, if any.
    pub grouping: Option<Grouping>,
}

impl Default for FeatureParameters {
    /// At least 3 fixations, no simplification.
    fn default() -> Self {
        Self {
            min_fixations: 3,
            grouping: None,
        }
    }
}

/// Everything that a comparison of two scanpaths depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameters {
    /// What turns scanpaths into features.
    pub features: FeatureParameters,
    /// What turns differences into similarities, and those into an affinity.
    pub scale: Scale,
    /// How two scanpaths are aligned.
    pub alignment: Alignment,
}

impl Parameters {
    /// The defaults on a screen of some width and height in pixels: equal weights, joint alignment, no simplification.
    ///
    /// # Errors
    /// As [`Scale::new`].
    pub fn on_screen(size_wh: [f64; 2]) -> Result<Self> {
        Ok(Self {
            features: FeatureParameters::default(),
            scale: Scale::new(size_wh, [0.2; 5])?,
            alignment: Alignment::Joint,
        })
    }
}

/// The similarity of two scanpaths in each of the five dimensions; 1 for equal ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Similarities {
    /// Of the vectors.
    pub shape: f64,
    /// Of the angles.
    pub direction: f64,
    /// Of the amplitudes.
    pub length: f64,
    /// Of the places.
    pub position: f64,
    /// Of the durations.
    pub duration: f64,
}

/// The affinity of two scanpaths, from 0 to 1: the weighted mean of the five similarities; 0 where one has too few
/// fixations. For more than two scanpaths, compute [`features`] once and see [`Comparison`].
///
/// # Errors
/// [`Error::Value`] for a number that is not finite or a negative duration, [`Error::Sample`] for a scanpath of more
/// than [`MAX_FIXATIONS`].
pub fn affinity(a: &[Fixation], b: &[Fixation], parameters: &Parameters) -> Result<f32> {
    let weights = parameters.scale.weights;
    compare(a, b, parameters, Affinity { weights })
}

/// The five similarities of two scanpaths; `None` where one has too few fixations.
///
/// # Errors
/// As [`affinity`].
pub fn similarities(a: &[Fixation], b: &[Fixation], parameters: &Parameters) -> Result<Option<Similarities>> {
    let five = compare(a, b, parameters, Dimensions)?;
    let [shape, direction, length, position, duration] = five;
    Ok((!shape.is_nan()).then_some(Similarities {
        shape,
        direction,
        length,
        position,
        duration,
    }))
}

fn compare<O: Outcome + Sync>(
    a: &[Fixation],
    b: &[Fixation],
    parameters: &Parameters,
    outcome: O,
) -> Result<O::Output> {
    let scanpaths: Scanpaths = [a, b].map(|path| path.iter().copied()).into_iter().collect();
    scanpaths.check("scanpaths")?;
    check_lengths(&scanpaths, "scanpaths")?;
    let features = features(&scanpaths, &parameters.features);
    let Parameters { scale, alignment, .. } = parameters;
    let kernel = Comparison::scalar(&features, &features, scale, *alignment, outcome);
    Ok(kernel.pair(&mut kernel.scratch(), 0, 1))
}

/// The parameters that turn five differences into similarities, and those into one affinity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// Width and height of the screen in pixels.
    pub screen_size: [f64; 2],
    /// Weights of shape, direction, length, position and duration.
    pub weights: [f64; 5],
}

impl Scale {
    /// Checks that the screen has an extent and that the weights are shares of 1.
    ///
    /// # Errors
    /// [`Error::Argument`] where they are not.
    pub fn new(screen_size: [f64; 2], weights: [f64; 5]) -> Result<Self> {
        if !screen_size.iter().all(|side| side.is_finite() && *side > 0.0) {
            return Err(Error::argument(
                "screen_size",
                format!("{screen_size:?}"),
                "a positive width and height in pixels",
            ));
        }
        let sum: f64 = weights.iter().sum();
        if weights.iter().any(|weight| weight.is_nan() || *weight < 0.0) || (sum - 1.0).abs() > 1e-6 {
            return Err(Error::argument(
                "weights",
                format!("{weights:?}"),
                "five numbers of at least 0 that sum to 1",
            ));
        }
        Ok(Self {
            screen_size,
            weights: weights.map(|weight| weight / sum),
        })
    }

    /// The largest difference in each dimension.
    fn normalisers(&self) -> [f64; 5] {
        let diagonal = self.screen_size[0].hypot(self.screen_size[1]);
        [2.0 * diagonal, std::f64::consts::PI, diagonal, diagonal, 1.0]
    }
}

/// The longest scanpath that is compared: an alignment keeps one direction per pair of saccades, in 256 MiB for eight
/// pairs of this length.
pub const MAX_FIXATIONS: usize = 8192;

/// Refuses scanpaths too long to be aligned.
///
/// # Errors
/// [`Error::Sample`] for a scanpath of more than [`MAX_FIXATIONS`].
pub fn check_lengths(scanpaths: &Scanpaths, argument: &str) -> Result<()> {
    let expected = "fixations (are these raw samples? detect fixations first)";
    scanpaths.check_lengths(argument, MAX_FIXATIONS, expected)
}

/// Computes the saccades of each scanpath.
pub fn features(scanpaths: &Scanpaths, parameters: &FeatureParameters) -> Features {
    let mut features = Features::default();
    for fixations in scanpaths.iter() {
        if fixations.len() < parameters.min_fixations.max(2) {
            features.push([]);
            continue;
        }
        let mut path = Simplified::new(fixations);
        if let Some(grouping) = &parameters.grouping {
            simplify(&mut path, grouping);
        }
        features.push(path.saccades());
    }
    features
}
