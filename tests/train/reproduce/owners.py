"""The papers' data sets in small, in the layout in which their owners publish them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

#: BI-RADS of the patients' mammograms, and marks of the radiographs: classes one after the other.
GRADES, TITLES = ("1", "3", "5"), ("None", "caries")


def _pixels(rng, height, width, place_xy, strength, area=60):
    """Return noise with a bright spot, 8 bits."""
    rows, columns = np.mgrid[:height, :width]
    spot = np.exp(-((columns - place_xy[0]) ** 2 + (rows - place_xy[1]) ** 2) / area)
    return (rng.normal(90, 12, (height, width)) + strength * spot).clip(0, 255).astype(np.uint8)


def _dicom(file, pixels):
    file.parent.mkdir(parents=True, exist_ok=True)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1.2"
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[file.name])
    one = pydicom.Dataset()
    one.file_meta = meta
    one.SOPClassUID, one.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    one.Rows, one.Columns = pixels.shape
    one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
    one.BitsAllocated = one.BitsStored = 8
    one.HighBit, one.PixelRepresentation = 7, 0
    one.PixelData = pixels.tobytes()
    one.save_as(file, enforce_file_format=True)


def gaze_samples(rng, place_xy, size_wh, count=80):
    """Return raw samples at 60 Hz: the spot and three of the corners are looked at one after the other."""
    width, height = size_wh
    corners = np.array([(x * width, y * height) for x in (0.1, 0.9) for y in (0.1, 0.9)])
    places = [place_xy, *rng.permutation(corners)[:3]]
    samples = [np.array(place) + rng.normal(0, 2.0, (count // 4, 2)) for place in places]
    points = np.concatenate(samples).clip((0, 0), (width - 1, height - 1))
    return [[round(float(x), 1), round(float(y), 1)] for x, y in points]


def inbreast(folder, patients=12):
    """Two views of every patient as DICOM, the sheet with BI-RADS, and McGIP's JSON of gaze per image."""
    folder, rng = Path(folder), np.random.default_rng(3)
    sheet = ["Patient ID;Patient age;Laterality;View;Acquisition date;File Name;ACR;Bi-Rads"]
    (folder / "gaze").mkdir(parents=True)
    for i in range(2 * patients):
        number, kind, side = 20586900 + i, i // 2 % 3, "LR"[i % 2]
        place = (rng.uniform(40, 200), rng.uniform(40, 280))
        name = f"{number}_patient{i // 2:02}_MG_{side}_CC_ANON.dcm"
        _dicom(folder / "AllDICOMs" / name, _pixels(rng, 320, 240, place, 60 * kind, 900))
        sheet.append(f"removed;removed;{side};CC;201001;{number};2;{GRADES[kind]}")
        gaze = {"gaze": gaze_samples(rng, place, (240, 320)), "img": f"{number}.png"}
        (folder / "gaze" / f"{number}.json").write_text(json.dumps(gaze))
    (folder / "INbreast.csv").write_text("\n".join([*sheet, ";;;;;;;", "notes;;;;;;;"]))
    return folder


def tufts(folder, images=16):
    """Panoramic radiographs, the expert's marks, and the grey gaze maps that McGIP's code reads."""
    folder, rng, records = Path(folder), np.random.default_rng(4), []
    for place in ("Radiographs", "Expert/gaze_map/gray"):
        (folder / place).mkdir(parents=True)
    for i in range(1, images + 1):
        place = (rng.uniform(10, 70), rng.uniform(10, 30))
        Image.fromarray(_pixels(rng, 40, 80, place, 80 * (i % 2))).save(folder / "Radiographs" / f"{i}.JPG")
        rows, columns = np.mgrid[:40, :80]
        gaze = 255 * np.exp(-((columns - place[0]) ** 2 + (rows - place[1]) ** 2) / 80)
        Image.fromarray(gaze.astype(np.uint8)).save(folder / "Expert" / "gaze_map" / "gray" / f"{i}.jpg")
        marks = [{"title": TITLES[i % 2]}]
        records.append({"External ID": f"{i}.JPG", "Label": {"objects": marks}, "Description": ""})
    (folder / "Expert" / "expert.json").write_text(json.dumps(records))
    return folder


def oai(folder, train=4, test=2):
    """Knees by split and grade (Chen et al., 2019), with a gaze map beside each."""
    folder, rng, patient = Path(folder), np.random.default_rng(5), 9000000
    (folder / "heatmaps").mkdir(parents=True)
    for split, count in (("train", train), ("val", 1), ("test", test)):
        for grade in range(5):
            (folder / split / str(grade)).mkdir(parents=True)
            for _ in range(count):
                patient += 1
                name, place = f"{patient}L", (rng.uniform(10, 40), rng.uniform(10, 40))
                pixels = _pixels(rng, 48, 48, place, 30 * grade)
                Image.fromarray(pixels).save(folder / split / str(grade) / f"{name}.png")
                rows, columns = np.mgrid[:48, :48]
                gaze = 255 * np.exp(-((columns - place[0]) ** 2 + (rows - place[1]) ** 2) / 40)
                Image.fromarray(gaze.astype(np.uint8)).save(folder / "heatmaps" / f"{name}.png")
    return folder
