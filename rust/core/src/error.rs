//! The error type of the crate.

/// An error; its message says what was wrong and what was expected.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// One number of the input is out of its domain.
    #[error("{argument}: sample {sample}, row {row}, {column} is {value}; expected {expected}")]
    #[non_exhaustive]
    Value {
        /// What the caller calls the input.
        argument: String,
        /// Position of the sample in the argument.
        sample: usize,
        /// Row inside the sample.
        row: usize,
        /// Name or number of the column.
        column: String,
        /// The offending number.
        value: f64,
        /// What would have been right.
        expected: &'static str,
    },
    /// One sample as a whole does not fit.
    #[error("{argument}: sample {sample} {problem}; expected {expected}")]
    #[non_exhaustive]
    Sample {
        /// What the caller calls the input.
        argument: String,
        /// Position of the sample in the argument.
        sample: usize,
        /// What is wrong with it.
        problem: String,
        /// What would have been right.
        expected: String,
    },
    /// An argument as a whole does not fit.
    #[error("{argument} is {value}; expected {expected}")]
    #[non_exhaustive]
    Argument {
        /// What the caller calls the input.
        argument: String,
        /// What was given.
        value: String,
        /// What would have been right.
        expected: String,
    },
    /// The memory is used up.
    #[error("the memory does not suffice for {0}")]
    Memory(String),
    /// The caller asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// A bug of this crate, turned into an error so that it does not end the process.
    #[error("internal error in gazesim ({0}); please report it with the input")]
    Internal(String),
}

impl Error {
    /// Shorthand for [`Error::Argument`].
    pub fn argument(argument: impl Into<String>, value: impl ToString, expected: impl ToString) -> Self {
        Self::Argument {
            argument: argument.into(),
            value: value.to_string(),
            expected: expected.to_string(),
        }
    }
}

/// The product of sizes, checked for overflow.
pub(crate) fn product(sizes: &[usize], what: &str) -> Result<usize> {
    let size = sizes
        .iter()
        .try_fold(1, |product: usize, &size| product.checked_mul(size));
    size.ok_or_else(|| {
        let sizes: Vec<String> = sizes.iter().map(ToString::to_string).collect();
        Error::Memory(format!("{} of {} cells", what, sizes.join(" x ")))
    })
}

/// An empty vector with room for `count`, or [`Error::Memory`]: an allocation whose size the caller
/// chooses must not abort the process.
pub(crate) fn reserved<T>(count: usize, what: &str) -> Result<Vec<T>> {
    let mut room = Vec::new();
    match room.try_reserve_exact(count) {
        Ok(()) => Ok(room),
        Err(_) => Err(Error::Memory(format!("{count} numbers of {what}"))),
    }
}

/// The result type of the crate.
pub type Result<T> = std::result::Result<T, Error>;
