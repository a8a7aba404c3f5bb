//! Random scanpaths for the benches of MultiMatch.

use gazesim_core::scanpath::{Fixation, Scanpaths};
use gazesim_core::schemes::multimatch::{FeatureParameters, Features, Scale, features};

use super::common::Random;

/// The screen that the scanpaths lie on.
pub const SCREEN: [f64; 2] = [1920.0, 1080.0];

/// Equal weights on that screen.
pub fn scale() -> Scale {
    Scale {
        screen_size: SCREEN,
        weights: [0.2; 5],
    }
}

/// The saccade vectors of `count` scanpaths of `fixations` fixations.
pub fn vectors(count: usize, fixations: usize) -> Features {
    let mut random = Random::new(20_261_121 + fixations as u64);
    let mut paths = Scanpaths::default();
    for _ in 0..count {
        let fixation = |_| Fixation {
            x: random.uniform(0.0, SCREEN[0]),
            y: random.uniform(0.0, SCREEN[1]),
            duration: random.uniform(0.05, 0.6),
        };
        paths.push((0..fixations).map(fixation).collect::<Vec<_>>());
    }
    features(&paths, &FeatureParameters::default())
}
