//! `GAZESIM_SIMD`: caps the instruction set of the kernels.

use gazesim_core::simd::{Cap, Level, set_cap};
use gazesim_core::{Error, Result};
use pyo3::prelude::*;

use crate::errors::OrRaise;

const VARIABLE: &str = "GAZESIM_SIMD";

/// Caps the level as the environment variable says; without the variable, removes the cap.
pub fn follow_environment() -> Result<()> {
    let cap = match std::env::var(VARIABLE) {
        Ok(text) if !text.trim().is_empty() => {
            let named = Cap::ALL.into_iter().find(|cap| cap.name() == text.trim());
            named.ok_or_else(|| {
                let argument = format!("the environment variable {VARIABLE}");
                Error::argument(argument, format!("{text:?}"), "scalar, portable, avx2 or avx512")
            })?
        }
        _ => Cap::Avx512,
    };
    set_cap(cap);
    Ok(())
}

/// The level that is used: the best of this processor, or what `GAZESIM_SIMD` caps it to.
#[pyfunction]
pub fn simd_level() -> PyResult<&'static str> {
    follow_environment().or_raise()?;
    Ok(Level::best().name())
}

/// All levels of this processor, the slowest first, whatever `GAZESIM_SIMD` says.
#[pyfunction]
pub fn simd_levels() -> Vec<&'static str> {
    Level::all().into_iter().map(Level::name).collect()
}
