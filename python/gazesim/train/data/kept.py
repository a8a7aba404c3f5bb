"""Stores of the images and maps that samples have read: arrays in memory, or a memory-mapped file."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..._progress import tell

__all__ = ["MEMORY", "Found", "InMemory", "Kept", "Mapped", "kept"]

MEMORY = ("none", "uint8", "float32", "mapped")
#: The two kinds of pixels kept for each image, in their order in a file.
KINDS = ("image", "map")
#: Pixels start at a multiple of this many bytes in a file, after the stamps.
PAGE = 4096
#: Errors of file systems without locks.
NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP}

Floats = NDArray[np.float32]


class Found(NamedTuple):
    """Kept pixels; None for a map without gaze."""

    pixels: Floats | None


class Kept(Protocol):
    """A store of pixels by kind ("image", "map") and position."""

    def find(self, kind: str, at: int) -> Found | None:
        """Return what was kept, or None where the pixels have to be read."""

    def keep(self, kind: str, at: int, pixels: Floats | None) -> Floats | None:
        """Keep pixels and return them as :meth:`find` will."""


class InMemory:
    """Arrays in this process: 4 bytes per pixel, or 1 (grey levels of images, shares of a map's maximum)."""

    def __init__(self, memory: str) -> None:
        self.memory = memory
        self._kept: dict[tuple[str, int], tuple[NDArray[Any], float] | None] = {}

    def find(self, kind: str, at: int) -> Found | None:
        """Return what was kept, or None where the pixels have to be read."""
        if (kind, at) not in self._kept:
            return None
        packed = self._kept[kind, at]
        return Found(None if packed is None else _unpacked(*packed))

    def keep(self, kind: str, at: int, pixels: Floats | None) -> Floats | None:
        """Keep pixels and return them as :meth:`find` will."""
        if pixels is None:
            self._kept[kind, at] = None
            return None
        top = 1.0 if kind == "image" else float(pixels.max())
        packed = self._kept[kind, at] = _packed(pixels, self.memory, top)
        return _unpacked(*packed)


class Mapped:
    """A memory-mapped file of float32 in the temporary folder, shared by all processes of a machine.

    The first process that needs an image reads it; the others (workers of a DataLoader, ranks of a training)
    find it here. The system may drop the file's pages when memory is short. Runs with the same images at the
    same size share the file; the last one removes it. A source that changed is read again.

    Parameters
    ----------
    sources
        For every image the files that its image and its map are read from; None without a map.
    size
        Side of images and maps in pixels.
    settings
        Text of all settings that change the pixels.
    """

    def __init__(self, sources: Sequence[tuple[Path, Path | None]], size: int, settings: str) -> None:
        self._arguments = tuple(sources), size, settings
        self._sources = self._arguments[0]
        count, header = len(sources), 2 * 8 * len(sources)
        self._start = -(-header // PAGE) * PAGE
        self._record = 4 * size * size
        self._bytes = self._start + 2 * count * self._record
        self.path, self._file = _opened(_name(sources, size, settings), self._bytes)
        self._end = weakref.finalize(self, _closed, self._file, self.path, os.getpid())
        self._stamps: NDArray[np.uint64] = np.memmap(self.path, np.uint64, "r", shape=(2, count))
        # "r+", although nobody writes to it: torch warns of read-only arrays.
        self._pixels: Floats = np.memmap(
            self.path, np.float32, "r+", offset=self._start, shape=(2, count, size, size)
        )
        self._is_known: set[tuple[int, int]] = set()
        self._is_full = False

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._arguments

    def __repr__(self) -> str:
        return f"Mapped({str(self.path)!r}, {self.megabytes:.0f} MB)"

    @property
    def megabytes(self) -> float:
        """The largest size of the file in MB."""
        return self._bytes / 1e6

    def find(self, kind: str, at: int) -> Found | None:
        """Return what was kept, or None where the pixels have to be read."""
        place = KINDS.index(kind)
        stamp = int(self._stamps[place, at])
        if not stamp:
            return None
        if (place, at) not in self._is_known:
            try:
                if stamp >> 1 != self._stamp(place, at) >> 1:
                    return None
            except OSError:  # whoever reads the file reports it
                return None
            self._is_known.add((place, at))
        return Found(np.asarray(self._pixels[place, at]) if stamp & 1 else None)

    def keep(self, kind: str, at: int, pixels: Floats | None) -> Floats | None:
        """Keep pixels and return them; if the disk is full, say so once and keep no more."""
        if self._is_full:
            return pixels
        place = KINDS.index(kind)
        stamp = self._stamp(place, at) | (pixels is not None)
        try:
            if pixels is not None:
                where = self._start + (place * len(self._sources) + at) * self._record
                _write(self._file, np.ascontiguousarray(pixels, np.float32).tobytes(), where)
            # The stamp is written last, so that pixels are complete wherever it is found.
            _write(self._file, np.uint64(stamp).tobytes(), 8 * (place * len(self._sources) + at))
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            self._is_full = True
            tell(
                f"{self.path.parent} is full ({error.strerror}), so the other images are read anew in every "
                "epoch; expected TMPDIR to name a folder with more space, or memory uint8 or none"
            )
        else:
            self._is_known.add((place, at))
        return pixels

    def _stamp(self, place: int, at: int) -> int:
        """Return a number above 1 for the state of a source, its last bit free for "has pixels"."""
        source = self._sources[at][place]
        if source is None:
            return 2
        found = source.stat()
        digest = hashlib.blake2b(f"{found.st_mtime_ns} {found.st_size}".encode(), digest_size=8).digest()
        return (int.from_bytes(digest, "little") & ~1) | 2


def kept(memory: str, sources: Sequence[tuple[Path, Path | None]], size: int, settings: str) -> Kept | None:
    """Return the store of a ``memory`` setting, None for "none"; without file locks (Windows), in memory."""
    if memory == "none" or not sources:
        return None
    if memory == "mapped" and os.name == "posix":
        return Mapped(sources, size, settings)
    return InMemory("float32" if memory == "mapped" else memory)


def _packed(pixels: Floats, memory: str, top: float) -> tuple[NDArray[Any], float]:
    if memory == "float32":
        return pixels, top
    return np.round(pixels * (255 / top)).astype(np.uint8), top


def _unpacked(packed: NDArray[Any], top: float) -> Floats:
    if packed.dtype == np.uint8:
        return packed.astype(np.float32) * np.float32(top / 255)
    return packed


def _name(sources: Sequence[tuple[Path, Path | None]], size: int, settings: str) -> str:
    digest = hashlib.sha256(f"{size} {settings}".encode())
    for image, gaze in sources:
        digest.update(f"\0{image.absolute()}\0{'' if gaze is None else gaze.absolute()}".encode())
    return f"{digest.hexdigest()[:24]}.f32"


def _folder() -> Path:
    """Return the user's own folder among the temporary files."""
    folder = Path(tempfile.gettempdir()) / f"gazesim-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.stat(follow_symlinks=False)
    if found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise PermissionError(
            f"{folder} can be written by others; expected a folder of your own, or TMPDIR to name another "
            "place"
        )
    return folder


def _opened(name: str, size_bytes: int) -> tuple[Path, int]:
    """Return the file of that name with a shared lock on it, empty if nobody else has it open."""
    import fcntl

    path = _folder() / name
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            is_first = _alone(file)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            os.close(file)
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
            path = path.with_name(f"{os.getpid()}-{name}")  # shared with own workers only
            file, is_first = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), True
            os.ftruncate(file, size_bytes)
            return path, file
        if is_first and _is_at(file, path):
            os.ftruncate(file, 0)  # drops what a killed run left
            os.ftruncate(file, size_bytes)
        fcntl.flock(file, fcntl.LOCK_SH)
        # Between the two locks the last user may have removed the file, or another run made a new one.
        if _is_at(file, path) and os.fstat(file).st_size == size_bytes:
            return path, file
        os.close(file)


def _alone(file: int) -> bool:
    """Return whether nobody else has a lock on the file; this process then has the only one."""
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _write(file: int, content: bytes, where: int) -> None:
    left = memoryview(content)
    while left:
        done = os.pwrite(file, left, where)
        left, where = left[done:], where + done


def _closed(file: int, path: Path, process: int) -> None:
    """Remove the file if nobody else uses it; a forked worker leaves it to its parent."""
    if os.getpid() != process:
        return
    with contextlib.suppress(OSError):
        if _alone(file) and _is_at(file, path):
            path.unlink()
    os.close(file)
