"""Presets: small folders in the published layouts, and what is missing from them."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter

import numpy as np
import pytest
from PIL import Image as Picture

pytest.importorskip("gazesim.train")

from gazesim.train import Manifest, ManifestSamples, preset

MIMIC = "files/p10/p10000032/s50414267"


def picture(file, side=40):
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.arange(side * side, dtype=np.uint8).reshape(side, side)
    pixels[0, :8] = np.frombuffer(
        hashlib.md5(str(file).encode()).digest()[:8], np.uint8
    )  # one picture per file
    if file.suffix == ".npy":
        np.save(file, pixels)
    else:
        Picture.fromarray(pixels).save(file, "JPEG" if file.suffix.lower() == ".jpg" else "PNG")


@pytest.fixture
def inbreast(tmp_path):
    sheet = ["Patient ID;Patient age;Laterality;View;Acquisition date;File Name;ACR;Bi-Rads"]
    grades = ["1", "2", "3", "4a", "4b", "4c", "5", "6", "1", "2"]
    for i, grade in enumerate(grades):
        sheet.append(f"removed;removed;{'LR'[i % 2]};CC;201001;{20586900 + i};2;{grade}")
        # The presets look at names alone; a PNG stands for the DICOM here.
        picture(tmp_path / "AllDICOMs" / f"{20586900 + i}_patient{i // 2}_MG_{'LR'[i % 2]}_CC_ANON.png")
    sheet += [";;;;;;;", "notes;;;;;ACR: breast density;;"]
    (tmp_path / "INbreast.csv").write_text("\n".join(sheet))
    return tmp_path


@pytest.fixture
def tufts(tmp_path):
    marks = {"1": [{"title": "caries"}], "2": [{"title": "None"}], "10": [], "3": [{"title": "cyst"}] * 2}
    for name in marks:
        picture(tmp_path / "Radiographs" / f"{name}.JPG")
    picture(tmp_path / "Expert" / "gaze_map" / "gray" / "1.jpg")
    records = [
        {"External ID": f"{name}.JPG", "Label": {"objects": objects}, "Description": ""}
        for name, objects in marks.items()
    ]
    (tmp_path / "Expert" / "expert.json").write_text(json.dumps(records))
    return tmp_path


@pytest.fixture
def oai(tmp_path):
    for split, grade, knee in (
        ("train", 0, "9000001L"),
        ("train", 4, "9000001R"),
        ("val", 2, "9000002L"),
        ("test", 1, "9000003R"),
    ):
        picture(tmp_path / split / str(grade) / f"{knee}.png")
    return tmp_path


@pytest.fixture
def egd(tmp_path, fixtures):
    lines = ["dicom_id,path,patient_id,Normal,CHF,pneumonia,image_top_pad,image_bottom_pad,image_left_pad,"]
    lines[0] += "image_right_pad,exam_indication"
    for name, patient, flags in (("aaaa-1", 1, "1,0,0"), ("bbbb-2", 2, "0,0,1"), ("cccc-3", 2, "0,1,0")):
        lines.append(f'{name},{MIMIC}/{name}.dcm,{patient},{flags},0,0,480,480,"cough, fever"')
    (tmp_path / "master_sheet.csv").write_text("\n".join(lines))
    shutil.copy(fixtures / "egd" / "fixations.csv", tmp_path)
    for name in ("aaaa-1", "bbbb-2", "cccc-3"):
        picture(tmp_path / MIMIC / f"{name}.jpg")  # the tree of MIMIC-CXR-JPG
    return tmp_path


@pytest.fixture
def reflacx(tmp_path, fixtures):
    shutil.copytree(fixtures / "reflacx" / "main_data", tmp_path / "main_data")
    head = "id,split,eye_tracking_data_discarded,image,dicom_id,subject_id,image_size_x,image_size_y,"
    rows = [
        head + "Atelectasis,Fracture,Support devices,Other",
        # The first reading of aaaa-1 has no gaze; the second one gives it.
        "P300R000009,train,True,physionet.org/files/a/aaaa-1.dcm,aaaa-1,10,2544,3056,4,0,False,text",
        "P300R000001,train,False,physionet.org/files/a/aaaa-1.dcm,aaaa-1,10,2544,3056,0,0,False,",
        "P300R000002,validate,False,physionet.org/files/b/bbbb-2.dcm,bbbb-2,11,3056,2544,2,1,True,",
    ]
    (tmp_path / "main_data" / "metadata_phase_3.csv").write_text("\n".join(rows))
    picture(tmp_path / "images" / "aaaa-1.png")
    picture(tmp_path / "files" / "b" / "bbbb-2.png")
    return tmp_path


def by_id(manifest):
    return {entry.id: entry for entry in manifest.entries}


def test_inbreast(inbreast):
    manifest = preset("inbreast", inbreast, fractions={"train": 0.6, "test": 0.4})
    entries = by_id(manifest)
    assert [entries[str(20586900 + i)].label for i in range(10)] == [
        "normal",
        *["benign"] * 2,
        *["malignant"] * 5,
        "normal",
        "benign",
    ]
    assert entries["20586903"].extra == {"birads": "4a", "side": "R", "view": "CC"}
    assert entries["20586903"].group == entries["20586902"].group == "patient1"
    splits = Counter(entry.split for entry in manifest.entries)
    assert splits == {"train": 6, "test": 4}  # five patients of two images each
    again = preset("inbreast", inbreast, fractions={"train": 0.6, "test": 0.4})
    assert again == manifest


def test_inbreast_without_patients_is_told(inbreast, capsys):
    preset("inbreast", inbreast)
    assert capsys.readouterr().err == ""
    for file in list((inbreast / "AllDICOMs").iterdir())[:3]:
        file.rename(file.with_name(f"{file.name.split('_')[0]}.png"))
    entries = preset("inbreast", inbreast).entries
    assert sum(not entry.group for entry in entries) == 3
    printed = capsys.readouterr().err
    assert (
        "3 of 10 images of INbreast have no patient in their names: views of one patient may fall" in printed
    )
    assert printed.count("\n") == 1


def test_inbreast_as_spreadsheets_save_it(inbreast):
    sheet = inbreast / "INbreast.csv"
    text, expected = sheet.read_text(), preset("inbreast", inbreast)
    sheet.write_text(text.replace(";2;", ".0;2;"))
    assert preset("inbreast", inbreast) == expected
    for wrong in ("20586900b", "2.05869e+07"):
        sheet.write_text(text.replace("20586900", wrong))
        with pytest.raises(
            ValueError, match=rf"INbreast.csv, line 2: column 'File Name' is '{wrong[:4]}.*a whole number"
        ):
            preset("inbreast", inbreast)


def test_tufts(tufts):
    entries = by_id(preset("tufts", tufts))
    assert list(entries) == ["1", "2", "3", "10"]
    assert [entry.label for entry in entries.values()] == ["abnormal", "normal", "abnormal", "normal"]
    assert entries["1"].heatmap == tufts.resolve() / "Expert" / "gaze_map" / "gray" / "1.jpg"
    assert entries["2"].heatmap is None


def test_oai_folders(oai):
    entries = by_id(preset("oai", oai))
    assert {name: (one.label, one.split, one.group) for name, one in entries.items()} == {
        "9000001L": ("0", "train", "9000001"),
        "9000001R": ("4", "train", "9000001"),
        "9000002L": ("2", "val", "9000002"),
        "9000003R": ("1", "test", "9000003"),
    }


@pytest.mark.parametrize("mark", ["|", ","])
def test_oai_sheet(tmp_path, mark):
    rows = [
        ("ID", "SIDE", "READPRJ", "V00XRKL"),
        ("9000001", "1: Right", "15", "2: 2"),
        ("9000001", "1: Right", "37", "4"),  # a second reading
        ("9000001", "2", "15", ".A"),
        ("9000001", "2", "37", "0"),
        ("9000002", "1", "15", "3"),  # without a radiograph
    ]
    (tmp_path / "kxr_sq_bu00.txt").write_text("\n".join(mark.join(row) for row in rows))
    picture(tmp_path / "9000001R.png")
    picture(tmp_path / "9000001L.png")
    entries = by_id(preset("oai", tmp_path))
    assert {name: (one.label, one.group) for name, one in entries.items()} == {
        "9000001R": ("2", "9000001"),
        "9000001L": ("0", "9000001"),
    }
    assert len({one.split for one in entries.values()}) == 1  # one patient


def test_egd_cxr(egd):
    entries = by_id(preset("egd-cxr", egd))
    assert [entry.label for entry in entries.values()] == ["normal", "pneumonia", "CHF"]
    assert entries["aaaa-1"].image == egd.resolve() / MIMIC / "aaaa-1.jpg"
    assert entries["aaaa-1"].gaze == egd.resolve() / "fixations.csv"
    assert entries["cccc-3"].gaze is None  # fixations.csv has none of it
    assert entries["bbbb-2"].group == entries["cccc-3"].group == "2"
    samples = ManifestSamples(preset("egd-cxr", egd), size=96)
    # In the middle of the screen, and so of an image with equal borders.
    np.testing.assert_allclose(samples.scanpath(samples.ids.index("aaaa-1"))[0], [48, 48, 0.7])


def test_reflacx(reflacx):
    entries = by_id(preset("reflacx", reflacx))
    assert {name: (one.label, one.split, one.group) for name, one in entries.items()} == {
        "aaaa-1": ("abnormal", "train", "10"),
        "bbbb-2": ("normal", "val", "11"),
    }
    assert entries["aaaa-1"].gaze.parent.name == "P300R000001"
    samples = ManifestSamples(preset("reflacx", reflacx), size=100)
    np.testing.assert_allclose(samples.scanpath(0)[0], [50, 50, 0.25])
    np.testing.assert_allclose(samples.scanpath(1), [[25, 25, 0.25]])


def test_images_elsewhere(reflacx, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("mimic")
    shutil.move(reflacx / "images", elsewhere / "images")
    picture(elsewhere / "bbbb-2.png")
    entries = by_id(preset("reflacx", reflacx, images=elsewhere))
    assert entries["aaaa-1"].image == elsewhere.resolve() / "images" / "aaaa-1.png"
    assert entries["bbbb-2"].image == elsewhere.resolve() / "bbbb-2.png"


def test_gaze_of_your_own(oai):
    picture(oai / "heatmaps" / "9000002L.png")
    (oai / "gaze.csv").write_text("image_id,x,y,duration\n9000001L,1,2,0.1\n")
    entries = by_id(preset("oai", oai))
    assert entries["9000002L"].heatmap is not None
    assert entries["9000001L"].gaze is not None
    assert entries["9000003R"].gaze is entries["9000003R"].heatmap is None


@pytest.mark.parametrize("name", ["inbreast", "tufts", "oai", "egd", "reflacx"])
def test_written_and_read_as_a_manifest(name, request):
    folder = request.getfixturevalue(name)
    manifest = preset({"egd": "egd-cxr"}.get(name, name), folder)
    manifest.write(folder / "manifest.csv")
    again = Manifest.read(folder / "manifest.csv")
    assert [(e.id, e.label, e.split, e.group) for e in again.entries] == [
        (e.id, e.label, e.split, e.group) for e in manifest.entries
    ]
    assert ManifestSamples(again, size=32).image(0).shape == (1, 32, 32)


def test_an_empty_folder(tmp_path):
    expected = {
        "inbreast": "has no INbreast.csv; save INbreast.xls as",
        "tufts": "has no Expert/expert.json",
        "oai": "has neither train/0 to 4 nor kxr_sq_bu00.txt",
        "egd-cxr": "has no master_sheet.csv",
        "reflacx": "has no metadata_phase_1.csv",
    }
    for name, message in expected.items():
        with pytest.raises(FileNotFoundError, match=message):
            preset(name, tmp_path)
    with pytest.raises(ValueError, match=r"name is 'inbrest'; .* \(did you mean \"inbreast\"\?\)"):
        preset("inbrest", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"folder is '.*gone', which is no folder"):
        preset("oai", tmp_path / "gone")


def test_missing_images_and_odd_grades_are_named(inbreast, egd, oai):
    (inbreast / "AllDICOMs" / "20586904_patient2_MG_L_CC_ANON.png").unlink()
    with pytest.raises(
        ValueError, match=r"INbreast.csv, line 6: names the image '20586904_\*.dcm'; expected it"
    ):
        preset("inbreast", inbreast)
    sheet = inbreast / "INbreast.csv"
    sheet.write_text(sheet.read_text().replace("2;1\n", "2;9\n"))
    with pytest.raises(ValueError, match=r"line 2: column 'Bi-Rads' is '9'; expected 1 to 6"):
        preset("inbreast", inbreast)
    (egd / MIMIC / "bbbb-2.jpg").unlink()
    with pytest.raises(ValueError, match=r"master_sheet.csv, line 3: names the image 'files/p10"):
        preset("egd-cxr", egd)
    picture(oai / "train" / "5" / "9000009L.png")
    with pytest.raises(ValueError, match=r"9000009L.png: lies in a folder '5'; expected the grade, 0 to 4"):
        preset("oai", oai)


def test_a_radiograph_without_a_record(tufts):
    picture(tufts / "Radiographs" / "77.JPG")
    with pytest.raises(ValueError, match=r"expert.json: has no record of 77.JPG"):
        preset("tufts", tufts)
    (tufts / "Expert" / "expert.json").write_text('[{"External ID": 3}]')
    with pytest.raises(ValueError, match=r"entry 0 has the External ID 3; expected a file name"):
        preset("tufts", tufts)


# --- layouts of owners, and what is said ------------------------------------------------------------


@pytest.mark.parametrize("form", ["json", "folder", "csv"])
def test_names_of_gaze_with_endings_match_and_are_told(oai, form, capsys):
    """McGIP's JSON names 9000001L.png; a name that matches no image is reported."""
    points = [[10 + i, 20] for i in range(8)]
    if form == "json":
        (oai / "gaze.json").write_text(json.dumps({"gaze": points, "img": "9000001L.png"}))
    elif form == "folder":
        (oai / "gaze").mkdir()
        for name in ("9000001L.png", "9000002L.png", "elsewhere.png"):
            held = json.dumps({"gaze": points, "img": name})
            (oai / "gaze" / f"{name[:-4]}.json").write_text(held)
    else:
        rows = "\n".join(f"{name},1,2,0.1" for name in ("9000001L.png", "9000002L.PNG", "elsewhere.png"))
        (oai / "gaze.csv").write_text(f"image_id,x,y,duration\n{rows}\n")
    entries = by_id(preset("oai", oai))
    assert entries["9000001L"].gaze is not None
    assert entries["9000001L"].gaze_name == "9000001L.png"
    assert (entries["9000002L"].gaze is None) == (form == "json")
    assert entries["9000003R"].gaze is None
    printed = capsys.readouterr().err
    assert f"{1 if form == 'json' else 2} of {1 if form == 'json' else 3} scanpaths joined with" in printed
    assert "by without extension" in printed
    assert ("without an image: 'elsewhere.png'" in printed) == (form != "json")
    samples = ManifestSamples(preset("oai", oai), size=40)
    assert len(samples.scanpath(samples.ids.index("9000001L"))) == (1 if form == "csv" else 8)


def test_oai_takes_reading_project_15_wherever_it_stands(tmp_path, capsys):
    rows = [
        ("ID", "SIDE", "READPRJ", "V00XRKL"),
        ("9000001", "1", "37", "4"),  # before that of project 15
        ("9000001", "1", "15", "2"),
        ("9000001", "2", "42", "3"),  # none of project 15
    ]
    (tmp_path / "kxr_sq_bu00.txt").write_text("\n".join("|".join(row) for row in rows))
    for knee in ("9000001R", "9000001L", "9000009L"):
        picture(tmp_path / f"{knee}.png")
    assert {name: one.label for name, one in by_id(preset("oai", tmp_path)).items()} == {
        "9000001R": "2",
        "9000001L": "3",
    }
    printed = capsys.readouterr().err
    assert "1 of 2 knees of OAI (9000001L) have no grade of reading project 15" in printed
    assert "1 of 3 radiographs of OAI (9000009L) have no grade and were left out" in printed


@pytest.fixture
def mcgip_oai(tmp_path):
    for name in ("0/9000001L.png", "4/9000001R.png", "2/9000002L.png"):
        picture(tmp_path / "img" / name)
    splits = {"train": ["0/9000001L.png", "4/9000001R.png"], "val": [], "test": ["2/9000002L.png"]}
    (tmp_path / "OAI.json").write_text(json.dumps(splits))
    return tmp_path


def test_oai_as_mcgips_code_has_it(mcgip_oai):
    entries = by_id(preset("oai", mcgip_oai))
    assert {name: (one.label, one.split, one.group) for name, one in entries.items()} == {
        "9000001L": ("0", "train", "9000001"),
        "9000001R": ("4", "train", "9000001"),
        "9000002L": ("2", "test", "9000002"),
    }
    (mcgip_oai / "img" / "2" / "9000002L.png").unlink()
    with pytest.raises(ValueError, match=r"OAI.json: names the image '2/9000002L.png'; expected it below"):
        preset("oai", mcgip_oai)


@pytest.mark.parametrize("name", ["inbreast", "tufts", "oai", "egd", "reflacx"])
def test_a_root_above_is_found_and_told(name, request, tmp_path_factory, capsys):
    folder = request.getfixturevalue(name)
    preset_name = {"egd": "egd-cxr"}.get(name, name)
    expected = [(one.id, one.label) for one in preset(preset_name, folder).entries]
    above = tmp_path_factory.mktemp("above")
    shutil.copytree(folder, above / "unpacked" / "deeper")
    capsys.readouterr()
    assert [(one.id, one.label) for one in preset(preset_name, above).entries] == expected
    assert f"{preset_name} is in {'unpacked/deeper'}" in capsys.readouterr().err
    shutil.copytree(folder, above / "again")
    with pytest.raises(ValueError, match=r"holds .* in .* and in .*; expected one of these folders"):
        preset(preset_name, above)


@pytest.mark.parametrize(("rating", "label"), [("4.0", "abnormal"), ("4", "abnormal"), ("1.0", "normal")])
def test_reflacx_ratings_of_spreadsheets(reflacx, rating, label):
    sheet = reflacx / "main_data" / "metadata_phase_3.csv"
    sheet.write_text(sheet.read_text().replace(",4,0,False,text", f",{rating},0,False,text"))
    assert by_id(preset("reflacx", reflacx))["aaaa-1"].label == label


@pytest.mark.parametrize("rating", ["maybe", "7", "-1"])
def test_a_rating_that_is_none_is_refused(reflacx, rating):
    sheet = reflacx / "main_data" / "metadata_phase_3.csv"
    sheet.write_text(sheet.read_text().replace(",4,0,False,text", f",{rating},0,False,text"))
    with pytest.raises(ValueError, match=rf"line 2: column 'Atelectasis' is '{rating}'; expected a rating"):
        preset("reflacx", reflacx)


def test_patches_of_inbreast(inbreast):
    for name in ("malignant/20586903_1.png", "malignant/20586903_2.png", "20586900.png"):
        picture(inbreast / "patches" / name)
    entries = by_id(preset("inbreast-patches", inbreast))
    assert {name: (one.label, one.group) for name, one in entries.items()} == {
        "20586900": ("normal", "patient0"),
        "20586903_1": ("malignant", "patient1"),
        "20586903_2": ("malignant", "patient1"),
    }
    picture(inbreast / "patches" / "unknown.png")
    with pytest.raises(ValueError, match=r"holds 'unknown.png'; expected names that begin with that of a"):
        preset("inbreast-patches", inbreast)


def test_gazesearch(tmp_path, capsys):
    records = [
        {"name": f"{name}.jpg", "subject": 1, "task": task, "X": [1.0, 9.0], "Y": [2.0, 8.0], "T": [0.2, 0.3]}
        | {"length": 2, "split": split}
        for name, task, split in (
            ("a", "atelectasis", "train"),
            ("b", "edema", "valid"),
            ("c", "edema", "test"),
            ("c", "fracture", "test"),
        )
    ]
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "finding.json").write_text(json.dumps(records))
    for name in "abc":
        picture(tmp_path / "images" / f"{name}.jpg")
    entries = by_id(preset("gazesearch", tmp_path))
    assert {name: (one.label, one.split) for name, one in entries.items()} == {
        "atelectasis/a": ("atelectasis", "train"),
        "edema/b": ("edema", "val"),
        "edema/c": ("edema", "test"),
        "fracture/c": ("fracture", "test"),
    }
    samples = ManifestSamples(preset("gazesearch", tmp_path), size=224)
    assert samples.scanpath(samples.ids.index("edema/b"))[:, 2].tolist() == [0.2, 0.3]
    (tmp_path / "images" / "b.jpg").unlink()
    with pytest.raises(ValueError, match=r"names the image 'b.jpg'; expected it below"):
        preset("gazesearch", tmp_path)


def test_images_elsewhere_from_the_command_line(reflacx, tmp_path_factory):
    from gazesim.train import GazeData

    elsewhere = tmp_path_factory.mktemp("mimic")
    shutil.move(reflacx / "images", elsewhere / "images")
    picture(elsewhere / "bbbb-2.png")
    data = GazeData(preset="reflacx", folder=str(reflacx), images=str(elsewhere), size=16)
    assert data.samples().ids == ["aaaa-1", "bbbb-2"]
