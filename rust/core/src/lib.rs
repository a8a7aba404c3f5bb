#![doc = include_str!("../README.md")]
#![deny(unsafe_code)] // but for `sink` (stores to interleaved tiles) and `simd` (intrinsics)

// In the order in which data flows.
mod error;

pub mod fixation;
pub mod heatmap;
pub mod scanpath;

pub mod schemes;
pub mod views;

pub mod pairwise;
pub mod parallel;
#[doc(hidden)] // for the benchmarks and tests of this workspace: no promise
pub mod simd;
mod sink;

pub use error::{Error, Result};
pub use scanpath::{Fixation, Scanpaths};
pub use simd::Level;
