//! Scanpaths, and other sets of samples that differ in length: rows one after the other, and offsets.

use crate::{Error, Result};

/// The largest allowed coordinate or duration: its square stays finite in single precision.
pub const MAX_VALUE: f64 = 1e15;

/// Defines a row of a [`Ragged`] set: named numbers that can also be had as an array.
macro_rules! row {
    ($(#[$about:meta])* $name:ident, $count:literal: $($(#[$field_about:meta])* $field:ident),*) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Default)]
        pub struct $name {
            $($(#[$field_about])* pub $field: f64,)*
        }

        impl From<[f64; $count]> for $name {
            #[inline]
            fn from([$($field),*]: [f64; $count]) -> Self {
                Self { $($field),* }
            }
        }

        impl From<$name> for [f64; $count] {
            #[inline]
            fn from(row: $name) -> Self {
                [$(row.$field),*]
            }
        }
    };
}

pub(crate) use row;

row! {
    /// One fixation, or one raw sample that lasted for some time.
    Fixation, 3:
    /// Horizontal position in pixels, from the left edge.
    x,
    /// Vertical position in pixels, from the upper edge.
    y,
    /// Duration in seconds.
    duration
}

/// Samples of different lengths: the rows of all of them, one sample after the other.
///
/// Sample `i` owns the rows `offsets[i]..offsets[i + 1]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Ragged<T> {
    values: Vec<T>,
    offsets: Vec<usize>,
}

impl<T> Default for Ragged<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            offsets: vec![0],
        }
    }
}

impl<T> Ragged<T> {
    /// Checks the offsets (from 0 to the number of rows, never falling) and takes both parts.
    ///
    /// # Errors
    /// [`Error::Argument`] for other offsets.
    pub fn new(values: Vec<T>, offsets: &[i64]) -> Result<Self> {
        let rows = values.len() as i64;
        let ends = offsets.first() == Some(&0) && offsets.last() == Some(&rows);
        if !ends || offsets.windows(2).any(|pair| pair[0] > pair[1]) {
            return Err(Error::argument(
                "offsets",
                format!("an array of {} numbers", offsets.len()),
                format!("numbers that rise from 0 to the {rows} rows of values"),
            ));
        }
        Ok(Self {
            values,
            offsets: offsets.iter().map(|&offset| offset as usize).collect(),
        })
    }

    /// Appends one sample.
    pub fn push(&mut self, rows: impl IntoIterator<Item = T>) {
        self.values.extend(rows);
        self.offsets.push(self.values.len());
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows of sample `index`.
    pub fn sample(&self, index: usize) -> &[T] {
        &self.values[self.offsets[index]..self.offsets[index + 1]]
    }

    /// The samples `order[0]`, `order[1]` and so on.
    pub fn in_order(&self, order: &[u32]) -> Self
    where
        T: Clone,
    {
        let mut ordered = Self::default();
        ordered.values.reserve_exact(self.values.len());
        ordered.offsets.reserve_exact(order.len());
        for &index in order {
            ordered.push(self.sample(index as usize).iter().cloned());
        }
        ordered
    }

    /// The samples in order.
    pub fn iter(&self) -> impl Iterator<Item = &[T]> {
        (0..self.len()).map(|index| self.sample(index))
    }

    /// All rows, one sample after the other.
    pub fn rows(&self) -> &[T] {
        &self.values
    }

    /// Where each sample starts, and where the last one ends.
    pub fn offsets(&self) -> &[usize] {
        &self.offsets
    }
}

impl<T, R: IntoIterator<Item = T>> FromIterator<R> for Ragged<T> {
    fn from_iter<I: IntoIterator<Item = R>>(samples: I) -> Self {
        let mut ragged = Self::default();
        samples.into_iter().for_each(|rows| ragged.push(rows));
        ragged
    }
}

/// Scanpaths: the fixations of every recording.
pub type Scanpaths = Ragged<Fixation>;

impl Scanpaths {
    /// Refuses scanpaths of more than `most` rows, in the words of `expected`.
    pub fn check_lengths(&self, argument: &str, most: usize, expected: &str) -> Result<()> {
        let Some(sample) = self.iter().position(|rows| rows.len() > most) else {
            return Ok(());
        };
        Err(Error::Sample {
            argument: argument.into(),
            sample,
            problem: format!("has {} rows", self.sample(sample).len()),
            expected: format!("at most {most} {expected}"),
        })
    }

    /// Refuses NaN, infinities and numbers near them, and negative durations.
    pub fn check(&self, argument: &str) -> Result<()> {
        for (sample, rows) in self.iter().enumerate() {
            for (row, fixation) in rows.iter().enumerate() {
                for (column, value) in [
                    ("x", fixation.x),
                    ("y", fixation.y),
                    ("duration", fixation.duration),
                ] {
                    let expected = if value.is_nan() || value.abs() > MAX_VALUE {
                        "a finite number, at most 1e15 in size"
                    } else if column == "duration" && value < 0.0 {
                        "a duration of at least 0"
                    } else {
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
        }
        Ok(())
    }
}
