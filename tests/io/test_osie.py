"""OSIE and the reader of MATLAB 5 files: against scipy, and against damage that ends scipy's process."""

from __future__ import annotations

import random
import zlib
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from gazesim import read_scanpaths
from gazesim.io.matlab import variable
from real_gaze_files import largest


def cell(items):
    """Return what savemat writes as a cell."""
    result = np.empty(len(items), object)
    for position, item in enumerate(items):
        result[position] = item
    return result


def write(path, images=3, subjects=2, compressed=False):
    """Write a file in OSIE's layout, with numbers of the types that MATLAB packs them to."""
    durations = np.array([100, 200, 300], np.uint16)
    seen = [
        {"fix_x": np.arange(3) + 0.5, "fix_y": np.arange(3, dtype="i1"), "fix_duration": durations}
    ] * subjects
    entries = [{"img": f"{image}.jpg", "subjects": cell(seen)} for image in range(images)]
    savemat(path, {"before": [1.0], "fixations": cell(entries)}, do_compression=compressed)
    return path


def test_equals_scipy_on_the_real_file():
    path = largest("osie")
    paths = read_scanpaths(path, verbose=False)
    content = loadmat(path, squeeze_me=True, struct_as_record=False)["fixations"]
    seen = [
        (image.img, number, one)
        for image in content
        for number, one in enumerate(np.atleast_1d(image.subjects))
    ]
    assert paths.ids == tuple((name, f"{number + 1:02d}") for name, number, _ in seen)
    columns = [
        [np.atleast_1d(getattr(one, f"fix_{what}")) for *_, one in seen] for what in ("x", "y", "duration")
    ]
    expected = np.column_stack([np.concatenate(column).astype(float) for column in columns]) / (1, 1, 1000)
    np.testing.assert_array_equal(paths.values, expected)


@pytest.mark.parametrize("compressed", [False, True])
def test_layout(tmp_path, compressed):
    paths = read_scanpaths(write(tmp_path / "fixations.mat", compressed=compressed), verbose=False)
    assert paths.ids[:3] == (("0.jpg", "01"), ("0.jpg", "02"), ("1.jpg", "01"))
    np.testing.assert_array_equal(paths[0], [[0.5, 0, 0.1], [1.5, 1, 0.2], [2.5, 2, 0.3]])


def test_other_types_equal_scipy(tmp_path):
    path = tmp_path / "all.mat"
    content = {
        "f4": np.arange(5, dtype="f4"),
        "i8": np.array([2**40]),
        "flag": np.array([True]),
        "none": np.empty(0),
    }
    savemat(path, content | {"text": "größer", "long": "x" * 70})
    for name in content:
        np.testing.assert_array_equal(variable(path, path.read_bytes(), name), loadmat(path)[name].ravel())
    assert variable(path, path.read_bytes(), "text") == "größer"
    assert variable(path, path.read_bytes(), "long") == "x" * 70
    savemat(path, {"z": np.array([1j])})
    with pytest.raises(ValueError, match="a value of class 6"):
        variable(path, path.read_bytes(), "z")


def test_damage_ends_in_a_sentence(tmp_path):
    original = write(tmp_path / "fixations.mat").read_bytes()
    path = tmp_path / "damaged.mat"
    messages = []
    for seed in range(1500):
        rng = random.Random(seed)
        data = bytearray(original)
        for _ in range(rng.choice([1, 2, 8])):
            data[rng.randrange(126, len(data))] = rng.choice([rng.randrange(256), 255, 0, 1])
        path.write_bytes(data[: rng.randrange(126, len(data))] if seed % 5 == 0 else data)
        try:
            assert np.isfinite(read_scanpaths(path, verbose=False).values).all()
        except ValueError as error:
            messages.append(str(error))
    assert len(messages) > 500
    assert all("damaged.mat: " in message and "\n" not in message for message in messages)


def test_what_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "fixations.mat"
    savemat(path, {"other": [1.0]})
    with pytest.raises(ValueError, match="no variable `fixations` in it"):
        read_scanpaths(path)
    savemat(path, {"fixations": [1.0]})
    with pytest.raises(ValueError, match=r"fixations holds array.*; expected structs"):
        read_scanpaths(path)
    header = write(path).read_bytes()[:128]
    monkeypatch.setattr("gazesim.io.matlab.MAX_INFLATED", 10**6)
    bomb = zlib.compress(bytes(2 * 10**6), 9)
    path.write_bytes(header + np.array([15, len(bomb)], "<u4").tobytes() + bomb)
    with pytest.raises(ValueError, match="a variable of more than 1,000,000 bytes"):
        read_scanpaths(path)
    Path(path).write_bytes(header[:126] + b"XX")
    with pytest.raises(ValueError, match="has no header of a MATLAB 5 file"):
        read_scanpaths(path)
