"""Pictures as a viewer shows them: orientation, polarity, bits, colours, transparency, several frames."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image as Picture

pytest.importorskip("gazesim.train")

from gazesim.train.data.images import image_shape, read_image

#: What a viewer shows: bright at the lower left of a portrait picture.
SHOWN = np.zeros((60, 40), np.uint8)
SHOWN[45:55, 5:15] = 255

#: How the shown picture lies in a file of each EXIF orientation.
STORED = {
    1: lambda shown: shown,
    2: np.fliplr,
    3: lambda shown: np.rot90(shown, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda shown: np.rot90(shown),
    7: lambda shown: np.rot90(shown, 2).T,
    8: lambda shown: np.rot90(shown, -1),
}


def save(path, pixels, orientation=None, **options):
    picture = pixels if isinstance(pixels, Picture.Image) else Picture.fromarray(np.ascontiguousarray(pixels))
    if orientation is not None:
        exif = Picture.Exif()
        exif[274] = orientation
        options["exif"] = exif
    picture.save(path, **options)
    return path


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "lzw.tif", "webp"])
def test_every_orientation_is_turned_as_viewers_do(tmp_path, orientation, ending):
    packing = {"compression": "tiff_lzw"} if "lzw" in ending else {}
    file = save(tmp_path / f"a.{ending}", STORED[orientation](SHOWN), orientation, **packing)
    image = read_image(file)
    assert image.shape == image_shape(file) == SHOWN.shape
    np.testing.assert_allclose(image, SHOWN / 255, atol=0.25)  # JPEG and WebP are lossy


def test_tiff_files_whose_zero_is_white(tmp_path, rng):
    grey = rng.random((9, 7))
    for name, pixels in {
        "eight": np.round((1 - grey) * 255).astype(np.uint8),
        "sixteen": np.round((1 - grey) * 65535).astype(np.uint16),
        "float": (1 - grey).astype(np.float32),
    }.items():
        file = tmp_path / f"{name}.tif"
        tiff(file, pixels, photometric=0)
        np.testing.assert_allclose(read_image(file), grey, atol=0.003, err_msg=name)
        assert image_shape(file) == (9, 7)


def tiff(path, pixels, photometric, bits=None, packed=None):
    """Write an uncompressed little-endian TIFF of one strip, tag by tag."""
    height, width = pixels.shape
    data = pixels.tobytes() if packed is None else packed
    bits = bits or 8 * pixels.dtype.itemsize
    tags = [
        (256, 3, width),
        (257, 3, height),
        (258, 3, bits),
        (259, 3, 1),
        (262, 3, photometric),
        (273, 4, 8),
        (277, 3, 1),
        (278, 3, height),
        (279, 4, len(data)),
        (339, 3, 3 if pixels.dtype.kind == "f" else 1),
    ]
    entries = b"".join(
        int(tag).to_bytes(2, "little")
        + int(kind).to_bytes(2, "little")
        + (1).to_bytes(4, "little")
        + int(value).to_bytes(4, "little")
        for tag, kind, value in tags
    )
    padded = data + b"\0" * (len(data) % 2)
    head = b"II*\0" + (8 + len(padded)).to_bytes(4, "little")
    path.write_bytes(head + padded + len(tags).to_bytes(2, "little") + entries + bytes(4))


def test_twelve_bits_fill_the_range(tmp_path):
    levels = np.array([[0, 4095], [1024, 2048]], np.uint16)
    a, b = levels[:, 0].astype(int), levels[:, 1].astype(int)
    packed = b"".join(
        bytes([one >> 4, (one & 15) << 4 | two >> 8, two & 255]) for one, two in zip(a, b, strict=True)
    )
    tiff(tmp_path / "a.tif", levels, photometric=1, bits=12, packed=packed)
    np.testing.assert_allclose(read_image(tmp_path / "a.tif"), levels / 4095, atol=1e-6)


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "RGBA", "LA", "CMYK", "1", "YCbCr"])
def test_colours_become_their_luminance(tmp_path, mode):
    ending = {"CMYK": "tif", "YCbCr": "jpg"}.get(mode, "png")
    file = save(tmp_path / f"a.{ending}", Picture.fromarray(SHOWN).convert(mode))
    np.testing.assert_allclose(read_image(file), SHOWN / 255, atol=0.25)  # JPEG is lossy


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P"])
def test_transparent_pixels_are_refused(tmp_path, mode):
    picture = Picture.fromarray(SHOWN).convert("RGBA")
    picture.putalpha(Picture.fromarray(np.where(SHOWN, 255, 0).astype(np.uint8)))
    if mode == "P":
        file = save(tmp_path / "a.png", Picture.fromarray(SHOWN).convert("P"), transparency=0)
    else:
        file = save(tmp_path / "a.png", picture.convert(mode))
    with pytest.raises(ValueError, match=r"a\.png: \d+% of its pixels are transparent; expected an opaque"):
        read_image(file)


@pytest.mark.parametrize("ending", ["gif", "png", "webp", "tif"])
def test_several_frames_are_refused(tmp_path, ending):
    frames = [Picture.fromarray(SHOWN), Picture.fromarray(255 - SHOWN)]
    file = tmp_path / f"a.{ending}"
    frames[0].save(file, save_all=True, append_images=frames[1:])
    for read in (read_image, image_shape):
        with pytest.raises(ValueError, match=rf"a\.{ending}: holds 2 frames or pages; expected one image"):
            read(file)


def damaged(data):
    """Return damaged copies of a file, by what is wrong with them."""
    half = len(data) // 2
    yield "empty", b""
    yield "signature only", data[:8]
    yield "half", data[:half]
    yield "zeros behind the header", data[:20] + bytes(len(data) - 20)
    yield "text", b"this is no picture\n" * 20
    yield "noise", np.random.default_rng(0).bytes(len(data))


@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "bmp", "webp"])
def test_damaged_files_are_named(tmp_path, ending):
    whole = save(tmp_path / f"whole.{ending}", SHOWN).read_bytes()
    for what, data in damaged(whole):
        file = tmp_path / f"a.{ending}"
        file.write_bytes(data)
        problem = None
        try:
            shape = read_image(file).shape
        except ValueError as error:
            problem = str(error)
        # Some damage changes pixels alone.
        assert f"a.{ending}" in problem if problem else shape == SHOWN.shape, (what, problem)


#: Of an uncompressed 8-bit TIFF file: tag, type (3: 16 bits, 4: 32 bits), value.
PLAIN = {
    256: (3, 40),  # width
    257: (3, 60),  # height
    258: (3, 8),  # bits per sample
    259: (3, 1),  # no compression
    262: (3, 1),  # 0 is black
    273: (4, 0),  # where the pixels begin, filled in
    277: (3, 1),  # samples per pixel
    278: (3, 60),  # rows per strip
    279: (4, 2400),  # bytes of the strip
}

#: Tags that are set otherwise, or left out where they are None.
MALFORMED = {
    "no bits": {258: (3, 0)},
    "7 bits": {258: (3, 7)},
    "64 bits": {258: (3, 64)},
    "bits missing": {258: None},
    "unknown compression": {259: (3, 9999)},
    "LZW that is none": {259: (3, 5)},
    "JPEG that is none": {259: (3, 7)},
    "Deflate that is none": {259: (3, 8)},
    "unknown colours": {262: (3, 77)},
    "colours missing": {262: None},
    "palette missing": {262: (3, 3)},
    "RGB of one sample": {262: (3, 2)},
    "CMYK of one sample": {262: (3, 5)},
    "three samples of one": {277: (3, 3)},
    "no samples": {277: (3, 0)},
    "planes": {277: (3, 3), 284: (3, 2)},
    "pixels behind the end": {273: (4, 10**8)},
    "pixels missing": {273: None},
    "bytes missing": {279: None},
    "no bytes": {279: (4, 0)},
    "too many bytes": {279: (4, 2**31)},
    "no rows in a strip": {278: (3, 0)},
    "more strips than there are": {278: (3, 1)},
    "width 0": {256: (3, 0)},
    "width missing": {256: None},
    "height 60,000": {257: (3, 60000)},
    "height missing": {257: None},
    "unknown number format": {339: (3, 9)},
    "orientation 0": {274: (3, 0)},
    "orientation 99": {274: (3, 99)},
    "tags of no type": {256: (99, 40)},
}


def tiff_of(tags, directory=8):
    """Return a little-endian TIFF file with these tags and 40 x 60 pixels behind them."""
    tags = {number: tag for number, tag in sorted(tags.items()) if tag is not None}
    start = 8 + 2 + 12 * len(tags) + 4
    if 273 in tags and tags[273][1] == 0:
        tags[273] = (4, start)
    parts = [struct.pack("<2sHI", b"II", 42, directory), struct.pack("<H", len(tags))]
    parts += [
        struct.pack("<HHII" if kind == 4 else "<HHIHxx", number, kind, 1, value)
        for number, (kind, value) in tags.items()
    ]
    return b"".join([*parts, bytes(4), SHOWN.tobytes()])


def test_a_whole_tiff_file_is_read(tmp_path):
    (tmp_path / "a.tif").write_bytes(tiff_of(PLAIN))
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), SHOWN / np.float32(255))


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("what", [*MALFORMED, "directory behind the end", "directory in itself"])
def test_malformed_tiff_files_are_read_or_named(what, tmp_path):
    file = tmp_path / "a.tif"
    directory = {"directory behind the end": 10**6, "directory in itself": 4}.get(what, 8)
    file.write_bytes(tiff_of(PLAIN | MALFORMED.get(what, {}), directory))
    problem = None
    try:
        image = read_image(file)
    except ValueError as error:
        problem = str(error)
    if problem is None:
        assert image.shape == SHOWN.shape == image_shape(file)
        assert 0 <= image.min() <= image.max() <= 1
    else:
        assert "a.tif" in problem
        assert "\n" not in problem
