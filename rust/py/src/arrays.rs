//! The only module that accesses NumPy's memory.
//!
//! Small inputs (scanpaths, features) are copied before the GIL is released, so that another
//! thread that writes to the array meanwhile changes nothing. Maps are read in place: they can be
//! large, and no value in them decides where memory is accessed.

use gazesim_core::Error;
use gazesim_core::fixation::Sample;
use gazesim_core::heatmap::{Heatmap, Pixel};
use gazesim_core::parallel;
use gazesim_core::scanpath::{Fixation, Ragged};
use gazesim_core::schemes::dhash;
use gazesim_core::schemes::moments::Moments;
use gazesim_core::schemes::multimatch::Saccade;
use numpy::ndarray::{ArrayView1, Dimension};
use numpy::{
    Element, IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray, PyReadonlyArray1,
    PyReadonlyArray2, PyReadonlyArray3, PyUntypedArrayMethods,
};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::detached::Call;
use crate::errors::OrRaise;

/// A ragged set as Python passes it: rows of numbers and where each sample starts.
pub type RaggedArrays<'py> = (PyReadonlyArray2<'py, f64>, PyReadonlyArray1<'py, i64>);

/// A ragged set as Python receives it.
pub type NewRaggedArrays<'py> = (Bound<'py, PyArray2<f64>>, Bound<'py, PyArray1<i64>>);

/// The numbers of an array that lies in memory row by row. `as_slice` would give those of one that lies column by
/// column as well, in the order of columns.
pub fn in_rows<'a, T: Element, D: Dimension>(array: &'a PyReadonlyArray<'_, T, D>) -> Option<&'a [T]> {
    array.is_c_contiguous().then(|| array.as_slice().ok()).flatten()
}

/// [`in_rows`], for arrays that Python hands over row by row.
pub fn all_in_rows<'a, T: Element, D: Dimension>(
    argument: &str,
    array: &'a PyReadonlyArray<'_, T, D>,
) -> PyResult<&'a [T]> {
    let expected = "a C-contiguous array";
    in_rows(array)
        .ok_or_else(|| Error::argument(argument, "an array in another order", expected))
        .or_raise()
}

/// A copy of the rows of an (n, N) array.
pub fn rows<T: Element + Copy, R: From<[T; N]>, const N: usize>(
    argument: &str,
    array: &PyReadonlyArray2<T>,
) -> PyResult<Vec<R>> {
    if array.shape()[1] != N {
        let given = format!("an array of shape {:?}", array.shape());
        return Err(Error::argument(argument, given, format!("(n, {N})"))).or_raise();
    }
    if let Some(values) = in_rows(array) {
        let (rows, _) = values.as_chunks();
        return Ok(rows.iter().copied().map(R::from).collect());
    }
    let row = |row: ArrayView1<T>| R::from(std::array::from_fn(|column| row[column]));
    Ok(array.as_array().outer_iter().map(row).collect())
}

/// Samples for core, from arrays: copied while the GIL is held, checked and packed after it is released.
pub trait FromArrays: Sized + Send + Sync {
    /// As Python passes it.
    type Arrays<'py>;
    /// An unchecked copy.
    type Copied: Send;
    /// Copies the arrays.
    fn copy(arrays: &Self::Arrays<'_>, argument: &str) -> PyResult<Self::Copied>;
    /// Checks the copy and converts it for core.
    fn pack(copied: Self::Copied) -> gazesim_core::Result<Self>;
    /// The samples `order[0]`, `order[1]` and so on.
    fn in_order(&self, order: &[u32]) -> Self;
}

/// A row of a set: named numbers in core, a line of an array in Python.
pub trait Row: Clone + Sized + Send + Sync {
    /// Copies the rows of an array that has a column for each of the numbers.
    fn rows(array: &PyReadonlyArray2<f64>, argument: &str) -> PyResult<Vec<Self>>;
}

macro_rules! rows_of {
    ($($row:ty: $columns:literal),*) => {$(
        impl Row for $row {
            fn rows(array: &PyReadonlyArray2<f64>, argument: &str) -> PyResult<Vec<Self>> {
                rows::<_, _, $columns>(argument, array)
            }
        }
    )*};
}

rows_of!(Fixation: 3, Sample: 3, Saccade: 7, Moments: 2);

impl<const N: usize> Row for [f64; N] {
    fn rows(array: &PyReadonlyArray2<f64>, argument: &str) -> PyResult<Vec<Self>> {
        rows(argument, array)
    }
}

impl<R: Row> FromArrays for Ragged<R> {
    type Arrays<'py> = RaggedArrays<'py>;
    type Copied = (Vec<R>, Vec<i64>);

    fn copy((values, offsets): &RaggedArrays<'_>, argument: &str) -> PyResult<Self::Copied> {
        let offsets = offsets.as_array().iter().copied().collect();
        Ok((R::rows(values, argument)?, offsets))
    }

    fn pack((values, offsets): Self::Copied) -> gazesim_core::Result<Self> {
        Self::new(values, &offsets)
    }

    fn in_order(&self, order: &[u32]) -> Self {
        self.in_order(order)
    }
}

impl<R: Row> FromArrays for Vec<R> {
    type Arrays<'py> = PyReadonlyArray2<'py, f64>;
    type Copied = Self;

    fn copy(array: &PyReadonlyArray2<'_, f64>, argument: &str) -> PyResult<Self> {
        R::rows(array, argument)
    }

    fn pack(copied: Self) -> gazesim_core::Result<Self> {
        Ok(copied)
    }

    fn in_order(&self, order: &[u32]) -> Self {
        order.iter().map(|&i| self[i as usize].clone()).collect()
    }
}

impl FromArrays for dhash::Features {
    type Arrays<'py> = PyReadonlyArray2<'py, u64>;
    type Copied = (Vec<u64>, usize);

    fn copy(array: &PyReadonlyArray2<'_, u64>, _: &str) -> PyResult<Self::Copied> {
        Ok((array.as_array().iter().copied().collect(), array.shape()[1]))
    }

    fn pack((bits, words): Self::Copied) -> gazesim_core::Result<Self> {
        Self::new(bits, words)
    }

    fn in_order(&self, order: &[u32]) -> Self {
        self.in_order(order)
    }
}

/// A ragged set of gaze.
pub fn ragged<R: Row>(arrays: &RaggedArrays, argument: &str) -> PyResult<Ragged<R>> {
    Ragged::pack(Ragged::copy(arrays, argument)?).or_raise()
}

/// Hands a ragged set to Python.
pub fn ragged_to_numpy<'py, R: Copy + Into<[f64; N]>, const N: usize>(
    py: Python<'py>,
    ragged: &Ragged<R>,
) -> PyResult<NewRaggedArrays<'py>> {
    let offsets: Vec<i64> = ragged.offsets().iter().map(|&offset| offset as i64).collect();
    Ok((rows_to_numpy(py, ragged.rows())?, offsets.into_pyarray(py)))
}

/// Hands rows to Python as an (n, N) array.
pub fn rows_to_numpy<'py, R: Copy + Into<[T; N]>, T: Element + Copy, const N: usize>(
    py: Python<'py>,
    rows: &[R],
) -> PyResult<Bound<'py, PyArray2<T>>> {
    let numbers: Vec<T> = rows.iter().flat_map(|&row| row.into()).collect();
    numbers.into_pyarray(py).reshape([rows.len(), N])
}

/// A stack of maps of one size, in one of the types that core reads without conversion.
pub enum Maps<'py> {
    /// 8-bit.
    U8(PyReadonlyArray3<'py, u8>),
    /// Single precision.
    F32(PyReadonlyArray3<'py, f32>),
    /// Double precision.
    F64(PyReadonlyArray3<'py, f64>),
}

impl<'a, 'py> FromPyObject<'a, 'py> for Maps<'py> {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(maps) = object.extract() {
            Ok(Self::U8(maps))
        } else if let Ok(maps) = object.extract() {
            Ok(Self::F32(maps))
        } else if let Ok(maps) = object.extract() {
            Ok(Self::F64(maps))
        } else {
            Err(PyTypeError::new_err(
                "heatmaps: expected an (n, H, W) array of uint8, float32 or float64",
            ))
        }
    }
}

/// The argument that maps came from, and the position of the first of them in it.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// Name of the argument as the caller knows it.
    pub argument: &'a str,
    /// Position of the first map.
    pub first: usize,
}

/// Work on one map, generic over its pixel type.
pub trait PerMap: Sync {
    /// What it yields.
    type Output: Send;
    /// Works on one map that has been checked.
    fn call<T: Pixel>(&self, map: &Heatmap<T>) -> gazesim_core::Result<Self::Output>;
    /// Works on an unchecked map, to read it only once; `None` if the result does not prove that all pixels
    /// are valid.
    fn unchecked<T: Pixel>(&self, _map: &Heatmap<T>) -> Option<Self::Output> {
        None
    }
}

impl Maps<'_> {
    /// Checks every map and calls `work` on it, in parallel, without the GIL.
    ///
    /// `place` says where the first map stands in the caller's arguments, for messages.
    pub fn map<W: PerMap>(
        &self,
        py: Python<'_>,
        threads: Option<usize>,
        place: Place,
        work: &W,
    ) -> PyResult<Vec<W::Output>> {
        match self {
            Self::U8(maps) => map_stack(py, maps, threads, place, work),
            Self::F32(maps) => map_stack(py, maps, threads, place, work),
            Self::F64(maps) => map_stack(py, maps, threads, place, work),
        }
    }
}

/// Time to read one pixel, for the estimate of the total time.
const PIXEL_NS: f64 = 0.1;

fn map_stack<T: Element + Pixel, W: PerMap>(
    py: Python<'_>,
    maps: &PyReadonlyArray3<T>,
    threads: Option<usize>,
    place: Place,
    work: &W,
) -> PyResult<Vec<W::Output>> {
    let &[count, height, width] = maps.shape() else {
        unreachable!("three dimensions")
    };
    if height == 0 || width == 0 {
        let given = format!("maps of {height} x {width} pixels");
        return Err(Error::argument(place.argument, given, "at least one pixel")).or_raise();
    }
    let values = all_in_rows(place.argument, maps)?;
    let estimated_ns = PIXEL_NS * values.len() as f64;
    let one = |index: usize| {
        let map = Heatmap::new(&values[index * height * width..][..height * width], height, width);
        if let Some(output) = work.unchecked(&map) {
            return Ok(output);
        }
        map.check(place.argument, place.first + index)?;
        work.call(&map)
    };
    Call::new(threads, None)?.run(py, |threads, poll| {
        let results = parallel::map(count, threads, estimated_ns, poll, one)?;
        results.into_iter().collect()
    })
}
