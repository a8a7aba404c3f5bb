"""Presets of data sets with gaze of several readers, in the layouts in which their owners publish them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from scipy.io import savemat

pytest.importorskip("gazesim.train")

from gazesim import read_scanpaths
from gazesim.train import Manifest, ManifestSamples, preset


def picture(file: Path, size: tuple[int, int] = (40, 30), value: int | None = None) -> None:
    """Write a picture of random pixels, or of one grey."""
    file.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(abs(hash(file.name)) % 2**32)
    pixels = rng.integers(0, 255, (size[1], size[0]), dtype=np.uint8)
    if value is not None:
        pixels[:] = 0
        pixels[: size[1] // 2] = value
    Picture.fromarray(pixels).save(file)


def by_id(manifest: Manifest) -> dict:
    return {entry.id: entry for entry in manifest.entries}


@pytest.fixture
def kvasir(tmp_path: Path) -> Path:
    """Kvasir-SEG and GazeMedSeg unpacked side by side."""
    home = tmp_path / "Kvasir-SEG"
    for name in ("cjua", "cjub", "cjuc"):
        picture(home / "images" / f"{name}.jpg")
        picture(home / "masks" / f"{name}.jpg", value=250)
    (home / "kavsir_bboxes.json").write_text("{}")
    columns = "IMAGE,CURRENT_FIX_INDEX,CURRENT_FIX_X,CURRENT_FIX_Y,CURRENT_FIX_DURATION,CURRENT_FIX_PUPIL,"
    rows = ["cjua.jpg,1,0.5,0.25,455,2670,7,30.0,40.0", "cjua.jpg,2,0.25,0.5,181,1800,512,30.0,40.0"]
    rows += ["cjub.jpg,1,0.1,0.9,300,1800,9,30.0,40.0"]
    text = "\n".join([columns + "CURRENT_FIX_START,IMAGE_HEIGHT,IMAGE_WIDTH", *rows])
    gaze = tmp_path / "GazeMedSEg"
    gaze.mkdir()
    (gaze / "kvasir_fixation.csv").write_text(text + "\n")
    (home / "train.txt").write_text("cjua\ncjub\n")
    (home / "val.txt").write_text("cjuc\n")
    return tmp_path


def test_kvasir_gaze(kvasir: Path, tmp_path: Path) -> None:
    manifest = preset("kvasir-gaze", kvasir)
    entries = by_id(manifest)
    assert {name: entry.split for name, entry in entries.items()} == {
        "cjua": "train",
        "cjub": "train",
        "cjuc": "val",
    }
    assert entries["cjua"].gaze_name == "cjua.jpg"
    assert entries["cjuc"].gaze is None
    assert all(entry.mask.parent.name == "masks" for entry in manifest.entries)
    manifest.write(tmp_path / "m.csv")
    samples = ManifestSamples(Manifest.read(tmp_path / "m.csv"), size=40)
    path = samples.scanpath(samples.ids.index("cjua"))
    np.testing.assert_allclose(path, [[20, 10, 0.455], [10, 20, 0.181]])  # squeezed from 40 x 30 to 40 x 40


def test_kvasir_without_a_split_is_split_by_seed(kvasir: Path) -> None:
    for name in ("train", "val"):
        (kvasir / "Kvasir-SEG" / f"{name}.txt").unlink()
    manifest = preset("kvasir-gaze", kvasir, fractions={"train": 0.67, "test": 0.33})
    assert sorted(entry.split for entry in manifest.entries) == ["test", "train", "train"]


def test_kvasir_refusals(kvasir: Path) -> None:
    (kvasir / "Kvasir-SEG" / "val.txt").write_text("cjuc\ncjua\n")
    with pytest.raises(ValueError, match=r"has 'cjua' in train\.txt and in val\.txt; expected one of them"):
        preset("kvasir-gaze", kvasir)
    (kvasir / "Kvasir-SEG" / "val.txt").write_text("cjux\n")
    with pytest.raises(ValueError, match="has no image 'cjux' of its split"):
        preset("kvasir-gaze", kvasir)
    (kvasir / "GazeMedSEg" / "kvasir_fixation.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"has kvasir_fixation\.csv; expected GazeMedSeg's gaze"):
        preset("kvasir-gaze", kvasir)


@pytest.fixture
def cub(tmp_path: Path) -> Path:
    """CUB-200-2011 and CUB-GHA unpacked side by side, two runs."""
    home = tmp_path / "CUB_200_2011"
    names = {"1": "001.Crow/Crow_1", "2": "001.Crow/Crow_2", "3": "002.Wren/Wren_1"}
    for name in names.values():
        picture(home / "images" / f"{name}.jpg", size=(50, 40))
    picture(tmp_path / "segmentations" / "001.Crow" / "Crow_1.png", size=(50, 40), value=255)
    tables = {
        "images": "".join(f"{number} {name}.jpg\n" for number, name in names.items()),
        "classes": "1 001.Crow\n2 002.Wren\n",
        "image_class_labels": "1 1\n2 1\n3 2\n",
        "train_test_split": "1 1\n2 0\n3 1\n",
    }
    for name, text in tables.items():
        (home / f"{name}.txt").write_text(text)
    runs = tmp_path / "CUB-GHA" / "data_5runs"
    runs.mkdir(parents=True)
    (runs / "Fixation_run1.txt").write_text("3,50,40,25,20,150,10,8,300\n1,50,40,5,4,161\n")
    (runs / "Fixation_run2.txt").write_text("1,50,40,45,36,200,40,30,100,20,10,120\n")
    return tmp_path


def test_cub_gha(cub: Path, tmp_path: Path) -> None:
    manifest = preset("cub-gha", cub)
    entries = by_id(manifest)
    assert {name: (entry.label, entry.split) for name, entry in entries.items()} == {
        "1": ("Crow", "train"),
        "2": ("Crow", "test"),
        "3": ("Wren", "train"),
    }
    assert entries["2"].gaze is None
    assert entries["1"].mask == cub / "segmentations" / "001.Crow" / "Crow_1.png"
    assert entries["3"].mask is None
    manifest.write(tmp_path / "m.csv")
    samples = ManifestSamples(Manifest.read(tmp_path / "m.csv"), size=50)
    # Both runs of image 1, squeezed from 50 x 40 to 50 x 50: the map has mass where either looked.
    gaze = samples.gaze_map(samples.ids.index("1"))
    assert float(gaze[..., 5, 5]) > 0
    assert float(gaze[..., 45, 45]) > 0
    np.testing.assert_allclose(samples.scanpath(samples.ids.index("3")), [[25, 25, 0.15], [10, 10, 0.3]])


def test_cub_refusals(cub: Path) -> None:
    (cub / "CUB_200_2011" / "image_class_labels.txt").write_text("1 1\n2 1\n3 9\n")
    with pytest.raises(ValueError, match="has no class of image 3; expected one each"):
        preset("cub-gha", cub)
    (cub / "CUB_200_2011" / "images" / "001.Crow" / "Crow_2.jpg").unlink()
    with pytest.raises(ValueError, match=r"names the image '001\.Crow/Crow_2\.jpg'; expected it below"):
        preset("cub-gha", cub)
    (cub / "CUB-GHA" / "data_5runs").rename(cub / "elsewhere")
    with pytest.raises(FileNotFoundError, match="has data_5runs; expected the gaze of CUB-GHA"):
        preset("cub-gha", cub)


@pytest.fixture
def osie(tmp_path: Path) -> Path:
    subjects = np.empty((1, 2), dtype=object)
    for at, x in enumerate((80.0, 720.0)):
        columns = {"fix_x": [[x, x]], "fix_y": [[60.0, 540.0]], "fix_duration": [[200.0, 300.0]]}
        subjects[0, at] = {name: np.array(value) for name, value in columns.items()}
    cells = np.empty((2, 1), dtype=object)
    for at, name in enumerate(("1001.jpg", "1002.jpg")):
        cells[at, 0] = {"img": name, "subjects": subjects}
        picture(tmp_path / "data" / "stimuli" / name, size=(80, 60))
    picture(tmp_path / "data" / "stimuli" / "1003.jpg", size=(80, 60))
    (tmp_path / "data" / "eye").mkdir()
    savemat(tmp_path / "data" / "eye" / "fixations.mat", {"fixations": cells}, do_compression=True)
    return tmp_path


def test_osie(osie: Path, tmp_path: Path) -> None:
    manifest = preset("osie", osie, fractions={"train": 0.67, "test": 0.33})
    entries = by_id(manifest)
    assert entries["1001"].gaze_name == "1001.jpg"
    assert entries["1003"].gaze is None
    assert sorted(entry.split for entry in manifest.entries) == ["test", "train", "train"]
    manifest.write(tmp_path / "m.csv")
    samples = ManifestSamples(Manifest.read(tmp_path / "m.csv"), size=80)
    gaze = samples.gaze_map(samples.ids.index("1001"))
    # Both observers count: 800 x 600 on the screen, 80 x 80 after squeezing.
    assert all(float(gaze[..., y, x]) > 0 for x in (8, 72) for y in (8, 72))
    (osie / "data" / "eye" / "fixations.mat").unlink()
    with pytest.raises(FileNotFoundError, match=r"has no data/eye/fixations\.mat"):
        preset("osie", osie)


# --- the format of CUB-GHA ------------------------------------------------------------------------


def test_runs_are_readers(cub: Path) -> None:
    paths = read_scanpaths(cub / "CUB-GHA" / "data_5runs")
    assert set(paths.ids) == {("1", "run1"), ("3", "run1"), ("1", "run2")}
    np.testing.assert_allclose(paths[("1", "run2")], [[45, 36, 0.2], [40, 30, 0.1], [20, 10, 0.12]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,50,40,5,4,161\n2,50,40,5,4\n", r"line 2: has 5 numbers; expected an id, a width, a height"),
        ("1,50,40,5,4,161\n2,50,0,5,4,100\n", r"line 2: has '0' as number 3; expected a number from 1 on"),
        ("1,50,40,5,4,161\n2,50,40,x,4,100\n", r"line 2: has 'x' as number 4; expected a number from 0 on"),
    ],
)
def test_damaged_lines(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "Fixation_run1.txt"
    file.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_scanpaths(file, format="cub_gha")
    assert len(read_scanpaths(file, format="cub_gha", on_bad_row="skip")) == 1


@pytest.mark.parametrize(
    ("name", "readers"), [("Fixation_run1", ["run1", "run1-2"]), ("Fixation", ["look1", "look2"])]
)
def test_an_image_that_is_shown_twice(tmp_path: Path, name: str, readers: list[str]) -> None:
    """Run 1 of the published files shows 699 images more than once."""
    file = tmp_path / f"{name}.txt"
    file.write_text("383,420,280,197,117,117\n383,420,280,157,81,635\n")
    assert read_scanpaths(file).ids == (("383", readers[0]), ("383", readers[1]))
