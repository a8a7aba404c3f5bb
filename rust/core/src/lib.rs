#![doc = include_str!("../README.md")]
//!
//! # Modules
//! In the order in which data flows:
//!
//! - [`scanpath`]: fixations, and sets of scanpaths that differ in length
//! - [`fixation`]: raw samples of an eye tracker to fixations, by dispersion or by velocity
//! - [`heatmap`]: gaze maps: checked, drawn from fixations, resized
//! - [`schemes`]: one module per way to compare: features of a sample, and a kernel for pairs of samples
//! - [`pairwise`]: the loop over pairs: matrices, and neighbours without a matrix; the traits of a kernel
//! - [`views`]: how much gaze a crop or a cutout keeps, and random ones that keep enough
//! - [`parallel`]: threads that end with the call, its progress and its interruption
//!
//! [`Error`] is the only error type; [`Level`] is the instruction set in use.
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
