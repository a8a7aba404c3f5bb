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


def table(descriptor, data, kind="OW"):
    item = Dataset()
    item.LUTDescriptor = descriptor
    item.add_new("LUTData", kind, data)
    return item


RAMP = np.arange(4096)


def test_tables_as_files_really_hold_them(tmp_path, stored):
    """12 bits per entry; 8 bits packed in words; fewer entries than values; a table of the modality."""
    full = table([4096, 0, 12], RAMP.astype("<u2").tobytes())
    twelve = write(tmp_path / "a.dcm", stored, VOILUTSequence=[full])
    np.testing.assert_allclose(read_image(twelve), stored / 4095, atol=1e-6)
    packed = table([4096, 0, 8], (RAMP // 16).astype(np.uint8).tobytes())
    eight = write(tmp_path / "b.dcm", stored, VOILUTSequence=[packed])
    np.testing.assert_allclose(read_image(eight), (stored // 16) / 255, atol=1e-6)
    short = table([1000, 500, 10], np.arange(1000).astype("<u2").tobytes())
    some = write(tmp_path / "c.dcm", stored, VOILUTSequence=[short])
    np.testing.assert_allclose(read_image(some), np.clip(stored.astype(int) - 500, 0, 999) / 1023, atol=1e-6)
    modality = table([4096, 0, 12], RAMP[::-1].astype("<u2").tobytes())
    modality.ModalityLUTType = "US"
    window = {"WindowCenter": 2048, "WindowWidth": 4096}
    both = write(tmp_path / "d.dcm", stored, ModalityLUTSequence=[modality], **window)
    expected = np.clip((4095 - stored - 2047.5) / 4095 + 0.5, 0, 1)
    np.testing.assert_allclose(read_image(both), expected, atol=1e-6)


#: Windows that no viewer can use, and what the warning says of them.
UNUSABLE = [
    ({"WindowCenter": 2000, "WindowWidth": 0}, "WindowWidth is 0, expected at least 1"),
    ({"WindowCenter": 2000, "WindowWidth": -500}, "WindowWidth is -500"),
    ({"WindowCenter": 2000, "WindowWidth": 0.5}, "WindowWidth is 0.5"),
    ({"WindowCenter": 2000, "WindowWidth": 0, "VOILUTFunction": "SIGMOID"}, "WindowWidth is 0"),
    ({"WindowCenter": 90000, "WindowWidth": 10}, "the window of width 10 at 90000 shows nothing of"),
    ({"WindowCenter": -9000, "WindowWidth": 10}, "the window of width 10 at -9000 shows nothing of"),
]


@pytest.mark.parametrize(("tags", "message"), UNUSABLE)
def test_unusable_windows_are_left_out_with_a_warning(tmp_path, stored, tags, message):
    file = write(tmp_path / "a.dcm", stored, **tags)
    with pytest.warns(UserWarning, match=message) as caught:
        image = read_image(file)
    assert "a.dcm" in str(caught[0].message)
    low, high = np.percentile(stored, (0.5, 99.5))
    np.testing.assert_allclose(image, np.clip((stored - low) / (high - low), 0, 1), atol=1e-6)


def test_the_second_window_where_the_first_is_unusable(tmp_path, stored):
    file = write(tmp_path / "a.dcm", stored, WindowCenter=[0, 2000], WindowWidth=[0, 1001])
    np.testing.assert_allclose(read_image(file), np.clip((stored - 1999.5) / 1000 + 0.5, 0, 1), atol=1e-6)


@pytest.mark.parametrize("missing", ["WindowCenter", "WindowWidth"])
def test_half_a_window_is_none(tmp_path, stored, missing):
    tags = {"WindowCenter": 2000, "WindowWidth": 100, missing: None}
    whole = read_image(write(tmp_path / "a.dcm", stored))
    np.testing.assert_array_equal(read_image(write(tmp_path / "b.dcm", stored, **tags)), whole)


def test_bits_above_those_stored_do_not_count(tmp_path, stored):
    """Old files keep drawings in the bits that the picture leaves free."""
    plain = read_image(write(tmp_path / "a.dcm", stored))
    drawn = read_image(write(tmp_path / "b.dcm", stored | np.uint16(1 << 13)))
    np.testing.assert_array_equal(drawn, plain)
    signed = stored.astype(np.int16) - 2048
    cut = read_image(write(tmp_path / "c.dcm", signed & 0x0FFF))
    np.testing.assert_array_equal(cut, read_image(write(tmp_path / "d.dcm", signed)))


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("slope", [1, -1, 0.5])
def test_polarity_at_every_depth(tmp_path, rng, bits, slope):
    stored = rng.integers(0, 2**bits, (12, 14)).astype(np.uint8 if bits == 8 else np.uint16)
    tags = {"BitsAllocated": 8 if bits == 8 else 16, "BitsStored": bits, "HighBit": bits - 1}
    tags |= {"RescaleSlope": slope, "RescaleIntercept": 5}
    kinds = ("MONOCHROME1", "MONOCHROME2")
    files = [write(tmp_path / f"{k}.dcm", stored, PhotometricInterpretation=k, **tags) for k in kinds]
    one, two = (read_image(file) for file in files)
    np.testing.assert_allclose(one, 1 - two, atol=1e-6)
    assert (np.corrcoef(two.ravel(), stored.ravel())[0, 1] > 0) == (slope > 0)


#: Malformed tags: what is set, or deleted where it is None.
MALFORMED = [
    {"VOILUTSequence": [Dataset()]},
    {"VOILUTSequence": [table([4096, 0, 12], b"")]},
    {"VOILUTSequence": [table([4096, 0, 12], bytes(100))]},
    {"VOILUTSequence": [table([4096, 0, 40], bytes(8192))]},
    {"VOILUTSequence": [table([4096, 0, 0], bytes(8192))]},
    {"ModalityLUTSequence": [Dataset()]},
    {"ModalityLUTSequence": [table([4096, 0, 16], bytes(4))]},
    {"RescaleSlope": 0, "RescaleIntercept": 0},
    {"NumberOfFrames": 0x7FFF},
    {"NumberOfFrames": 2},
    {"BitsAllocated": 7},
    {"BitsAllocated": 0},
    {"BitsStored": 0},
    {"BitsStored": 20},
    {"SamplesPerPixel": 3},
    {"SamplesPerPixel": 0},
    {"PhotometricInterpretation": None},
    {"PhotometricInterpretation": "RGB"},
    {"PhotometricInterpretation": "monochrome"},
    {"PixelRepresentation": 7},
    {"PixelRepresentation": None},
    {"Rows": 0},
    {"Rows": 60000},
    {"Columns": None},
    {"Columns": 31},
    {"BitsAllocated": None},
]


@pytest.mark.filterwarnings("ignore:.*:UserWarning:pydicom")
@pytest.mark.parametrize("tags", MALFORMED, ids=[f"{k}-{next(iter(t))}" for k, t in enumerate(MALFORMED)])
def test_malformed_files_are_read_or_named(tmp_path, stored, tags):
    file = write(tmp_path / "a.dcm", stored)
    data = pydicom.dcmread(file)
    for name, value in tags.items():
        if value is None:
            delattr(data, name)
        else:
            setattr(data, name, value)
    data.save_as(file)
    problem = None
    try:
        image = read_image(file)
    except ValueError as error:
        problem = str(error)
    if problem is None:
        assert image.shape == stored.shape
        assert 0 <= image.min() <= image.max() <= 1
    else:
        assert "a.dcm" in problem
        assert "\n" not in problem


@pytest.mark.parametrize("keep", [0, 100, 132, 140, 300, 600, 900])
def test_files_that_end_too_early_are_named(tmp_path, stored, keep):
    file = write(tmp_path / "a.dcm", stored)
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"a\.dcm"):
        read_image(file)
