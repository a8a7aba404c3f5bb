"""The Bokeh figures of reports. They hold only numbers; the page shows ids and labels as text."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cache.inspection import ALMOST_NONE, FEW, MANY, Inspection
from .page import require_bokeh

__all__ = ["COLLAPSE", "curve_figure", "histogram_figure", "matrix_figure", "score_figure"]

BLUE, ORANGE, GREEN, RED, GREY = "#2f6690", "#d1701f", "#3f8f5b", "#b5403a", "#8a8f98"
#: Distinguishable also for people with red-green colour blindness (Okabe and Ito).
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6b6b6b", "#000000")
#: Extra positives per row from which representations collapsed in training on phantoms.
COLLAPSE = 28
BINS = 80


def _figure(**options: Any) -> Any:
    plotting = require_bokeh().plotting
    options = {"tools": "", "toolbar_location": None, "sizing_mode": "stretch_width", **options}
    plot = plotting.figure(output_backend="canvas", **options)
    plot.background_fill_color = plot.border_fill_color = "#ffffff"
    plot.outline_line_color = None
    plot.xgrid.grid_line_color = plot.ygrid.grid_line_color = "#eceef1"
    for axis in (*plot.xaxis, *plot.yaxis):
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_text_color = axis.major_label_text_color = "#3c434d"
        axis.axis_line_color = axis.major_tick_line_color = "#b8bec7"
        axis.minor_tick_line_color = None
        axis.major_label_text_font_size = axis.axis_label_text_font_size = "13px"
    return plot


def _mark(plot: Any) -> None:
    """Add the line at the chosen threshold; the page moves it."""
    from bokeh.models import Span

    plot.add_layout(Span(name="mark", location=0.5, dimension="height", line_color=ORANGE, line_width=2.5))


def curve_figure(found: Inspection) -> Any:
    """Return the curve of extra positives per row against the threshold, with the zones of the text."""
    from bokeh.models import BoxAnnotation, ColumnDataSource, FixedTicker, NumeralTickFormatter

    full = found.batch_size - 1
    low = float(min(found.thresholds[0], 0.99))
    plot = _figure(
        height=300,
        y_axis_type="log",
        x_range=(low, 1.0),
        y_range=(ALMOST_NONE / 4, full * 1.3),
        x_axis_label="threshold",
        y_axis_label="extra positives per row",
    )
    zones = ((COLLAPSE, 1e6, RED, 0.10), (FEW, MANY, GREEN, 0.16), (1e-6, ALMOST_NONE, GREY, 0.14))
    for bottom, top, colour, alpha in zones:
        plot.add_layout(
            BoxAnnotation(bottom=bottom, top=top, fill_color=colour, fill_alpha=alpha, line_color=None)
        )
    plot.yaxis.ticker = FixedTicker(ticks=[0.25, 0.5, *(2**power for power in range(20))])
    plot.yaxis.formatter = NumeralTickFormatter(format="0,0.[00]")
    shown = np.maximum(found.extras, ALMOST_NONE / 4)
    # Plain lists: the page scales them when another batch size is chosen.
    source = ColumnDataSource({"x": found.thresholds.tolist(), "y": shown.tolist()}, name="extras")
    plot.line("x", "y", source=source, line_color=BLUE, line_width=3)
    _mark(plot)
    return plot


def histogram_figure(found: Inspection) -> Any:
    """Return the histogram of the affinities of pairs, without pairs that the cache dropped."""
    seen = found.pairs[found.pairs > 0]
    low = float(seen[0]) if len(seen) else 0.0
    low = min(low, 0.99)
    counts, edges = np.histogram(seen, bins=BINS, range=(low, 1.0))
    share = counts / max(1, len(seen))
    plot = _figure(height=300, x_range=(low, 1.0), x_axis_label="affinity", y_axis_label="share of pairs")
    plot.quad(
        left=edges[:-1].tolist(),
        right=edges[1:].tolist(),
        top=share.tolist(),
        bottom=0,
        fill_color=BLUE,
        fill_alpha=0.75,
        line_color="#ffffff",
    )
    plot.y_range.start = 0
    _mark(plot)
    return plot


def matrix_figure(count: int, low: float, high: float) -> Any:
    """Return the figure of the matrix, to zoom and pan; the page fills in the affinities."""
    from bokeh.models import BasicTicker, ColorBar, ColumnDataSource, LinearColorMapper, WheelZoomTool
    from bokeh.palettes import Viridis256

    plot = _figure(
        aspect_ratio=1.08,  # the colour bar stands beside a square
        x_range=(0, count),
        y_range=(count, 0),
        tools="pan,wheel_zoom,box_zoom,reset,save",
        toolbar_location="above",
        x_axis_label="image, ordered by similarity",
        y_axis_label="image, ordered by similarity",
        name="matrix",
    )
    plot.toolbar.active_scroll = plot.select_one(WheelZoomTool)
    plot.toolbar.logo = None
    for span in (plot.x_range, plot.y_range):
        span.bounds = (0, count)
        span.min_interval = 4
    source = ColumnDataSource({"image": [np.zeros((1, 1), np.uint8)]}, name="matrix source")
    # Bytes 0 to 255 stand for affinities from low to high.
    mapper = LinearColorMapper(palette=Viridis256, low=0, high=255)
    # The y axis runs downward, so the first row, which is drawn at y = 0, is on top.
    plot.image("image", source=source, x=0, y=0, dw=count, dh=count, color_mapper=mapper)
    scale = LinearColorMapper(palette=Viridis256, low=low, high=high)
    plot.add_layout(ColorBar(color_mapper=scale, ticker=BasicTicker(), title="affinity", width=12), "right")
    return plot


def score_figure(
    shares: list[float], curves: list[tuple[NDArray[np.float64], NDArray[np.float64]]], label: str
) -> Any:
    """Return scores by share of labels: a line for every method, and a bar of one standard deviation.

    ``curves`` holds (means, standard deviations) for the shares; NaN where there is none.
    """
    from bokeh.models import ColumnDataSource, FixedTicker, TeeHead, Whisker

    plot = _figure(height=320, x_axis_label="share of the training labels", y_axis_label=label)
    places = list(range(len(shares)))
    reached: list[float] = []
    for number, (means, spreads) in enumerate(curves):
        known = np.flatnonzero(np.isfinite(means))
        shift = 0.06 * (number - (len(curves) - 1) / 2)
        x = [places[at] + shift for at in known]
        y = means[known]
        colour = COLOURS[number % len(COLOURS)]
        dash = "solid" if number < len(COLOURS) else "dashed"
        plot.line(x, y.tolist(), line_color=colour, line_width=2.5, line_dash=dash)
        plot.scatter(x, y.tolist(), color=colour, size=8)
        error = np.nan_to_num(spreads[known])
        source = ColumnDataSource({"x": x, "low": (y - error).tolist(), "high": (y + error).tolist()})
        ends = TeeHead(line_color=colour, size=8)
        whisker = Whisker(base="x", lower="low", upper="high", source=source, line_color=colour)
        whisker.upper_head = whisker.lower_head = ends
        plot.add_layout(whisker)
        reached += [*(y - error), *(y + error)]
    if reached:
        margin = 0.04 * max(max(reached) - min(reached), 0.01)
        plot.y_range.start, plot.y_range.end = min(reached) - margin, max(reached) + margin
    plot.xaxis.ticker = FixedTicker(ticks=places)
    plot.xaxis.major_label_overrides = {
        at: f"{100 * share:g} %" for at, share in zip(places, shares, strict=True)
    }
    return plot
