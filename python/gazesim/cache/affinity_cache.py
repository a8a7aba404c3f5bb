"""AffinityCache: affinities on disk, looked up by id."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import choice, integer
from ..ids import IdIndex, as_positions
from ..schemes import Scheme, refuse_other_screen
from ..schemes.features import ERRORS, Features
from . import build as building
from . import store
from .gather import gather_dense, gather_neighbors, read_dense, read_neighbors
from .imported import import_matrix
from .manifest import MATRIX_FILE, ids_from_json, read_manifest, scheme_from_json
from .placement import Placement
from .plan import as_features, extended, plan_for, reduce_from_json
from .selection import Selection, selection_from, selection_from_json
from .store import CacheError

__all__ = ["AffinityCache"]


class AffinityCache:
    """Affinities in a folder, opened in milliseconds and looked up by id.

    Made by :meth:`build` or :meth:`from_matrix` and found again by :meth:`open`. A cache pickles as
    its path, and its matrix is mapped read-only, so DataLoader workers and training processes on one
    machine share one copy in memory.

    Attributes
    ----------
    path
        The folder: manifest.json, affinity.npy or neighbors.npz, and features.npz.
    ids
        The ids in the order of rows and columns.
    scheme
        The scheme with its parameters; None for an imported matrix.
    matrix
        (n, n) float32: a read-only array, or a ``scipy.sparse.csr_array`` where only neighbours are
        kept (see :attr:`selection`).
    selection
        None for all pairs, or the threshold, top_k or quantile by which neighbours were chosen.
    reduce
        ``"mean"`` or ``"max"`` over the readers of an image, or None.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from gazesim import AffinityCache
    >>> a = [[10, 10, 0.2], [50, 10, 0.3], [50, 40, 0.2]]
    >>> b = [[12, 11, 0.2], [50, 12, 0.3], [48, 44, 0.4]]
    >>> folder = pathlib.Path(tempfile.mkdtemp()) / "cache"
    >>> cache = AffinityCache.build(folder, [a, b, a], ids=["a", "b", "c"], screen_size=(64, 48))
    >>> AffinityCache.open(folder).block(["b", "c"], ["a"]).round(3)
    array([[0.984],
           [1.   ]], dtype=float32)
    """

    path: Path
    ids: tuple[Hashable, ...]
    scheme: Scheme | None
    matrix: Any
    selection: Selection | None
    reduce: str | None

    def __init__(self, path: str | Path) -> None:
        self.path = store.folder_at(path)
        building.finish_swap(self.path)
        if not self.path.is_dir():
            raise FileNotFoundError(f"{path} does not exist; expected the folder of a cache")
        manifest = read_manifest(self.path)
        try:
            self.ids = ids_from_json(manifest["ids"])
            self.scheme = scheme_from_json(manifest["scheme"])
            self.selection = selection_from_json(manifest["selection"])
            self.reduce = reduce_from_json(manifest)
        except (ValueError, TypeError, KeyError) as error:
            raise CacheError(f"{self.path / 'manifest.json'}: {error}") from None
        self._manifest = manifest
        # Escaped: braces in a path would be taken for the placeholder of the id.
        where = str(self.path).replace("{", "{{").replace("}", "}}")
        self._index = IdIndex(self.ids, unknown=f"{where} has no gaze with the id {{}}")
        read = read_dense if manifest["kind"] == "dense" else read_neighbors
        self.matrix = read(self.path / MATRIX_FILE[manifest["kind"]], len(self.ids))

    @classmethod
    def open(cls, path: str | Path) -> AffinityCache:
        """Open a cache: check version, sizes and fingerprints, and map the matrix; load nothing else.

        Raises
        ------
        FileNotFoundError
            If nothing is at ``path``.
        CacheError
            A ValueError: the folder is not a cache, of another version, or damaged; the message
            says what is wrong. :meth:`verify` reads every byte.
        """
        return cls(path)

    @classmethod
    def build(
        cls,
        path: str | Path,
        gazes: Any,
        *,
        ids: Iterable[Hashable] | None = None,
        scheme: str | Scheme = "multimatch",
        threshold: float | None = None,
        top_k: int | None = None,
        quantile: float | None = None,
        reduce: str | None = None,
        method: str = "exact",
        graph_k: int = 40,
        seed: int = 0,
        n_threads: int | None = None,
        progress: bool = False,
        errors: str = "warn",
        client: Any = None,
        placement: Placement | None = None,
        **params: Any,
    ) -> AffinityCache:
        """Compute affinities into a new folder, and open it.

        The folder appears at once, complete. A build that was killed is resumed by the same call;
        a finished one is opened. The bytes do not depend on interruptions, threads or workers.

        Parameters
        ----------
        path
            The folder to make; blocks are kept in ``.NAME.building`` beside it meanwhile. A symbolic link
            stays: the folder that it points to is made or replaced.
        gazes
            As :func:`gazesim.affinity` takes them, or :class:`Features`.
        ids
            A distinct string, number, or tuple of them for every gaze; default: those of the
            Scanpaths.
        scheme, **params
            As for :func:`gazesim.affinity`.
        threshold, top_k, quantile
            Which pairs are kept, as for :func:`gazesim.neighbors`; without, all are. ``threshold``
            keeps affinities of at least this value; ``quantile``, in place of it, that quantile of
            the pairs of at most 2,000 evenly spaced images; ``top_k`` keeps the k most similar
            others of every row, which is not symmetric. A valid image always keeps its 1 with
            itself. Dropped pairs read as 0.
        reduce
            Ids are (image_id, reader_id); an affinity of two images is the ``"mean"`` or the
            ``"max"`` over all pairs of their valid gazes (1 for an image with itself), and the
            cache is looked up by image_id. None keeps the gazes apart.
        method, graph_k, seed
            As for :func:`gazesim.neighbors`: ``"nn-descent"`` finds most of the ``top_k`` most similar
            others; ``cache.selection.recall`` is the share. A killed build of it starts again from the
            beginning, with the same result; it excludes ``reduce``, ``client`` and :meth:`append`.
        n_threads
            Threads to use, per worker where there is a client; default ``GAZESIM_NUM_THREADS``, then
            all available cores (one on a worker).
        progress
            Whether to show progress and the time left on stderr.
        errors
            What to do about invalid gazes: ``"warn"``, ``"raise"`` or ``"ignore"``.
        client
            A ``dask.distributed.Client`` whose workers compute the blocks; they have to reach the
            folder under the same name.
        placement
            Where the images stood, to be kept with the cache: :attr:`AffinityCache.placement`. Training
            compares it with its own.

        Raises
        ------
        FileExistsError
            If ``path`` holds anything else, another cache included.
        BlockingIOError
            If another process is building there.
        OSError
            If the disk is too small (checked before the work starts) or full.
        """
        selection = selection_from(threshold, top_k, quantile, method, graph_k, seed)
        for name, value in (("reduce", reduce), ("client", client)):
            if value is not None and method != "exact":
                raise ValueError(f"{name} is given with method={method!r}; expected method='exact' with it")
        plan = plan_for(
            gazes,
            ids=ids,
            scheme=scheme,
            params=params,
            selection=selection,
            reduce=reduce,
            errors=errors,
            n_threads=n_threads,
            placement=placement,
        )
        whole = store.folder_at(path)
        building.build(whole, plan, n_threads=n_threads, progress=progress, client=client)
        return cls(whole)

    @classmethod
    def build_share(
        cls,
        path: str | Path,
        gazes: Any,
        *,
        share: tuple[int, int],
        ids: Iterable[Hashable] | None = None,
        scheme: str | Scheme = "multimatch",
        threshold: float | None = None,
        top_k: int | None = None,
        quantile: float | None = None,
        reduce: str | None = None,
        n_threads: int | None = None,
        progress: bool = False,
        errors: str = "warn",
        placement: Placement | None = None,
        **params: Any,
    ) -> int:
        """Compute share ``(i, n)``, 1 ≤ i ≤ n, of the blocks of :meth:`build`, as one job of n.

        The jobs may run at the same time on machines that share the disk. When all have finished,
        :meth:`merge` makes the cache. Returns the number of blocks in the share.
        """
        count = integer("share[1]", share[1], low=1, high=10**9)
        number = integer("share[0]", share[0], low=1, high=count)
        plan = plan_for(
            gazes,
            ids=ids,
            scheme=scheme,
            params=params,
            selection=selection_from(threshold, top_k, quantile),
            reduce=reduce,
            errors=errors,
            n_threads=n_threads,
            placement=placement,
        )
        return building.build_share(
            store.folder_at(path), plan, (number, count), n_threads=n_threads, progress=progress
        )

    @classmethod
    def merge(cls, path: str | Path) -> AffinityCache:
        """Make the cache of the shares that :meth:`build_share` has computed, and open it."""
        building.merge(store.folder_at(path))
        return cls(path)

    @classmethod
    def from_matrix(
        cls, path: str | Path, matrix: NDArray[Any] | str | Path, *, ids: Iterable[Hashable]
    ) -> AffinityCache:
        """Make a dense cache of a matrix computed elsewhere, such as McGIP's ``relation.npy``.

        Parameters
        ----------
        path
            The folder to make.
        matrix
            (n, n) numbers in [0, 1], symmetric to 1e-6 (the upper triangle is taken), or a .npy
            file of them. The diagonal becomes 1, or 0 in a row without any affinity above 0.
        ids
            One per row; for a name list in a file, ``Path("names.txt").read_text().splitlines()``.
        """
        import_matrix(store.folder_at(path), matrix, ids)
        return cls(path)

    def append(
        self,
        gazes: Any,
        *,
        ids: Iterable[Hashable] | None = None,
        n_threads: int | None = None,
        progress: bool = False,
        errors: str = "warn",
        client: Any = None,
    ) -> AffinityCache:
        """Add new images, computing new pairs only, and return the cache opened again.

        The folder is replaced at once; processes that have the old cache open keep reading the old one.
        The result is that of :meth:`build` on all gazes, except that a ``quantile`` keeps its threshold.
        Raises ValueError for Scanpaths of another screen size, and for maps of another size if moments are
        computed at native resolution.
        """
        old = self.features
        refuse_other_screen(old.scheme, gazes, "gazes")
        if self.selection is not None and self.selection.method is not None:
            raise ValueError(
                f"{self.path} holds neighbours by {self.selection.method}, which nothing can be appended to; "
                "expected it to be built again"
            )
        new = as_features(gazes, ids, old.scheme, {}, n_threads)
        new.report_invalid("gazes", choice("errors", errors, ERRORS))
        plan = extended(old, new, self.ids, self.reduce, self.selection)
        base = building.Base(self._manifest, self.matrix)
        building.build(self.path, plan, base=base, n_threads=n_threads, progress=progress, client=client)
        return type(self)(self.path)

    @property
    def features(self) -> Features:
        """The features of the gazes, read from the folder and checked."""
        building.require_same(self.path, self._manifest)
        return building.read_features(self.path, self._manifest)

    @property
    def placement(self) -> Placement | None:
        """Where the images stood and how wide maps were drawn, as ``gazesim affinity`` keeps it.

        None where the caller of :meth:`build` did not say it, and after :meth:`append`.
        """
        manifest = self._manifest
        try:
            gazes = self.ids if manifest["gazes"] is None else ids_from_json(manifest["gazes"], "gazes")
            return Placement.from_json(manifest.get("geometry"), gazes)
        except ValueError as error:
            raise CacheError(f"{self.path / 'manifest.json'}: {error}") from None

    @property
    def valid(self) -> NDArray[np.bool_]:
        """(n,) bool: whether the scheme is defined on the image."""
        return np.asarray(self.matrix.diagonal() > 0)

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        kept = "" if self.selection is None else f", {self.selection.to_json()}"
        return f"AffinityCache({str(self.path)!r}, n={len(self)}, scheme={self.scheme!r}{kept})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path,)

    def block(
        self, ids_a: Iterable[Hashable], ids_b: Iterable[Hashable] | None = None
    ) -> NDArray[np.float32]:
        """Return the affinities of ``ids_a`` with ``ids_b`` (default: with each other), as a new array.

        Ids may repeat. Raises KeyError for an unknown id.
        """
        columns = None if ids_b is None else self._index.positions(ids_b)
        return self.block_at(self._index.positions(ids_a), columns)

    def block_at(self, rows: Any, cols: Any | None = None) -> NDArray[np.float32]:
        """Return the affinities of the images at positions ``rows`` with ``cols`` (default: each other).

        (R, C) float32, a new array: ``[i, j]`` is that of image ``rows[i]`` with image ``cols[j]``.
        Positions may repeat.
        """
        first = as_positions(rows, len(self))
        second = first if cols is None else as_positions(cols, len(self))
        gather = gather_dense if self.selection is None else gather_neighbors
        return gather(self.matrix, first, second)

    @property
    def directed(self) -> bool:
        """Whether ``[i, j]`` and ``[j, i]`` may differ: ``top_k`` chooses in every row on its own."""
        return self.selection is not None and self.selection.top_k is not None

    def verify(self) -> None:
        """Read every byte of the cache; raise CacheError if a file differs from its checksum."""
        for name, entry in self._manifest["files"].items():
            if store.sha256(self.path / name) != entry["sha256"]:
                raise CacheError(
                    f"{self.path / name} does not match its SHA-256 in the manifest; it is damaged"
                )
