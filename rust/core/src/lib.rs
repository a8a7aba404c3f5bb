//! Gaze similarity without Python: slices in, buffers out.
//!
//! Unsafe code is confined to `sink` (stores to interleaved tiles) and `simd` (intrinsics).
//!
//! The modules are listed in the order in which data flows through them.

#![deny(unsafe_code)]

pub mod error;

pub mod fixation;
pub mod heatmap;
pub mod scanpath;

pub mod schemes;
pub mod views;

pub mod pairwise;
pub mod parallel;
pub mod simd;
mod sink;

pub use error::{Error, Result};
