"""Every kind of damaged cache is refused with one sentence; nothing in it runs, nothing is half-loaded."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from caches import gaze
from gazesim import AffinityCache
from gazesim.cache import CacheError
from gazesim.cache.manifest import canonical
from gazesim.cache.store import fingerprint

pytestmark = pytest.mark.filterwarnings("ignore::gazesim.InvalidGazeWarning")

COUNT = 30
DENSE, NEIGHBORS, MANIFEST, FEATURES = "affinity.npy", "neighbors.npz", "manifest.json", "features.npz"


class Bomb:
    """Leaves a trace when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("exploded",)


def patched(name: str, at: int, new: bytes = b"\xff") -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        data = bytearray((folder / name).read_bytes())
        data[at : at + len(new) or None] = new
        (folder / name).write_bytes(data)

    return damage


def truncated(name: str, size: int) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:size])


def replaced(name: str, content: Callable[[], bytes]) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(content())


def padded(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes() + b"\0")


def edited(edit: Callable[[dict], object]) -> Callable[[Path], None]:
    """Edit the manifest and leave its checksum as it was."""

    def damage(folder: Path) -> None:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        edit(manifest)
        (folder / MANIFEST).write_text(json.dumps(manifest))

    return damage


def forged(edit: Callable[[dict], object]) -> Callable[[Path], None]:
    """Edit the manifest and make its checksum right: deeper checks have to notice."""

    def damage(folder: Path) -> None:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        del manifest["checksum"]
        edit(manifest)
        manifest["checksum"] = hashlib.sha256(canonical(manifest)).hexdigest()
        (folder / MANIFEST).write_text(json.dumps(manifest))

    return damage


def smuggled(name: str, content: Callable[[], bytes]) -> Callable[[Path], None]:
    """Replace a file and make the manifest agree with it."""

    def damage(folder: Path) -> None:
        path = folder / name
        path.write_bytes(content())
        entry = {
            "bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "fingerprint": fingerprint(path),
        }
        forged(lambda manifest: manifest["files"].update({name: entry}))(folder)

    return damage


def npy(array: np.ndarray, **how: object) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **how)
    return buffer.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def pickled_npz() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("indptr", "indices", "data", "values", "offsets"):
            archive.writestr(f"{name}.npy", npy(np.array([Bomb()], object), allow_pickle=True))
    return buffer.getvalue()


def csr(start: int = 0, column: int = 0, entries: int = 2, step: int = 1) -> bytes:
    starts = np.full(COUNT + 1, 2)
    starts[0], starts[1] = start, step
    columns = np.array([0, column], np.int32)
    return npz(indptr=starts.astype(np.int64), indices=columns, data=np.ones(entries, np.float32))


def swap_ids(manifest: dict) -> None:
    manifest["ids"][0], manifest["ids"][1] = manifest["ids"][1], manifest["ids"][0]


def deep() -> bytes:
    return b"[" * 100_000 + b"]" * 100_000


#: name: (what is done to the folder, what the sentence says)
BOTH = {
    "no manifest": (lambda f: (f / MANIFEST).unlink(), "has no manifest.json"),
    "empty manifest": (truncated(MANIFEST, 0), "is not JSON"),
    "truncated manifest": (truncated(MANIFEST, 300), "is not JSON"),
    "binary manifest": (replaced(MANIFEST, lambda: bytes(range(256))), "is not JSON"),
    "deeply nested manifest": (replaced(MANIFEST, deep), "is not JSON"),
    "manifest is a list": (replaced(MANIFEST, lambda: b"[1]"), "is not the manifest of a gazesim"),
    "manifest is pickled": (replaced(MANIFEST, lambda: pickle.dumps(Bomb())), "is not JSON"),
    "other format": (edited(lambda m: m.update(format="other")), "is not the manifest of a gazesim"),
    "later version": (
        forged(lambda m: m.update(version=3)),
        "format version 3; this gazesim reads versions 1 to 2",
    ),
    "version is text": (forged(lambda m: m.update(version="1")), "format version '1'"),
    "missing field": (edited(lambda m: m.pop("scheme")), "missing or foreign fields: scheme"),
    "foreign field": (edited(lambda m: m.update(code="x")), "missing or foreign fields: code"),
    "swapped ids": (edited(swap_ids), "does not match its own checksum"),
    "edited weight": (edited(lambda m: m["scheme"]["parameters"].update(min_fixations=4)), "own checksum"),
    "edited checksum": (edited(lambda m: m.update(checksum="0" * 64)), "own checksum"),
    "NaN in manifest": (edited(lambda m: m.update(inputs=float("nan"))), "not finite"),
    "ids missing": (forged(lambda m: m["ids"].pop()), None),
    "id twice": (forged(lambda m: m["ids"].__setitem__(1, m["ids"][0])), "occurred before"),
    "id is an object": (forged(lambda m: m["ids"].__setitem__(1, {})), "neither a string nor a number"),
    "ids is text": (forged(lambda m: m.update(ids="abc")), "expected a list"),
    "unknown scheme": (forged(lambda m: m["scheme"].update(name="os.system")), "scheme is 'os.system'"),
    "unknown parameter": (forged(lambda m: m["scheme"]["parameters"].update(x=1)), "'x' is not a parameter"),
    "bad parameter": (forged(lambda m: m["scheme"]["parameters"].update(weights=[1])), "weights"),
    "scheme is a list": (forged(lambda m: m.update(scheme=["multimatch"])), "expected a name and parameters"),
    "bad selection": (
        forged(lambda m: m.update(selection={"sql": 1})),
        "expected threshold, top_k or quantile",
    ),
    "unknown kind": (forged(lambda m: m.update(kind="pickle")), "states kind 'pickle'"),
    "kind is a list": (forged(lambda m: m.update(kind=["dense"])), "states kind"),
    "selection for dense": (forged(lambda m: m.update(selection=7)), "selection is 7"),
    "reduce is odd": (forged(lambda m: m.update(reduce="sum")), "reduce is 'sum'"),
    "gazes are odd": (forged(lambda m: m.update(gazes="x")), "reduce is None"),
    "other dtype": (forged(lambda m: m.update(dtype="object")), "dtype 'object'"),
    "files is a list": (forged(lambda m: m.update(files=[])), "lists the files"),
    "file outside": (forged(lambda m: m["files"].update({"../x": {}})), "lists the files"),
    "entry is empty": (forged(lambda m: m["files"].update({FEATURES: {}})), "describes features"),
    "features missing": (lambda f: (f / FEATURES).unlink(), "features.npz is missing"),
    "features truncated": (truncated(FEATURES, 900), "has 900 bytes; expected"),
    "features padded": (padded(FEATURES), "bytes; expected"),
    "features flipped": (patched(FEATURES, 1000), "not the file that the manifest describes"),
}
DENSE_ONLY = {
    "matrix missing": (lambda f: (f / DENSE).unlink(), "affinity.npy is missing"),
    "matrix is a folder": (lambda f: ((f / DENSE).unlink(), (f / DENSE).mkdir()), "affinity.npy is missing"),
    "matrix truncated": (truncated(DENSE, 2000), "has 2000 bytes; expected"),
    "matrix empty": (truncated(DENSE, 0), "has 0 bytes; expected"),
    "matrix padded": (padded(DENSE), "bytes; expected"),
    "matrix flipped": (patched(DENSE, 3000), "not the file that the manifest describes"),
    "matrix of zeros": (
        replaced(DENSE, lambda: npy(np.zeros((COUNT, COUNT), np.float32))),
        "not the file that the manifest describes",
    ),
    "matrix of another cache": (
        lambda f: shutil.copy(f.parent / "other" / DENSE, f / DENSE),
        "not the file that the manifest describes",
    ),
    "foreign float64": (smuggled(DENSE, lambda: npy(np.ones((COUNT, COUNT)))), "not a plain float32"),
    "foreign shape": (
        smuggled(DENSE, lambda: npy(np.ones((COUNT, COUNT + 1), np.float32))),
        "not a plain float32 .npy of shape",
    ),
    "foreign order": (
        smuggled(DENSE, lambda: npy(np.asfortranarray(np.tri(COUNT, dtype=np.float32)))),
        "not a plain float32",
    ),
    "pickled matrix": (
        smuggled(DENSE, lambda: npy(np.array([Bomb()], object), allow_pickle=True)),
        "not a plain float32",
    ),
    "text as matrix": (smuggled(DENSE, lambda: b"0 1\n1 0\n"), "not a plain float32"),
    "kind swapped": (forged(lambda m: m.update(kind="neighbors")), "lists the files"),
}
NEIGHBORS_ONLY = {
    "neighbours truncated": (truncated(NEIGHBORS, 700), "has 700 bytes; expected"),
    "neighbours flipped": (patched(NEIGHBORS, 500), "not the file that the manifest describes"),
    "pickled neighbours": (smuggled(NEIGHBORS, pickled_npz), "not a readable npz"),
    "neighbours not a zip": (smuggled(NEIGHBORS, lambda: b"x" * 500), "not a readable npz"),
    "neighbours are npy": (smuggled(NEIGHBORS, lambda: npy(np.ones(3))), "not a readable npz"),
    "array missing": (smuggled(NEIGHBORS, lambda: npz(data=np.ones(2, np.float32))), "expected .*indptr"),
    "wrong dtypes": (
        smuggled(NEIGHBORS, lambda: npz(indptr=np.ones(2), indices=np.ones(2), data=np.ones(2))),
        "expected",
    ),
    "column outside": (smuggled(NEIGHBORS, lambda: csr(column=COUNT)), "not a sparse matrix of 30"),
    "column negative": (smuggled(NEIGHBORS, lambda: csr(column=-1)), "not a sparse matrix"),
    "rows go back": (smuggled(NEIGHBORS, lambda: csr(step=9)), "not a sparse matrix"),
    "rows start late": (smuggled(NEIGHBORS, lambda: csr(start=1)), "not a sparse matrix"),
    "data too long": (smuggled(NEIGHBORS, lambda: csr(entries=3)), "not a sparse matrix"),
}
CASES = [
    *(("dense", name, *case) for name, case in {**BOTH, **DENSE_ONLY}.items()),
    *(("neighbors", name, *case) for name, case in {**BOTH, **NEIGHBORS_ONLY}.items()),
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """Return a folder with a cache of each kind, and another one of the same size."""
    root = tmp_path_factory.mktemp("whole")
    AffinityCache.build(root / "dense", gaze(COUNT))
    AffinityCache.build(root / "neighbors", gaze(COUNT), top_k=4)
    AffinityCache.build(root / "other", gaze(COUNT, seed=1))
    return root


@pytest.mark.parametrize(("kind", "name", "damage", "sentence"), CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_damage_is_refused(whole: Path, tmp_path: Path, monkeypatch, kind, name, damage, sentence) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(whole / kind, tmp_path / "c")
    shutil.copytree(whole / "other", tmp_path / "other")
    damage(tmp_path / "c")
    with pytest.raises(CacheError, match=sentence) as raised:
        AffinityCache.open(tmp_path / "c")
    assert "\n" not in str(raised.value)
    assert str(tmp_path / "c") in str(raised.value)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("content", [pickled_npz, lambda: npz(values=np.ones((3, 7)), offsets=np.arange(3))])
def test_smuggled_features_are_refused_when_they_are_needed(whole, tmp_path, monkeypatch, content) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(whole / "dense", tmp_path / "c")
    smuggled(FEATURES, content)(tmp_path / "c")
    cache = AffinityCache.open(tmp_path / "c")
    with pytest.raises(CacheError, match=r"features\.npz"):
        cache.append(gaze(1, ids=["new"]))
    assert not (tmp_path / "exploded").exists()
    assert len(AffinityCache.open(tmp_path / "c")) == COUNT


def test_verify_reads_what_opening_samples(tmp_path: Path) -> None:
    cache = AffinityCache.build(tmp_path / "c", gaze(500))
    cache.verify()
    patched("affinity.npy", 20_000)(cache.path)
    cache = AffinityCache.open(cache.path)
    with pytest.raises(CacheError, match=r"affinity\.npy does not match its SHA-256"):
        cache.verify()


def test_missing_and_foreign_places(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="does not exist; expected the folder of a cache"):
        AffinityCache.open(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileNotFoundError, match="expected the folder of a cache"):
        AffinityCache.open(tmp_path / "file")
    with pytest.raises(CacheError, match=r"has no manifest\.json"):
        AffinityCache.open(tmp_path)
