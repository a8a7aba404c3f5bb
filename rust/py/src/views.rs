//! Views: the share of gaze that boxes keep, and boxes that keep enough.

use std::sync::Mutex;

use gazesim_core::Error;
use gazesim_core::heatmap::{Heatmap, Pixel};
use gazesim_core::parallel;
use gazesim_core::views::{
    self, CROP_UNIFORMS, Fallback, Kind, Method, Rectangle, Sampler, Sizes, Weighting,
};
use numpy::{Element, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray3, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::arrays::{Maps, all_in_rows};
use crate::detached::Call;
use crate::errors::OrRaise;
use crate::level;
use crate::options::{Choice, WeightingKind};

const ARGUMENT: &str = "gaze_map";

/// The maps of a stack, and their number.
fn maps_of<'a, T: Element + Pixel>(
    stack: &'a PyReadonlyArray3<T>,
) -> PyResult<(usize, impl Fn(usize) -> Heatmap<'a, T> + Sync)> {
    let &[count, height, width] = stack.shape() else {
        unreachable!("three dimensions")
    };
    let pixels = height * width;
    if pixels == 0 || pixels > i32::MAX as usize {
        let given = format!("a map of {height} x {width} pixels");
        return Err(Error::argument(ARGUMENT, given, "1 to 2147483647 pixels")).or_raise();
    }
    let values = all_in_rows(ARGUMENT, stack)?;
    let map = move |index: usize| Heatmap::new(&values[index * pixels..][..pixels], height, width);
    Ok((count, map))
}

/// Time to add one pixel to a table and to test one box, for the estimate of the total time.
const PIXEL_NS: f64 = 1.0;
const BOX_NS: f64 = 5.0;

fn iou_of<'py, T: Element + Pixel>(
    py: Python<'py>,
    maps: &PyReadonlyArray3<T>,
    boxes: &PyReadonlyArray3<i64>,
    kind: Kind,
    weighting: Weighting,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let (count, map) = maps_of(maps)?;
    let &[stacks, each, sides] = boxes.shape() else {
        unreachable!("three dimensions")
    };
    if stacks != count || sides != 4 {
        let given = format!("an array of shape {:?}", boxes.shape());
        return Err(Error::argument("boxes", given, format!("({count}, k, 4)"))).or_raise();
    }
    let out = PyArray2::<f64>::zeros(py, [count, each], false);
    let (rectangles, _): (&[Rectangle], _) = all_in_rows("boxes", boxes)?.as_chunks();
    let mut filling = out.readwrite();
    // A lock per map, which only the thread that has the map takes.
    let lines = filling.as_slice_mut()?.chunks_mut(each.max(1)).map(Mutex::new);
    let lines: Vec<_> = lines.collect();
    let pixels = maps.len() as f64;
    let estimated_ns = PIXEL_NS * pixels + BOX_NS * (count * each) as f64;
    let one = |index: usize| {
        let map = map(index);
        map.check(ARGUMENT, index)?;
        if let Some(line) = lines.get(index) {
            let mut line = line.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            views::iou(
                &map,
                &rectangles[index * each..][..each],
                kind,
                weighting,
                &mut line,
            );
        }
        Ok(())
    };
    Call::new(n_threads, None)?.run(py, |threads, poll| {
        let done = parallel::map(count, threads, estimated_ns, poll, one)?;
        done.into_iter().collect::<gazesim_core::Result<()>>()
    })?;
    drop(lines);
    drop(filling);
    Ok(out)
}

/// The share of gaze (n, k) that the views of boxes (n, k, 4) keep of maps (n, H, W).
#[pyfunction]
#[pyo3(signature = (gaze_maps, boxes, *, kind, weighting, support, n_threads=None))]
pub fn view_iou<'py>(
    py: Python<'py>,
    gaze_maps: Maps<'py>,
    boxes: PyReadonlyArray3<'py, i64>,
    kind: Choice<Kind>,
    weighting: Choice<WeightingKind>,
    support: f64,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let (kind, weighting) = (kind.0, weighting.0.with(support));
    match &gaze_maps {
        Maps::U8(maps) => iou_of(py, maps, &boxes, kind, weighting, n_threads),
        Maps::F32(maps) => iou_of(py, maps, &boxes, kind, weighting, n_threads),
        Maps::F64(maps) => iou_of(py, maps, &boxes, kind, weighting, n_threads),
    }
}

/// Boxes, share kept, tries, whether the fallback was used, whether the map is empty.
type Drawn = (Vec<Rectangle>, f64, usize, bool, bool);

fn sample_of<T: Element + Pixel>(
    py: Python<'_>,
    maps: &PyReadonlyArray3<T>,
    sampler: &Sampler,
    uniforms: &[f64],
) -> PyResult<Option<Drawn>> {
    let (count, map) = maps_of(maps)?;
    if count != 1 {
        return Err(Error::argument(ARGUMENT, format!("{count} maps"), "one map")).or_raise();
    }
    let map = map(0);
    if let Sizes::Fixed([width, height]) = sampler.sizes
        && !((1..=map.width()).contains(&width) && (1..=map.height()).contains(&height))
    {
        let given = format!("a box of {height} x {width} pixels");
        let image = format!("at most the {} x {} of the image", map.height(), map.width());
        return Err(Error::argument("size", given, image)).or_raise();
    }
    let view = py.detach(|| {
        map.check(ARGUMENT, 0)?;
        Ok(sampler.sample(&map, uniforms))
    });
    let view = view.or_raise()?;
    Ok(view.map(|view| (view.boxes, view.iou, view.tries, view.fallback, view.empty)))
}

/// Draws a view of one map (1, H, W) with numbers from [0, 1); None when they were too few.
///
/// `size` is (width, height) in pixels; without it, sizes are drawn within `scale` and `ratio`.
/// Without `max_tries` the method is the exact one.
#[pyfunction]
#[pyo3(signature = (
    gaze_map, uniforms, *, kind, weighting, support, min_iou, scale, ratio, size, max_tries, fallback, boxes
))]
#[allow(clippy::too_many_arguments)] // the Python signature
pub fn sample_view(
    py: Python<'_>,
    gaze_map: Maps<'_>,
    uniforms: PyReadonlyArray1<'_, f64>,
    kind: Choice<Kind>,
    weighting: Choice<WeightingKind>,
    support: f64,
    min_iou: f64,
    scale: [f64; 2],
    ratio: [f64; 2],
    size: Option<[usize; 2]>,
    max_tries: Option<usize>,
    fallback: Choice<Fallback>,
    boxes: usize,
) -> PyResult<Option<Drawn>> {
    let sampler = Sampler {
        kind: kind.0,
        weighting: weighting.0.with(support),
        min_iou,
        sizes: size.map_or(Sizes::Drawn { scale, ratio }, Sizes::Fixed),
        method: max_tries.map_or(Method::Exact, Method::Rejection),
        fallback: fallback.0,
        boxes,
    };
    level::follow_environment().or_raise()?;
    let uniforms = uniforms.as_slice()?;
    match &gaze_map {
        Maps::U8(maps) => sample_of(py, maps, &sampler, uniforms),
        Maps::F32(maps) => sample_of(py, maps, &sampler, uniforms),
        Maps::F64(maps) => sample_of(py, maps, &sampler, uniforms),
    }
}

/// Draws a crop of an image of (width, height) whatever lies in it, with 22 numbers from [0, 1).
#[pyfunction]
#[pyo3(signature = (image, uniforms, *, scale, ratio))]
pub fn random_crop(
    image: [usize; 2],
    uniforms: PyReadonlyArray1<'_, f64>,
    scale: [f64; 2],
    ratio: [f64; 2],
) -> PyResult<Rectangle> {
    let given = uniforms.as_slice()?;
    let numbers = <&[f64; CROP_UNIFORMS]>::try_from(given)
        .map_err(|_| Error::argument("uniforms", format!("{} numbers", given.len()), "22"))
        .or_raise()?;
    if image.contains(&0) {
        let size = format!("{} x {}", image[0], image[1]);
        return Err(Error::argument(
            "image",
            size,
            "a width and a height of at least 1 pixel",
        ))
        .or_raise();
    }
    Ok(Sizes::Drawn { scale, ratio }.crop(image, numbers))
}
