"""Samples to fixations: a synthetic recording in the layout of every tracker, and agreement with vendors."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gazesim import detect_fixations
from gazesim.io import find_fixations, read_samples
from gazesim.io.raw import place_of

#: Where the synthetic reader looks (px of 1920 x 1080), 0.3 s each at 250 Hz; two on each image.
PLACES = [(400.0, 300.0), (1200.0, 700.0), (700.0, 200.0), (1500.0, 900.0)]
RATE, EACH = 250, 75
#: Between the eyes, px.
SHIFT = 4.0


def synthetic() -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return times in s, the mean of both eyes in px (NaN in a blink), and the image of every sample."""
    rng = np.random.default_rng(3)
    place = np.repeat(np.array(PLACES), EACH, axis=0) + rng.normal(0, 0.2, (4 * EACH, 2))
    place[30:36] = np.nan  # a blink of 24 ms within the first fixation
    return np.arange(4 * EACH) / RATE, place, ["a.png"] * (2 * EACH) + ["b.png"] * (2 * EACH)


def number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.4f}"


def eyelink(folder: Path) -> Path:
    time, place, images = synthetic()
    lines = ["** CONVERTED FROM x.edf", "MSG\t900 DISPLAY_COORDS 0 0 1919 1079"]
    lines += ["START\t1000 \tLEFT\tRIGHT\tSAMPLES\tEVENTS"]
    for t, (x, y), image, before in zip(time, place, images, ["", *images[:-1]], strict=True):
        stamp = 1000 + round(t * 1000)
        if image != before:
            lines += [f"MSG\t{stamp} TRIALID {image[0]}", f"MSG\t{stamp} !V IMGLOAD FILL {image}"]
        left, right = (
            f"  {x + s:.2f}\t  {y:.2f}" if x == x else "   .\t   ." for s in (-SHIFT / 2, SHIFT / 2)
        )
        lines.append(f"{stamp}\t{left}\t  800.0\t{right}\t  800.0\t.....")
    lines += ["END\t2300 \tSAMPLES\tEVENTS\tRES\t  40.00\t  40.00"]
    path = folder / "rec.asc"
    path.write_text("\n".join(lines) + "\n")
    return path


def table(folder: Path, name: str, header: str, row: Callable[..., str], mark: str = "\t") -> Path:
    time, place, images = synthetic()
    lines = [header] + [row(t, x, y, i) for t, (x, y), i in zip(time, place, images, strict=True)]
    path = folder / name
    path.write_text("\n".join(lines).replace("|", mark) + "\n")
    return path


def both(x: float, y: float, scale: tuple[float, float] = (1, 1)) -> str:
    cells = [(x - SHIFT / 2) / scale[0], y / scale[1], (x + SHIFT / 2) / scale[0], y / scale[1]]
    return "|".join(number(cell) for cell in cells)


def tobii(folder: Path) -> Path:
    header = (
        "Recording timestamp [μs]|Participant name|Recording resolution width|Recording resolution height|"
        "Presented Media name|Gaze point left X [DACS px]|Gaze point left Y [DACS px]|"
        "Gaze point right X [DACS px]|Gaze point right Y [DACS px]|Validity left|Validity right"
    )
    return table(
        folder, "lab.tsv", header,
        lambda t, x, y, i: f"{round(t * 1e6)}|P1|1920|1080|{i}|{both(x, y)}|"
        + ("Valid|Valid" if x == x else "Invalid|Invalid"),
    )  # fmt: skip


def gazepoint(folder: Path) -> Path:
    header = "MEDIA_NAME,CNT,TIME(2021/05/29 14:17:09.236),LPOGX,LPOGY,RPOGX,RPOGY,LPOGV,RPOGV,FPOGX,FPOGY"
    return table(
        folder, "User 0_all_gaze.csv", header,
        lambda t, x, y, i: f"{i}|0|{t:.5f}|"
        + (both(x, y, (1920, 1080)) if x == x else "0|0|0|0") + f"|{int(x == x)}|{int(x == x)}|0|0", ",",
    )  # fmt: skip


def smi(folder: Path) -> Path:
    header = "## [iView]\n##\nTime|Type|Trial|L POR X [px]|L POR Y [px]|R POR X [px]|R POR Y [px]|Stimulus"
    return table(
        folder, "smi_samples.txt", header,
        lambda t, x, y, i: f"{70590724309 + round(t * 1e6)}|SMP|1|"
        + (both(x, y) if x == x else "0.00|0.00|0.00|0.00") + f"|{i}",
    )  # fmt: skip


def tidy(folder: Path) -> Path:
    row = lambda t, x, y, i: f"{i}|{t * 1000:.0f}|{number(x)}|{number(y)}"  # noqa: E731
    return table(folder, "samples.csv", "image_id,time,x,y", row, ",")


def egd(folder: Path) -> Path:
    header = "DICOM_ID,Time (in secs),FPOGX,FPOGY,FPOGS,FPOGD,FPOGID,BPOGX,BPOGY,BPOGV"
    return table(
        folder, "eye_gaze.csv", header,
        lambda t, x, y, i: f"{i}|{t:.5f}|0|0|0|0|0|{number(x / 1920)}|{number(y / 1080)}|{int(x == x)}", ",",
    )  # fmt: skip


def tobii_4c(folder: Path) -> Path:
    header = "left_gaze_point_on_display_area;right_gaze_point_on_display_area;system_time_stamp;stimulus"
    return table(
        folder, "dump.csv", header,
        lambda t, x, y, i: f"({(x - 2) / 1920}, {y / 1080});({(x + 2) / 1920}, {y / 1080});"
        f"{1e15 + t * 1e6:.0f};{i}", ";",
    )  # fmt: skip


def bids(folder: Path) -> Path:
    time, place, _ = synthetic()
    cells = [["n/a" if np.isnan(value) else str(value) for value in point] for point in place]
    rows = [f"{1000 + t * 1000:.0f}\t{x}\t{y}" for t, (x, y) in zip(time, cells, strict=True)]
    path = folder / "sub-01_task-view_recording-eye1_physio.tsv.gz"
    path.write_bytes(gzip.compress("\n".join(rows).encode()))
    sidecar = {"Columns": ["timestamp", "x_coordinate", "y_coordinate"], "SamplingFrequency": RATE}
    path.with_name(path.name.replace(".tsv.gz", ".json")).write_text(json.dumps(sidecar))
    return path


MAKERS = [eyelink, tobii, gazepoint, smi, tidy, egd, tobii_4c, bids]


@pytest.mark.parametrize("make", MAKERS)
def test_fixations_lie_where_they_were_made(tmp_path, make):
    reading = find_fixations(make(tmp_path), screen_size=(1920, 1080), verbose=False)
    paths, report = reading
    images = [key[0] if isinstance(key, tuple) else key for key in paths.ids]
    if make is not bids:
        assert images == ["a.png", "b.png"]
    np.testing.assert_allclose(paths.values[:, :2], PLACES, atol=1)
    np.testing.assert_allclose(paths.values[:, 2], 0.3, atol=0.03)
    assert report.others["samples"] + report.others["samples without gaze"] == 4 * EACH
    assert report.rows == report.used + report.left_out.total() + report.others.total()
    assert report.rates == [RATE]


@pytest.mark.parametrize("make", [eyelink, tobii, gazepoint, smi])
def test_one_eye(tmp_path, make):
    path = make(tmp_path)
    for eye, shift in (("left", -SHIFT / 2), ("right", SHIFT / 2)):
        paths = find_fixations(path, eye=eye, verbose=False).scanpaths
        np.testing.assert_allclose(paths.values[:, 0], np.array(PLACES)[:, 0] + shift, atol=1)


def test_dispersion_and_gaps(tmp_path):
    path = tidy(tmp_path)
    by_extent = find_fixations(path, method="idt", screen_size=(1920, 1080), verbose=False).scanpaths
    np.testing.assert_allclose(by_extent.values[:, :2], PLACES, atol=1)
    cut = find_fixations(path, max_gap=0.0, screen_size=(1920, 1080), verbose=False).scanpaths
    assert len(cut.values) == 5  # the blink ends the first fixation


def test_stamps_that_repeat_and_that_go_back(tmp_path):
    frame = {"time": [0, 0, 1, 1, 2, 2], "x": [1.0] * 6, "y": [2.0] * 6}
    (samples,) = read_samples(frame)
    np.testing.assert_allclose(samples.time * 1e3, [0, 0.5, 1, 1.5, 2, 2.5])
    assert round(samples.rate) == 2000
    with pytest.raises(ValueError, match=r"table, line 2: time goes back from 0.01 s to 0.005 s"):
        read_samples({"time": [0, 10, 5], "x": [1, 1, 1], "y": [1, 1, 1]})


def test_images_by_messages(tmp_path, shared):
    (samples,) = read_samples(shared / "data" / "pymovements_examples" / "didec_example.txt")
    assert [change[1].stimulus for change in samples.time_line().changes if change[1]] == ["test.bmp"]
    paths = find_fixations(eyelink(tmp_path), by=r"TRIALID (\w)", verbose=False).scanpaths
    assert [key[0] for key in paths.ids] == ["a", "b"]


def test_bids_events_say_what_was_shown(tmp_path):
    path = bids(tmp_path)
    events = tmp_path / "sub-01_task-view_events.tsv"
    events.write_text("onset\tduration\tstim_file\n0\t0.6\tpics/a.png\n0.7\t0.5\tb.png\n")
    reading = find_fixations(path, screen_size=(1920, 1080), verbose=False)
    assert reading.scanpaths.ids == (("a.png", "sub-01"), ("b.png", "sub-01"))
    assert len(reading.scanpaths[0]) == 2
    assert reading.report.left_out == {"fixations while no image was shown": 1}


def test_what_is_no_recording_is_refused(tmp_path, fixtures):
    with pytest.raises(ValueError, match=r"tidy\.csv: holds no gaze samples; expected a header with"):
        find_fixations(fixtures / "tidy.csv")
    with pytest.raises(ValueError, match="screen_cm and distance_cm belong together"):
        find_fixations(tidy(tmp_path), screen_cm=(50, 30))
    (tmp_path / "sub-01_physio.tsv").write_text("1\t2\t3\n")
    with pytest.raises(ValueError, match=r"has no header; expected its columns in sub-01_physio\.json"):
        find_fixations(tmp_path / "sub-01_physio.tsv")


#: Recordings that hold samples and the tracker's own fixations; two other .asc files lack the samples.
WITH_EVENTS = [("eyelink_binocular_example.asc", "left"), ("eyelink_binocular_example.asc", "right"),
               ("eyelink_monocular_no_dummy_example.asc", "left")]  # fmt: skip


def test_agreement_with_the_tracker(shared):
    """At least 95 % of the vendor's fixations are found within 50 ms and one degree."""
    found = total = 0
    for name, eye in WITH_EVENTS:
        (samples,) = read_samples(shared / "data" / "pymovements_examples" / name)
        place, _ = place_of(samples, eye)
        degree = np.array(samples.px_per_degree or (48.0, 48.0))
        fixations = detect_fixations(
            np.column_stack([place / degree, samples.time]), method="ivt", unit="deg", velocity=30.0,
            minimum_duration=0.04, max_gap=0.05, with_start=True,
        )  # fmt: skip
        for one in samples.vendor:
            if one.eye != eye:
                continue
            total += 1
            near = np.hypot(*(fixations[:, :2] - np.array([one.x, one.y]) / degree).T) < 1
            start = np.abs(fixations[:, 3] - one.start) < 0.05
            end = np.abs(fixations[:, 3] + fixations[:, 2] - one.end) < 0.05
            found += bool((near & start & end).any())
    assert total == 6
    assert found >= 0.95 * total


def test_fixations_of_emdat_lie_within_ours(shared):
    """EMDAT cuts a steady gaze into fixations that touch; each of its 14 lies within one of ours."""
    folder = shared / "data" / "emdat_vendor_exports"
    (samples,) = read_samples(folder / "Tobii4C_4Ctest.csv")
    place = place_of(samples, None)[0] * (1920, 1080) / 48
    ours = detect_fixations(
        np.column_stack([place, samples.time]), method="ivt", unit="deg", velocity=30.0,
        minimum_duration=0.04, max_gap=0.05, with_start=True,
    )  # fmt: skip
    rows = [line.split(",") for line in (folder / "Tobii4C_4Ctest_fixation.csv").read_text().splitlines()]
    theirs = [[float(cell) for cell in row[1:]] for row in rows if row[0] == "fixation"]
    assert len(theirs) == 14
    for x, y, start, end, _ in theirs:
        near = np.hypot(ours[:, 0] - x * 19.2 / 48, ours[:, 1] - y * 10.8 / 48) < 1
        around = (ours[:, 3] - 0.05 <= start / 1e6) & (ours[:, 3] + ours[:, 2] + 0.05 >= end / 1e6)
        assert (near & around).any()


def in_unit(folder: Path, coord: str = "px", time: str = "s", name: str = "unit.csv") -> Path:
    """Write two fixations of 0.5 s, at (160, 120) and (640, 480) px of 800 x 600, in other units."""
    wide, high = {"px": (1, 1), "fraction": (800, 600), "percent": (8, 6)}[coord]
    step = {"s": 0.01, "ms": 10, "us": 10_000}[time]
    rows = ["image_id,time,x,y"]
    for k in range(100):
        x, y = (160, 120) if k < 50 else (640, 480)
        rows.append(f"a,{k * step:.10g},{x / wide:.10g},{y / high:.10g}")
    path = folder / name
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize(
    ("coord", "time"), [("px", "s"), ("fraction", "s"), ("percent", "s"), ("px", "ms"), ("fraction", "us")]
)
@pytest.mark.parametrize("is_frame", [False, True])
def test_units_of_samples_are_converted_once(tmp_path, coord, time, is_frame):
    path = in_unit(tmp_path, coord, time)
    place = path
    if is_frame:
        head, *rows = (line.split(",") for line in path.read_text().splitlines())
        place = dict(zip(head, zip(*rows, strict=True), strict=True))
        place.update({name: [float(cell) for cell in place[name]] for name in ("time", "x", "y")})
    found, report = find_fixations(
        place, coord_unit=coord, time_unit=time, screen_size=(800, 600), verbose=False
    )
    expected = [[160, 120, 0.49], [640, 480, 0.49]]
    np.testing.assert_allclose(found.values, expected, atol=0.011)
    plain = find_fixations(in_unit(tmp_path, name="px.csv"), screen_size=(800, 600), verbose=False)
    np.testing.assert_allclose(found.values, plain.scanpaths.values)
    assert report.coord_unit == coord
    assert report.warnings == []
    arrow = "x, y in px" if coord == "px" else f"x, y {coord} -> px"
    assert f"{arrow} of 800 x 600 (as asked)" in report.notes


@pytest.mark.parametrize(
    ("coord", "offset"), [("px", "16,-6"), ("fraction", "0.02,-0.01"), ("percent", "2,-1")]
)
def test_an_offset_of_samples_is_in_the_unit_of_the_file(tmp_path, coord, offset):
    path = in_unit(tmp_path, coord)
    options = {"coord_unit": coord, "screen_size": (800, 600), "verbose": False}
    found, report = find_fixations(path, offset=offset, **options)
    np.testing.assert_allclose(found.values[:, :2], [[144, 126], [624, 486]])
    assert f"drift {offset} {coord} (given) subtracted from 1 of 1 scanpaths" in report.notes


def test_the_unit_of_a_format_is_that_of_its_offset(tmp_path):
    path = gazepoint(tmp_path)
    plain, moved = (
        find_fixations(path, offset=offset, verbose=False).scanpaths.values for offset in (None, "0.1,0")
    )
    np.testing.assert_allclose(plain[:, 0] - moved[:, 0], 192)


def untimed(folder: Path, name: str) -> Path:
    points = [[160, 120]] * 60 + [[640, 480]] * 60
    path = folder / name
    path.write_text(
        json.dumps({"gaze": points, "img": "a.png"}) if name == "a.json" else f"a.png;1;{points};;\n"
    )
    return path


@pytest.mark.parametrize("name", ["a.json", "anna.csv"])
def test_a_rate_is_that_of_samples_without_times(tmp_path, name):
    path = untimed(tmp_path, name)
    for rate in (120, 60):
        for unit in ({}, {"time_unit": "samples"}):
            found = find_fixations(path, sampling_rate=rate, screen_size=(800, 600), verbose=False, **unit)
            np.testing.assert_allclose(found.scanpaths.values[:, 2], 60 / rate, atol=2.5 / rate)
            assert found.report.rates == [rate]
    lost = find_fixations(path, missing=(640, 480), screen_size=(800, 600), verbose=False)
    assert len(lost.scanpaths.values) == 1
    with pytest.raises(
        ValueError, match="time_unit is 'ms', and the samples have no times; expected sampling"
    ):
        find_fixations(path, time_unit="ms")


def test_units_that_do_not_fit_samples_are_refused(tmp_path):
    with pytest.raises(ValueError, match="sampling_rate is 120, and the samples have times; expected it for"):
        find_fixations(in_unit(tmp_path), sampling_rate=120)
    with pytest.raises(ValueError, match=r"a\.json: x, y are in percent; expected screen_size="):
        find_fixations(untimed(tmp_path, "a.json"), coord_unit="percent")
    with pytest.raises(
        ValueError, match=r"time_unit is 'ms', and SamplingFrequency of .* gives the times in s"
    ):
        find_fixations(bids(tmp_path), time_unit="ms")
    with pytest.raises(ValueError, match='time_unit is "samples"; expected a unit of time'):
        find_fixations(eyelink(tmp_path), time_unit="samples")


def test_the_clock_of_an_eyelink_file_has_the_unit_asked_for(tmp_path):
    path = eyelink(tmp_path)
    (usual,), (slow,) = (read_samples(path, time_unit=unit) for unit in (None, "us"))
    np.testing.assert_allclose(usual.time / 1000, slow.time)
    assert usual.time_line().changes[-1][0] == pytest.approx(slow.time_line().changes[-1][0] * 1000)


@pytest.mark.parametrize(
    ("header", "row", "eyes"),
    [
        ("time,x,y", "{t},{x},6", ["both"]),
        ("time,left_x,left_y,right_x,right_y", "{t},5,6,{x},8", ["left", "right"]),
    ],
)
def test_damaged_rows_are_left_out_as_a_whole_and_counted(tmp_path, header, row, eyes):
    lines = [header] + [row.format(t=10 * k, x="bad" if k == 3 else 7) for k in range(10)]
    lines.insert(6, row.format(t=45, x=7) + ",9,9")
    path = tmp_path / "rec.csv"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(ValueError, match=r"rec\.csv, line 5: column '\w+' is 'bad'; expected a number"):
        read_samples(path)
    (samples,) = read_samples(path, on_bad_row="skip")
    np.testing.assert_allclose(samples.time, [0, 0.01, 0.02, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09])
    assert [len(getattr(samples, eye)) for eye in eyes] == [9] * len(eyes)
    assert samples.others["damaged rows"] == 2
    found = find_fixations(path, on_bad_row="skip", screen_size=(800, 600), verbose=False)
    assert found.report.others["damaged rows"] == 2
    assert found.report.rows == 2 + 9 + found.report.used + found.report.left_out.total()
