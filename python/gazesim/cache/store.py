"""Atomic writes, reproducible bytes, fingerprints, a lock, and clear errors for a full disk."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import shutil
import time
import uuid
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

#: A fingerprint reads this many slices of this many bytes, evenly spaced, whatever the size of the file.
SLICES, SLICE = 64, 4096

#: The date of every npz entry: equal content must give equal bytes.
NO_DATE = (1980, 1, 1, 0, 0, 0)


class CacheError(ValueError):
    """A folder is not a cache that this version of gazesim can read; the message says why."""


def folder_at(path: str | Path) -> Path:
    """Return the absolute folder of a cache; for a symbolic link, the folder that it points to.

    Caches are built beside their folder and renamed into place; a rename would replace the link. Links among
    the parents stay as they are, because other machines may know the folder by that name only.
    """
    path = Path(path).absolute()
    return path.resolve() if path.is_symlink() else path


def npy_header(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    """Return the header of a C-ordered .npy file, the same bytes under every version of NumPy."""
    fields = f"{{'descr': '{dtype.newbyteorder('<').str}', 'fortran_order': False, 'shape': {shape}, }}"
    length = -(-(10 + len(fields) + 1) // 64) * 64 - 10
    return b"\x93NUMPY\x01\x00" + length.to_bytes(2, "little") + fields.ljust(length - 1).encode() + b"\n"


def npz_bytes(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the bytes of an uncompressed .npz of plain arrays; equal arrays give equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            body = npy_header(array.shape, array.dtype) + np.ascontiguousarray(array).tobytes()
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", NO_DATE), body)
    return buffer.getvalue()


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of an .npz, never unpickled; raise CacheError if it is damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except MemoryError:
        raise
    except Exception as error:  # a damaged archive raises almost anything
        raise CacheError(f"{path} is not a readable npz file: {error or type(error).__name__}") from None


def expect(path: Path, arrays: Mapping[str, NDArray[Any]], dtypes: Mapping[str, str]) -> None:
    """Raise unless a file holds exactly these one-dimensional arrays."""
    found = {name: f"{array.dtype} {array.ndim}-D" for name, array in arrays.items()}
    wanted = {name: f"{dtype} 1-D" for name, dtype in dtypes.items()}
    if found != wanted:
        raise CacheError(f"{path} holds {found}; expected {wanted}")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file for writing; at the end, rename it to ``path`` once it is on the disk."""
    draft = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with draft.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def write(path: Path, chunks: Iterable[bytes | memoryview]) -> dict[str, Any]:
    """Write a file atomically and return its manifest entry: size, SHA-256, and fingerprint."""
    digest = hashlib.sha256()
    with replacing(path) as file, ThreadPoolExecutor(1) as beside:
        for chunk in chunks:
            hashed = beside.submit(digest.update, chunk)  # as long as the system copies the chunk
            file.write(chunk)
            hashed.result()
    return {"bytes": path.stat().st_size, "sha256": digest.hexdigest(), "fingerprint": fingerprint(path)}


def fingerprint(path: Path) -> str:
    """Return a digest of 64 evenly spaced slices of a file, which takes milliseconds."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        if size <= SLICES * SLICE:
            digest.update(file.read())
        else:
            for number in range(SLICES):
                file.seek(number * (size - SLICE) // (SLICES - 1))
                digest.update(file.read(SLICE))
    return digest.hexdigest()


def remove(entry: Path) -> None:
    """Remove a file, a folder with its content, or a symbolic link without what it points to."""
    shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()


def sha256(path: Path) -> str:
    """Return the SHA-256 of a whole file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def require_space(folder: Path, needed: int) -> None:
    """Raise OSError unless the disk of ``folder`` has ``needed`` bytes free."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OSError(f"the disk of {folder} has {in_words(free)} free; the cache needs {in_words(needed)}")


@contextlib.contextmanager
def explain_full_disk(folder: Path) -> Iterator[None]:
    """Replace the error of a full disk, a quota or a file-size limit by one that says how to go on."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)):
            raise
        reason = "limit on the size of files" if error.errno == errno.EFBIG else "disk or quota"
        raise OSError(
            f"the {reason} of {folder} is exhausted; finished blocks are kept: "
            "make room and call the same build again to go on"
        ) from None


def in_words(size: int) -> str:
    """Return a number of bytes as text with a unit."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:,.0f} {unit}"
        size //= 1000
    raise AssertionError("unreachable")


#: Error numbers of a lock that another process holds, and of a file system without locks.
BUSY = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK}
NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP}

#: If this environment variable is 1, caches are built without a lock, for file systems without locks.
UNLOCKED = "GAZESIM_UNLOCKED"


class FolderLock:
    """A lock on a folder in which a cache is built; the system frees it when the process ends.

    A ``shared`` lock admits the other shares of the same build and excludes all other builds. On network
    file systems without locks, GAZESIM_UNLOCKED=1 builds without one.
    """

    def __init__(self, folder: Path, *, name: str = "lock", shared: bool = False) -> None:
        self._folder, self._name, self._shared = folder, name, shared
        self._file: IO[bytes] | None = None

    def __enter__(self) -> FolderLock:
        path = self._folder / self._name
        while True:
            self._folder.mkdir(parents=True, exist_ok=True)
            try:
                file = path.open("a+b")
            except FileNotFoundError:  # a finished build has just removed the folder
                time.sleep(0.01)
                continue
            try:
                if not os.environ.get(UNLOCKED):
                    _lock(file, self._shared)
            except OSError as error:
                file.close()
                raise self._in_words(error) from None
            if _is_at(file, path):
                self._file = file
                return self
            file.close()  # the lock belongs to a folder that has been removed

    def _in_words(self, error: OSError) -> OSError:
        """Return the error for a refused lock: another process builds here, or there are no locks."""
        if error.errno in BUSY:
            return BlockingIOError(
                f"another process is building in {self._folder}; expected one builder at a time"
            )
        if error.errno in NO_LOCKS:
            return OSError(
                error.errno,
                f"the file system of {self._folder} gives no locks ({error.strerror}), as some network file "
                "systems do; expected a cache on a local disk, to be copied afterwards, or the environment "
                f"variable {UNLOCKED}=1, with which you see to it that nobody else builds this cache",
            )
        return error

    def __exit__(self, *_: object) -> None:
        assert self._file is not None
        self._file.close()

    def remove_folder(self) -> None:
        """Remove the folder and its lock, the lock last, so that no build starts in between."""
        for entry in self._folder.iterdir():
            if entry.name != self._name:
                remove(entry)
        with contextlib.suppress(OSError):  # another process waits for the lock: the folder is its now
            (self._folder / self._name).unlink()
            self._folder.rmdir()


def _is_at(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


if os.name == "posix":
    import fcntl

    def _lock(file: IO[bytes], shared: bool) -> None:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)

else:  # Windows has no shared lock of this kind: there, the shares of one build run one at a time
    import msvcrt

    def _lock(file: IO[bytes], shared: bool) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
