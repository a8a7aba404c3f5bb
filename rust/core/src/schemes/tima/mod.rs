//! TIMA (GzPT, IEEE TMI 44(10), 2025): raw gaze as a sequence of clusters, compared by time warping.

mod dbscan;
mod kernel;
mod lanes;

use crate::Result;
use crate::heatmap::{Blurred, Heatmap};
use crate::pairwise::Kernel;
use crate::scanpath::{Fixation, Ragged, Scanpaths};
use crate::schemes::moments::{Moments, moments};

pub use dbscan::{Cluster, labels};
pub use kernel::{Affinity, Scratch};

/// Side of the square map on which the moments of a cluster are taken.
const MAP_SIZE: usize = 32;

/// The moments of every sample's clusters in order; a sample on which TIMA is undefined has none.
pub type Features = Ragged<Moments>;

/// How many neighbours, itself included, make a point a core point.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum MinSamples {
    /// ⌊share · L⌋ + 1 of the L points.
    Share(f64),
    /// That many.
    Count(usize),
}

impl MinSamples {
    /// The number for a sequence of `points` points.
    pub fn of(self, points: usize) -> usize {
        match self {
            Self::Share(share) => (share * points as f64) as usize + 1,
            Self::Count(count) => count,
        }
    }
}

/// The parameters that turn gaze into clusters, and clusters into moments.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameters {
    /// Width and height of the image in pixels.
    pub image_size: [usize; 2],
    /// Radius of a neighbourhood, in shares of width, height and time.
    pub eps: f64,
    /// Neighbours of a core point.
    pub min_samples: MinSamples,
    /// Standard deviation of the Gaussian drawn at every point.
    pub sigma_px: f64,
}

impl Parameters {
    /// The defaults on an image of some width and height in pixels: eps 0.2, a tenth of the points, sigma 18 px.
    pub fn on_image(size_wh: [usize; 2]) -> Self {
        Self {
            image_size: size_wh,
            eps: 0.2,
            min_samples: MinSamples::Share(0.1),
            sigma_px: 18.0,
        }
    }
}

/// The weight of the mass that the paper uses.
pub const WEIGHT_MASS: f64 = 0.7;

/// The affinity of two gazes, from 0 to 1; 0 where one has no cluster in the image. `weight_mass`, the weight of the
/// clusters' mass, is [`WEIGHT_MASS`] in the paper. For more than two, compute [`features`] once and see [`Affinity`].
///
/// # Errors
/// [`Error::Value`](crate::Error::Value) for a number that is not finite, [`Error::Sample`](crate::Error::Sample) for
/// more than [`MAX_POINTS`].
pub fn affinity(a: &[Fixation], b: &[Fixation], parameters: &Parameters, weight_mass: f64) -> Result<f32> {
    let gazes: Scanpaths = [a, b].map(|gaze| gaze.iter().copied()).into_iter().collect();
    gazes.check("gazes")?;
    check_lengths(&gazes, "gazes")?;
    let clusters = gazes
        .iter()
        .map(|points| features(points, parameters, &mut || true));
    let clusters: Features = clusters.collect();
    let kernel = Affinity::scalar(&clusters, &clusters, weight_mass);
    Ok(kernel.pair(&mut kernel.scratch(), 0, 1))
}

/// The longest sequence that is clustered, whose points are compared each with each.
pub const MAX_POINTS: usize = 1_000_000;

/// Refuses sequences too long to be clustered.
///
/// # Errors
/// [`Error::Sample`](crate::Error::Sample) for more than [`MAX_POINTS`].
pub fn check_lengths(scanpaths: &Scanpaths, argument: &str) -> Result<()> {
    let expected = "samples (thin them out, for example to every tenth)";
    scanpaths.check_lengths(argument, MAX_POINTS, expected)
}

/// Computes the cluster moments of one sequence of points. `go_on` is called often; if it returns false, the
/// moments are invalid.
pub fn features(
    points: &[Fixation],
    parameters: &Parameters,
    go_on: &mut dyn FnMut() -> bool,
) -> Vec<Moments> {
    let [width, height] = parameters.image_size;
    let count = points.len() as f64;
    let scaled: Vec<[f64; 3]> = points
        .iter()
        .enumerate()
        .map(|(t, point)| [point.x / width as f64, point.y / height as f64, t as f64 / count])
        .collect();
    let min_samples = parameters.min_samples.of(points.len());
    let labels = labels(&scaled, parameters.eps, min_samples, go_on);
    in_order_of_first_point(&labels)
        .into_iter()
        .take_while(|_| go_on())
        .filter_map(|cluster| {
            let members = points
                .iter()
                .zip(&labels)
                .filter(|(_, label)| **label == Some(cluster));
            let members = members.map(|(point, _)| [point.x, point.y, 1.0]);
            let map = Blurred::new(members, parameters.image_size, parameters.sigma_px);
            // A cluster outside of the image has left no mark on the map.
            (!map.is_empty()).then(|| cluster_moments(&map))
        })
        // Narrow Gaussians can fall between the pixels of the small map.
        .filter(|moments| moments.mass > 0.0)
        .collect()
}

fn cluster_moments(map: &Blurred) -> Moments {
    let max = map.max();
    let mut small = map.resized(MAP_SIZE, MAP_SIZE);
    small.iter_mut().for_each(|value| *value /= max);
    moments(&Heatmap::new(&small, MAP_SIZE, MAP_SIZE))
}

fn in_order_of_first_point(labels: &[Option<Cluster>]) -> Vec<Cluster> {
    let mut first_points: Vec<(Cluster, usize)> = (0..)
        .zip(labels)
        .filter_map(|(point, label)| label.map(|cluster| (cluster, point)))
        .collect();
    first_points.sort_unstable();
    first_points.dedup_by_key(|(cluster, _)| *cluster);
    first_points.sort_unstable_by_key(|(_, point)| *point);
    first_points.into_iter().map(|(cluster, _)| cluster).collect()
}
