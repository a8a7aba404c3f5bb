"""Which image was on screen when: messages, offsets, media, markers, and fixations that span a change."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from gazesim import read_scanpaths
from gazesim.io import ReadingReport, read

HEAD = "MSG\t1000 DISPLAY_COORDS 0 0 1919 1079\nSTART\t1002 \tLEFT\tSAMPLES\tEVENTS\n"


def efix(start: int, end: int, x: float, eye: str = "L") -> str:
    return f"EFIX {eye}   {start}\t{end}\t{end - start + 1}\t  {x:.1f}\t  200.0\t  1000\n"


def accounted(report: ReadingReport) -> bool:
    """Return whether every row is used, left out for a reason, or something else."""
    return report.rows == report.used + report.left_out.total() + report.others.total()


def asc(folder: Path, body: str) -> Path:
    path = folder / "rec.asc"
    path.write_text(HEAD + body + "END\t9000 \tSAMPLES\tEVENTS\tRES\t  38.1\t  38.1\n")
    return path


def images(path: Path, **options: object) -> dict[str, list[float]]:
    """Return the x of the fixations on every image."""
    paths = read_scanpaths(path, verbose=False, **options)
    return {key[0] if isinstance(key, tuple) else key: paths[key][:, 0].tolist() for key in paths.ids}


def test_a_message_that_was_sent_late_counts_from_when_it_happened(tmp_path):
    body = (
        "MSG\t1003 TRIALID 1\nMSG\t1004 !V IMGLOAD FILL a.png\n" + efix(1010, 1209, 1) + efix(1300, 1399, 2)
    )
    path = asc(tmp_path, body + efix(1450, 1549, 3) + "MSG\t1600 180 !V IMGLOAD FILL b.png\n")
    assert images(path) == {"a.png": [1, 2], "b.png": [3]}
    path = asc(
        tmp_path, body + "MSG\t1410 -20 !V IMGLOAD FILL b.png\n" + efix(1425, 1524, 3) + efix(1450, 1549, 4)
    )
    assert images(path) == {"a.png": [1, 2, 3], "b.png": [4]}


def test_names_of_images_have_spaces_folders_and_sizes(tmp_path):
    for message, name in [
        ("FILL my images\\left hip 1.png", "left hip 1.png"),
        ("CENTER images/left hip.png 960 540", "left hip.png"),
        ("CENTER images/hip 2.png 960.0 540.0 800 600", "hip 2.png"),
        ('TOP_LEFT "hip 3.png" 0 0', "hip 3.png"),
        ("FILL hip", "hip"),
    ]:
        path = asc(tmp_path, f"MSG\t1003 TRIALID 1\nMSG\t1004 !V IMGLOAD {message}\n" + efix(1010, 1209, 1))
        assert images(path) == {name: [1]}


def test_trial_variables_name_the_image(tmp_path):
    body = "".join(
        f"MSG\t{t} TRIALID {n}\n{efix(t + 10, t + 100, n)}MSG\t{t + 200} !V TRIAL_VAR condition x\n"
        f"MSG\t{t + 201} !V TRIAL_VAR image pics/im {n}.png\nMSG\t{t + 202} TRIAL_RESULT 0\n"
        for n, t in ((1, 1100), (2, 1400))
    )
    path = asc(tmp_path, body)
    assert images(path) == {"im 1.png": [1], "im 2.png": [2]}
    assert images(path, by="condition") == {"x (trial 1)": [1], "x (trial 2)": [2]}
    assert images(path, by=r"TRIALID (\d+)") == {"1": [1], "2": [2]}
    with pytest.raises(ValueError, match="by is 'word', which matches no message and no trial variable"):
        images(path, by="word")
    with pytest.raises(ValueError, match=r"by is '\(', which is no regular expression"):
        images(path, by="(")


def test_pygaze_and_opensesame_messages(tmp_path):
    body = "".join(
        f"MSG\t{t} start_trial {n}\n{efix(t + 10, t + 100, n)}MSG\t{t + 150} var picture im{n}.png\n"
        f"MSG\t{t + 160} stop_trial\n"
        for n, t in ((0, 1100), (1, 1400))
    )
    assert images(asc(tmp_path, body)) == {"im0.png": [0], "im1.png": [1]}


def test_messages_of_the_experiments_own(tmp_path):
    body = (
        "MSG\t1100 STIM_ON hip 1.png\n" + efix(1110, 1150, 1) + "MSG\t1180 STIM_OFF\n"
        + "MSG\t1200 STIM_ON hip_2.png\n" + efix(1210, 1250, 2)
    )  # fmt: skip
    path = asc(tmp_path, body)
    assert images(path, by=r"STIM_ON (.+)") == {"hip 1.png": [1], "hip_2.png": [2]}
    reading = read(path, verbose=False)
    assert "messages name images, such as 'STIM_ON hip 1.png' (by= splits)" in reading.report.notes


def test_an_eye_that_is_asked_for_is_the_only_one(fixtures):
    report = read(fixtures / "cases" / "eyelink_eye_switch.asc", eye="right", verbose=False).report
    assert report.left_out == {"fixations of the left eye": 2}
    assert "two eyes: right eye; scanpaths: right 1" in report.notes


def test_what_lies_between_trials_is_counted(tmp_path):
    body = (
        "MSG\t1003 TRIALID 1\n" + efix(1010, 1109, 1) + "MSG\t1200 TRIAL_RESULT 0\n" + efix(1300, 1399, 2)
        + "MSG\t1500 TRIALID 2\n" + efix(1510, 1609, 3)
    )  # fmt: skip
    reading = read(asc(tmp_path, body), verbose=False)
    assert [key[0] for key in reading.scanpaths.ids] == ["1", "2"]
    assert reading.report.left_out == {"fixations between trials": 1}
    assert (
        reading.report.rows
        == reading.report.used + reading.report.left_out.total() + reading.report.others.total()
    )


def test_a_fixation_before_the_image_is_not_on_it(tmp_path):
    body = "MSG\t1003 TRIALID 1\n" + efix(1010, 1109, 1) + "MSG\t1150 !V IMGLOAD FILL a.png\n"
    reading = read(asc(tmp_path, body + efix(1200, 1299, 2)), verbose=False)
    assert reading.scanpaths.values[:, 0].tolist() == [2]
    assert reading.report.left_out == {"fixations before the image of their trial": 1}
    assert images(asc(tmp_path, body)) == {"a.png": [1]}  # named when the trial was over


def test_fixations_that_span_a_change(tmp_path):
    body = (
        "MSG\t1003 TRIALID 1\nMSG\t1004 !V IMGLOAD FILL a.png\n" + efix(1100, 1499, 1)
        + "MSG\t1200 !V IMGLOAD FILL b.png\n" + efix(1600, 1699, 2)
    )  # fmt: skip
    path = asc(tmp_path, body)
    assert images(path) == {"a.png": [1], "b.png": [2]}
    assert images(path, spanning="drop") == {"b.png": [2]}
    split = read_scanpaths(path, spanning="split", verbose=False)
    assert images(path, spanning="split") == {"a.png": [1], "b.png": [1, 2]}
    np.testing.assert_allclose(split[0][0, 2] + split[1][0, 2], 0.4)
    np.testing.assert_allclose(split[0][0, 2], 0.4 * 100 / 399)
    with pytest.raises(ValueError, match=r"spanning is 'end'; expected \"start\", \"split\" or \"drop\""):
        read_scanpaths(path, spanning="end")


def test_an_image_that_is_shown_twice_is_two_scanpaths(tmp_path):
    body = "".join(
        f"MSG\t{t} TRIALID {n}\nMSG\t{t + 1} !V IMGLOAD FILL a.png\n{efix(t + 10, t + 100, n)}"
        for n, t in ((1, 1100), (2, 1400))
    )
    assert images(asc(tmp_path, body)) == {"a.png (trial 1)": [1], "a.png (trial 2)": [2]}
    report = tmp_path / "report.txt"
    rows = "".join(f"P1\t{n}\tpic.png\t{n}00,5\t10\t200\n" for n in (1, 2, 2))
    header = (
        "RECORDING_SESSION_LABEL\tTRIAL_INDEX\tIMAGE\tCURRENT_FIX_X\tCURRENT_FIX_Y\tCURRENT_FIX_DURATION\n"
    )
    report.write_text(header + rows)
    assert images(report) == {"pic.png (trial 1)": [100.5], "pic.png (trial 2)": [200.5, 200.5]}
    assert images(report, by="TRIAL_INDEX") == {"1": [100.5], "2": [200.5, 200.5]}
    with pytest.raises(ValueError, match="by is 'TRAIL', which is no column; expected one of RECORDING"):
        images(report, by="TRAIL")


def test_time_that_goes_back_is_refused(tmp_path):
    path = asc(tmp_path, efix(1010, 1109, 1) + "END\t2000\nSTART\t500\tLEFT\n" + efix(510, 600, 2))
    with pytest.raises(ValueError, match=r"line 5: time goes back from 2000 to 500 ms; expected one"):
        read_scanpaths(path)


def test_a_fixation_without_an_end_is_counted(tmp_path):
    body = efix(1010, 1109, 1) + "SFIX L   1200\nEND\t1300\nSTART\t1400\tLEFT\n" + efix(1410, 1509, 2)
    report = read(asc(tmp_path, body), verbose=False).report
    assert report.left_out == {"fixations without an end (SFIX without EFIX)": 1}
    assert report.rows == 10 - 2  # every line of the file
    assert accounted(report)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("DISPLAY_COORDS 0 0 1919 1079", (1920, 1080)),
        ("DISPLAY_COORDS: 0, 0, 1919, 1079", (1920, 1080)),
        ("DISPLAY_COORDS = (0.0, 0.0, 1919.0, 1079.0)", (1920, 1080)),
        ("display_coords=[0, 0, 1919, 1079]", (1920, 1080)),
        ("DISPLAY_COORDS 1920 1080", (1920, 1080)),
        ("SCREEN_PIXEL_COORDS = 0 0 1919 1079", (1920, 1080)),
        ("DISPLAY_COORDS are not known", None),
    ],
)
def test_spellings_of_the_screen(tmp_path, text, size):
    path = tmp_path / "rec.asc"
    path.write_text(
        f"** CONVERTED FROM x\nMSG\t1000 {text}\nSTART\t1002 LEFT\n{efix(1010, 1109, 1)}END 1200\n"
    )
    assert read_scanpaths(path, verbose=False).screen_size == size


def test_lost_points_of_eyelink(tmp_path):
    body = efix(1010, 1109, 1) + efix(1200, 1299, 1e8) + efix(1300, 1399, -32768) + efix(1400, 1499, 77)
    path = asc(tmp_path, body)
    assert images(path) == {"block 1": [1, 77]}
    assert images(path, missing=77) == {"block 1": [1]}
    assert images(path, missing="77,200 5") == {"block 1": [1]}
    with pytest.raises(ValueError, match="missing is 'x'; expected a number, a pair x,y"):
        images(path, missing="x")


TOBII = "\t".join(
    [
        "Recording timestamp", "Participant name", "Presented Stimulus name", "Eye movement type",
        "Eye movement event duration", "Eye movement type index", "Fixation point X", "Fixation point Y\n",
    ]
)  # fmt: skip


def tobii(folder: Path, rows: list[tuple[int, str, int, int]], name: str = "rec.tsv") -> Path:
    text = "".join(f"{t}\tP1\t{image}\tFixation\t200\t{index}\t{x}\t50\n" for t, image, index, x in rows)
    (folder / name).write_text(TOBII + text)
    return folder / name


def test_tobii_media(tmp_path):
    rows = [
        (0, "a", 1, 10),
        (10, "a", 1, 10),
        (20, "b", 1, 10),
        (30, "b", 2, 20),
        (40, "", 3, 30),
        (50, "a", 4, 40),
    ]
    path = tobii(tmp_path, rows)
    assert images(path) == {"a (showing 1)": [10], "b": [20], "a (showing 2)": [40]}
    report = read(path, verbose=False).report
    assert report.left_out == {"fixations without a stimulus": 1}
    assert report.rows == 6
    assert accounted(report)
    assert images(path, spanning="drop") == {"b": [20], "a": [40]}
    with pytest.raises(ValueError, match="line 3: time goes back from 9000 to 0"):
        images(tobii(tmp_path, [(9000, "a", 1, 10), (0, "a", 2, 10)]))


def test_tobii_events_name_the_image(tmp_path):
    path = tobii(tmp_path, [(0, "", 1, 10), (10, "", 2, 20)])
    text = path.read_text().splitlines()
    text = [
        text[0] + "\tEvent\tEvent value",
        text[1] + "\t\t",
        "5\tP1\t\t\t\t\t\t\tImageStimulusStart\tb.png",
        text[2],
    ]
    path.write_text("\n".join(text) + "\n")
    assert images(path, by=r"ImageStimulusStart (.*)") == {"b.png": [20]}


def test_glasses_without_mapped_columns_are_refused(tmp_path):
    path = tobii(tmp_path, [(0, "", 1, 10)])
    text = path.read_text().splitlines()
    path.write_text(f"{text[0]}\tSensor\n{text[1]}\tEye Tracker\n5\tP1\t\t\t\t\t\t\tGyroscope\n")
    with pytest.raises(ValueError, match=r"recording of glasses without mapped columns: .* scene camera"):
        read_scanpaths(path)
    assert images(path, coord_unit="px") == {"rec": [10]}


def test_several_snapshots(tmp_path, fixtures):
    text = (fixtures / "cases" / "tobii_glasses_mapped.tsv").read_text()
    again = re.sub(r"\[snap\]", "[Other picture]", text)
    lines = [f"{a}\t{b}" for a, b in zip(text.splitlines(), again.splitlines(), strict=True)]
    # The same columns twice: only those of the second snapshot are needed again.
    header = lines[0].split("\t")
    keep = [i for i, name in enumerate(header) if header.index(name) == i]
    (tmp_path / "g.tsv").write_text(
        "".join("\t".join(line.split("\t")[i] for i in keep) + "\n" for line in lines)
    )
    assert images(tmp_path / "g.tsv") == {"snap": [1213], "Other picture": [1213]}


def test_fixations_off_the_pictures_of_glasses_are_counted(tmp_path, fixtures):
    text = (fixtures / "cases" / "tobii_glasses_mapped.tsv").read_text()
    off = "1050\tEye Tracker\tP1\tR1\t\t\t\t\tFixation\t300\t1682\t10\t20\n"
    (tmp_path / "g.tsv").write_text(text + off + off)
    report = read(tmp_path / "g.tsv", verbose=False).report
    assert report.left_out == {"fixations that are not on a mapped picture": 1}
    assert accounted(report)
    only_off = "\n".join(line for line in (text + off).splitlines() if "1213" not in line)
    (tmp_path / "g.tsv").write_text(only_off)
    with pytest.raises(ValueError, match="no fixation is left: left out 2 fixations that are not on a map"):
        read_scanpaths(tmp_path / "g.tsv")


def test_gazepoint_markers_and_media(tmp_path, fixtures):
    path = fixtures / "cases" / "gazepoint_user_markers.tsv"
    assert list(images(path, by=r"START_TRIAL (\d+)")) == ["1"]
    assert list(images(path, by=r"START_TRIAL (\d+)", spanning="split")) == ["1", "2"]
    with pytest.raises(ValueError, match=r"by is 'GO', which matches no message; messages are 'START_"):
        images(path, by="GO")
    text = path.read_text().splitlines()
    named = [text[0] + "\tMEDIA_NAME"] + [
        f"{row}\t{name}" for row, name in zip(text[1:], "aabbb", strict=True)
    ]
    (tmp_path / "m.tsv").write_text("\n".join(named))
    assert list(images(tmp_path / "m.tsv")) == ["a", "b"]


def test_smi_trials_with_several_images(tmp_path, fixtures):
    text = (fixtures / "smi_trials.txt").read_text()
    extra = "UserEvent\t2\t2\t800000\t# Message: cxr_3.jpg\n"
    extra += "Fixation L\t2\t2\t900000\t950000\t50000\t7\t8\t5\t6\t-1\t1\t1\n"
    (tmp_path / "e.txt").write_text(text.rstrip("\n") + "\n" + extra)
    assert images(tmp_path / "e.txt") == {"cxr_1.jpg": [10.5], "cxr_2.jpg": [30], "cxr_3.jpg": [7]}
    lost = text.replace("10.5\t20.5", "0\t0")
    (tmp_path / "e.txt").write_text(lost)
    assert read(tmp_path / "e.txt", verbose=False).report.left_out["fixations without a position"] == 1


def test_damaged_rows_can_be_skipped(edited):
    path = edited("smi_trials.txt", "\t200000\t10.5", "\tx\t10.5")
    reading = read(path, on_bad_row="skip", verbose=False)
    assert reading.report.left_out["damaged rows"] == 1
    path = edited("trials.asc", "  400.0", "  4OO.0")
    assert read(path, on_bad_row="skip", verbose=False).report.left_out["damaged rows"] == 1
    path = edited("tidy.csv", "5,6,0.5", "5,z,0.5")
    report = read(path, on_bad_row="skip", verbose=False).report
    assert report.left_out == {"damaged rows": 1}
    assert report.rows == report.used + 1
