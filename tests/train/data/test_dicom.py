"""DICOM: against pydicom's own display pipeline, and files that cannot be shown."""

from __future__ import annotations

import sys

import numpy as np
import pytest

pytest.importorskip("gazesim.train")
pydicom = pytest.importorskip("pydicom")

from pydicom.dataset import Dataset, FileMetaDataset  # noqa: E402
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut  # noqa: E402
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless, SecondaryCaptureImageStorage  # noqa: E402

from gazesim.train.data.images import image_shape, read_image, read_images  # noqa: E402


@pytest.fixture
def stored(rng):
    return rng.integers(0, 4096, (20, 30)).astype(np.uint16)


def write(path, stored, **tags):
    """Write a greyscale image of 12 of 16 bits, or what the tags say."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = tags.pop("syntax", ExplicitVRLittleEndian)
    data.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    data.SOPClassUID, data.SOPInstanceUID = SecondaryCaptureImageStorage, pydicom.uid.generate_uid()
    data.Rows, data.Columns = stored.shape[:2]
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12, 11
    data.PixelRepresentation = int(stored.dtype.kind == "i")
    for name, value in tags.items():
        setattr(data, name, value)
    data.PixelData = stored.tobytes()
    data.save_as(path, enforce_file_format=True)
    return path


WINDOWS = [
    {"WindowCenter": 2000, "WindowWidth": 1500},
    {"WindowCenter": [1000, 3000], "WindowWidth": [900, 100]},
    {"WindowCenter": 700.5, "WindowWidth": 1},
    {"WindowCenter": 1500, "WindowWidth": 800, "VOILUTFunction": "LINEAR_EXACT"},
    {"WindowCenter": 1500, "WindowWidth": 800, "VOILUTFunction": "SIGMOID"},
    {"WindowCenter": 900, "WindowWidth": 2500, "RescaleSlope": 0.5, "RescaleIntercept": -20},
]


@pytest.mark.parametrize("tags", WINDOWS)
@pytest.mark.parametrize("kind", ["MONOCHROME1", "MONOCHROME2"])
def test_windows_as_pydicom_shows_them(tmp_path, stored, tags, kind):
    file = write(tmp_path / "a.dcm", stored, PhotometricInterpretation=kind, **tags)
    data = pydicom.dcmread(file)
    shown = apply_voi_lut(apply_modality_lut(data.pixel_array, data), data).astype(np.float64)
    # pydicom spreads a window over the range of the stored bits, after slope and intercept.
    slope, intercept = float(data.get("RescaleSlope", 1)), float(data.get("RescaleIntercept", 0))
    low, high = intercept, (2**12 - 1) * slope + intercept
    expected = (shown - low) / (high - low)
    image = read_image(file)
    assert image.dtype == np.float32
    np.testing.assert_allclose(image, 1 - expected if kind == "MONOCHROME1" else expected, atol=2e-4)
    assert image_shape(file) == (20, 30)


def test_without_a_window_percentiles(tmp_path, stored):
    image = read_image(write(tmp_path / "a.dcm", stored))
    low, high = np.percentile(stored, (0.5, 99.5))
    np.testing.assert_allclose(image, np.clip((stored - low) / (high - low), 0, 1), atol=1e-6)
    flat = read_image(write(tmp_path / "b.dcm", np.full((8, 8), 100, np.uint16)))
    assert (flat == 0).all()


def test_a_lookup_table(tmp_path, stored):
    table = Dataset()
    table.LUTDescriptor = [4096, 0, 10]
    curve = np.linspace(0, 1023, 4096).round().astype(np.uint16)
    table.add_new("LUTData", "OW", curve.tobytes())
    # The table counts before a window.
    image = read_image(
        write(tmp_path / "a.dcm", stored, VOILUTSequence=[table], WindowCenter=1, WindowWidth=2)
    )
    np.testing.assert_allclose(image, curve[stored] / 1023, atol=1e-6)


def test_signed_values(tmp_path, stored):
    signed = stored.astype(np.int16) - 2048
    file = write(tmp_path / "a.dcm", signed, WindowCenter=0, WindowWidth=4001)
    np.testing.assert_allclose(read_image(file), np.clip((signed + 0.5) / 4000 + 0.5, 0, 1), atol=1e-6)


def test_padding_is_black_and_counts_for_nothing(tmp_path, stored):
    stored[:, :10] = 4095
    file = write(tmp_path / "a.dcm", stored, PixelPaddingValue=4095, PhotometricInterpretation="MONOCHROME1")
    image = read_image(file)
    assert (image[:, :10] == 0).all()
    seen = stored[stored < 4095]
    low, high = np.percentile(seen, (0.5, 99.5))
    np.testing.assert_allclose(
        image[stored < 4095], 1 - np.clip((seen - low) / (high - low), 0, 1), atol=1e-6
    )


def test_a_file_without_ending_is_recognised(tmp_path, stored):
    file = write(tmp_path / "001", stored)
    assert read_image(file).shape == (20, 30)
    write(tmp_path / "b.dcm", stored)
    assert list(read_images(str(tmp_path))) == ["b"]


BAD = [
    ({"PhotometricInterpretation": "PALETTE COLOR"}, "PhotometricInterpretation is 'PALETTE COLOR'"),
    ({"NumberOfFrames": 2, "Rows": 10}, "holds 2 frames; expected one image"),
    ({"Rows": 4000}, r"its pixels \(Explicit VR Little Endian\) cannot be read: .*"),
]


@pytest.mark.parametrize(("tags", "message"), BAD)
def test_what_cannot_be_shown_is_named(tmp_path, stored, tags, message):
    with pytest.raises(ValueError, match=message) as caught:
        read_image(write(tmp_path / "a.dcm", stored, **tags))
    assert "a.dcm" in str(caught.value)


def test_other_files(tmp_path, stored):
    (tmp_path / "text.dcm").write_text("no image" * 40)
    with pytest.raises(ValueError, match=r"text.dcm is not a DICOM file"):
        read_image(tmp_path / "text.dcm")
    file = write(tmp_path / "a.dcm", stored)
    data = pydicom.dcmread(file)
    del data.Rows
    data.save_as(tmp_path / "b.dcm")
    with pytest.raises(ValueError, match=r"b.dcm: has no Rows; expected an image"):
        read_image(tmp_path / "b.dcm")


def test_compressed_without_a_decoder(tmp_path, stored):
    """JPEG-LS has no decoder in pydicom itself."""
    file = write(tmp_path / "a.dcm", stored)
    data = pydicom.dcmread(file)
    data.file_meta.TransferSyntaxUID = JPEGLSLossless
    data.PixelData = pydicom.encaps.encapsulate([b"\xff\xd8" + bytes(64)])
    data["PixelData"].is_undefined_length = True
    data.save_as(file)
    with pytest.raises(ValueError, match=r"its pixels \(JPEG-LS Lossless.*\) cannot be read: .*pip install"):
        read_image(file)


def test_without_pydicom(tmp_path, stored, monkeypatch):
    file = write(tmp_path / "a.dcm", stored)
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(ImportError, match=r"a.dcm is DICOM, which needs pydicom .*gazesim\[dicom\]"):
        read_image(file)
