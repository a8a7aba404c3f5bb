"""Bad input gives a correct result or one sentence that names what is wrong; never a panic."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest

import gazesim
from strategies import measures_on

GOOD = [[1.0, 2.0, 0.1], [5.0, 9.0, 0.2], [3.0, 3.0, 0.3], [8.0, 1.0, 0.1]]
SCREEN = {"screen_size": (10, 10)}
MAP = np.outer(np.arange(8.0), np.arange(8.0, 0, -1))


MEASURES = measures_on((10.0, 10.0))
#: Schemes that compare scanpaths, and raw measures, with parameters that suit the gaze here.
OF_SCANPATHS = {"multimatch": SCREEN, "tima": {"image_size": (10, 10)}, **MEASURES}
RAW = {
    "scanmatch": SCREEN,
    "string_edit_distance": SCREEN,
    "sequence_score": SCREEN,
    "dtw_distance": {},
    "frechet_distance": {},
    "hausdorff_distance": {},
    "mannan_distance": SCREEN,
    "eyenalysis": {},
    "tde": {"k": 2},
    "stde": SCREEN,
    "recurrence": MEASURES["recurrence"],
    "scasim": MEASURES["scasim"],
}


def with_value(row, column, value):
    gaze = np.array(GOOD)
    gaze[row, column] = value
    return gaze


SCANPATHS = {
    "nan": (
        [GOOD, with_value(1, 0, np.nan)],
        ValueError,
        "gazes: sample 1, row 1, x is NaN; expected a finite",
    ),
    "inf": ([with_value(2, 1, np.inf)], ValueError, "gazes: sample 0, row 2, y is inf; expected a finite"),
    "beyond all screens": ([with_value(2, 1, 1e16)], ValueError, "y is 1(0+|e16); expected .* at most 1e15"),
    "negative duration": (
        [GOOD, GOOD, with_value(0, 2, -0.5)],
        ValueError,
        "gazes: sample 2, row 0, duration is -0.5; expected a duration of at least 0",
    ),
    "1-D": ([np.arange(6.0)], ValueError, r"gazes: sample 0 has shape \(6,\); expected \(L, 3\)"),
    "two columns": ([np.ones((4, 2))], ValueError, r"gazes: sample 0 has shape \(4, 2\)"),
    "four columns": ([GOOD, np.ones((4, 4))], ValueError, r"gazes: sample 1 has shape \(4, 4\)"),
    "3-D sample": ([np.ones((2, 4, 3))], ValueError, r"gazes: sample 0 has shape \(2, 4, 3\)"),
    "one scanpath, not a list": (np.array(GOOD), ValueError, r"gazes is ndarray of shape \(4, 3\)"),
    "empty row list": ([[]], ValueError, r"gazes: sample 0 has shape \(0,\)"),
    "ragged nested list": ([[[1, 2, 3], [4, 5]]], ValueError, "gazes: sample 0 is a ragged nested list"),
    "object dtype": ([np.array(GOOD, object)], TypeError, "gazes: sample 0 has dtype object"),
    "strings": ([[["a", "b", "c"]]], TypeError, "gazes: sample 0 has dtype <U1"),
    "numbers as strings": ([[["1", "2", "3"]]], TypeError, "expected real numbers"),
    "bytes": ([b"abc"], TypeError, "gazes: sample 0 has dtype"),
    "complex": ([np.array(GOOD, complex)], TypeError, "gazes: sample 0 has dtype complex128"),
    "bool": ([np.ones((4, 3), bool)], TypeError, "gazes: sample 0 has dtype bool"),
    "dates": ([np.ones((4, 3), "datetime64[s]")], TypeError, "gazes: sample 0 has dtype datetime64"),
    "None sample": ([GOOD, None], TypeError, "gazes: sample 1 has dtype object"),
    "None": (None, TypeError, "gazes is None; expected a list"),
    "a number": (3, TypeError, "gazes is 3; expected a list"),
    "a string": ("paths.json", TypeError, "gazes is 'paths.json'; expected a list"),
    "a dict": ({"a": GOOD}, TypeError, "expected a list"),
    "structured text": (
        [np.array([("a", 1.0, 2.0)], [("x", "U1"), ("y", float), ("d", float)])],
        TypeError,
        "expected columns of real numbers",
    ),
}


@pytest.mark.parametrize("case", SCANPATHS)
@pytest.mark.parametrize("scheme", OF_SCANPATHS)
def test_malformed_scanpaths(case, scheme):
    gazes, error, message = SCANPATHS[case]
    with pytest.raises(error, match=message):
        gazesim.affinity(gazes, scheme=scheme, **OF_SCANPATHS[scheme])


def test_the_length_of_gaze_is_bounded_by_the_scheme():
    with pytest.raises(ValueError, match="gazes: sample 1 has 40000 rows; expected at most 8192 fixations"):
        gazesim.affinity([GOOD, np.ones((40_000, 3))], **SCREEN)
    with pytest.raises(
        ValueError, match="other: sample 0 has 1000001 rows; expected at most 1000000 samples"
    ):
        gazesim.affinity([GOOD], [np.ones((1_000_001, 3))], scheme="tima", image_size=(10, 10))
    for scheme, params in MEASURES.items():
        most = 1024 if scheme == "time_delay_embedding" else 8192
        message = f"other: sample 0 has 10000 rows; expected at most {most} fixations"
        with pytest.raises(ValueError, match=message):
            gazesim.affinity([GOOD], [np.ones((10_000, 3))], scheme=scheme, **params)
    assert gazesim.render_heatmap(np.ones((40_000, 3)), size=(3, 3), sigma_px=0.1).sum() == 40_000


def test_screens_of_different_sizes_are_not_compared():
    here, there, nowhere = (
        gazesim.Scanpaths.from_list([GOOD], screen_size=s) for s in ((10, 10), (40, 30), None)
    )
    for scheme in OF_SCANPATHS:
        own = {key: value for key, value in OF_SCANPATHS[scheme].items() if not key.endswith("_size")}
        for a, b in ((here, there), (there, here)):
            with pytest.raises(ValueError, match=r"(other|gazes) has screen_size .*(compared with|that of)"):
                gazesim.affinity(a, b, scheme=scheme, **own)
        assert gazesim.affinity(here, nowhere, scheme=scheme, **own).shape == (1, 1)
    for measure, params in RAW.items():
        own = {key: value for key, value in params.items() if not key.endswith("_size")}
        with pytest.raises(ValueError, match=r"other has screen_size "):
            getattr(gazesim, measure)(here, there, **own)
    with pytest.raises(ValueError, match=r"other has screen_size \(40.0, 30.0\).* on \(10.0, 10.0\)"):
        gazesim.multimatch(here, there)
    rows, cols = (gazesim.MultiMatch().features(paths) for paths in (here, there))
    with pytest.raises(
        ValueError, match=r"other has the scheme .*\(40.0, 30.0\).* expected .*\(10.0, 10.0\)"
    ):
        rows.affinity(cols)
    # One size that is given for both is not theirs to contradict.
    assert gazesim.affinity(here, there, **SCREEN)[0, 0] == 1


def test_native_maps_of_different_sizes_are_not_compared():
    with pytest.raises(ValueError, match=r"other has maps of \(4, 8\), compared with \(8, 8\)"):
        gazesim.affinity([MAP], [MAP[:4]], scheme="moments")
    rows = pickle.loads(pickle.dumps(gazesim.Moments().features([MAP, MAP])))[:1]
    with pytest.raises(ValueError, match="expected one size, or Moments"):
        rows.affinity(gazesim.Moments().features([MAP.T[:4]]))
    assert rows.affinity(gazesim.Moments().features(np.empty((0, 4, 8)))).shape == (1, 0)
    assert gazesim.affinity([MAP], [MAP[:4]], scheme="moments", size=(8, 8)).shape == (1, 1)


@pytest.mark.parametrize("sigma", [{"sigma_px": 1e12}, {"sigma_px": 1e19}, {"sigma_deg": 1e6}])
def test_the_width_of_a_gaussian_is_bounded(sigma):
    screen = gazesim.ScreenGeometry(size_px=(100, 100), size_cm=(10, 10), distance_cm=60)
    with pytest.raises(ValueError, match=f"{next(iter(sigma))} is .* expected .* at most"):
        gazesim.render_heatmap(GOOD, size=(10, 10), geometry=screen, **sigma)


def test_the_other_set_is_named():
    with pytest.raises(ValueError, match="other: sample 0, row 1, x is NaN"):
        gazesim.affinity([GOOD], [with_value(1, 0, np.nan)], **SCREEN)


HEATMAPS = {
    "nan": (
        np.stack([MAP, np.where(MAP == 6, np.nan, MAP)]),
        ValueError,
        "gazes: sample 1, row 1, column 2 is NaN",
    ),
    "inf": (
        [np.full((2, 3), np.inf)],
        ValueError,
        "sample 0, row 0, column 0 is inf",
    ),
    "negative": (
        [MAP, MAP - 1],
        ValueError,
        "sample 1, row 0, column 0 is -1; expected a number from 0",
    ),
    "negative, mixed sizes": ([MAP, MAP[:4], MAP - 1], ValueError, "gazes: sample 2, row 0, column 0 is -1"),
    "negative integers": (
        np.full((1, 2, 2), -3, np.int8),
        ValueError,
        "gazes: sample 0, row 0, column 0 is -3",
    ),
    "2-D array": (MAP, ValueError, r"gazes has shape \(8, 8\); expected \(n, H, W\)"),
    "4-D array": (np.ones((1, 1, 2, 2)), ValueError, r"expected \(n, H, W\)"),
    "1-D sample": ([np.ones(4)], ValueError, r"gazes: sample 0 has shape \(4,\); expected \(H, W\)"),
    "no rows": (np.ones((1, 0, 5)), ValueError, "gazes is maps of 0 x 5 pixels; expected at least one"),
    "no columns": ([np.ones((5, 0))], ValueError, "maps of 5 x 0 pixels"),
    "object": ([np.array([[1, None]])], TypeError, "gazes: sample 0 has dtype object"),
    "strings": ([[["a"]]], TypeError, "gazes: sample 0 has dtype <U1"),
    "complex": (np.ones((1, 2, 2), complex), TypeError, "gazes has dtype complex128"),
    "ragged": ([[[1, 2], [3]]], ValueError, "gazes: sample 0 is a ragged nested list"),
    "None": (None, TypeError, "gazes is None"),
    "a string": ("maps.npy", TypeError, "gazes is 'maps.npy'"),
    "scanpaths": (gazesim.Scanpaths.from_list([GOOD]), TypeError, "gazes are scanpaths.*render_heatmap"),
}


@pytest.mark.parametrize("case", HEATMAPS)
@pytest.mark.parametrize("scheme", ["moments", "dhash"])
def test_malformed_heatmaps(case, scheme):
    gazes, error, message = HEATMAPS[case]
    params = {"size": (8, 8)} if scheme == "moments" else {}
    with pytest.raises(error, match=message):
        gazesim.affinity(gazes, scheme=scheme, **params)


PARAMETERS = {
    "unknown scheme": ({"scheme": "multimach"}, ValueError, r'did you mean "multimatch"\?'),
    "scheme of wrong type": ({"scheme": 7}, TypeError, "scheme is 7"),
    "unknown parameter": ({"wieghts": 1}, TypeError, r'did you mean "weights"\?'),
    "parameters beside an object": (
        {"scheme": gazesim.MultiMatch(**SCREEN), "weights": (1, 0, 0, 0, 0)},
        TypeError,
        "expected one or the other",
    ),
    "no screen": ({"errors": "raise"}, ValueError, "screen_size is missing; expected"),
    "negative screen": ({"screen_size": (-10, 10)}, ValueError, r"screen_size\[0\] is -10"),
    "zero screen": ({"screen_size": (0, 10)}, ValueError, "expected a positive width and height"),
    "screen of one number": ({"screen_size": 10}, TypeError, "screen_size is 10; expected 2 numbers"),
    "screen of three numbers": ({"screen_size": (1, 2, 3)}, ValueError, "expected 2 numbers, not 3"),
    "infinite screen": ({"screen_size": (np.inf, 3)}, ValueError, "expected a finite number"),
    "four weights": ({"weights": (0.25,) * 4, **SCREEN}, ValueError, "expected 5 numbers, not 4"),
    "weights above 1": ({"weights": (0.3,) * 5, **SCREEN}, ValueError, "sums to 1.5; expected a sum of 1"),
    "negative weight": ({"weights": (1.5, -0.5, 0, 0, 0), **SCREEN}, ValueError, r"weights\[1\] is -0.5"),
    "nan weight": ({"weights": (np.nan, 1, 0, 0, 0), **SCREEN}, ValueError, r"weights\[0\] is nan"),
    "unknown alignment": ({"alignment": "joined", **SCREEN}, ValueError, r'did you mean "joint"\?'),
    "grouping of wrong type": (
        {"grouping": True, **SCREEN},
        TypeError,
        "expected a gazesim.Grouping or None",
    ),
    "min_fixations of 1": ({"min_fixations": 1, **SCREEN}, ValueError, "expected a whole number from 2"),
    "min_fixations of 3.5": ({"min_fixations": 3.5, **SCREEN}, TypeError, "expected a whole number"),
    "n_threads 0": ({"n_threads": 0, **SCREEN}, ValueError, "n_threads is 0; expected"),
    "n_threads negative": ({"n_threads": -4, **SCREEN}, ValueError, "n_threads is -4"),
    "n_threads text": ({"n_threads": "2", **SCREEN}, TypeError, "n_threads is '2'; expected a whole number"),
    "errors": ({"errors": "warm", **SCREEN}, ValueError, r'did you mean "warn"\?'),
    "out shape": ({"out": np.empty((2, 3), np.float32), **SCREEN}, ValueError, r"out has shape \(2, 3\)"),
    "out dtype": (
        {"out": np.empty((2, 2)), **SCREEN},
        ValueError,
        "out has shape .* dtype float64; expected",
    ),
    "out list": ({"out": [[0, 0], [0, 0]], **SCREEN}, TypeError, "expected a float32 array of shape"),
    "out strided": (
        {"out": np.empty((2, 4), np.float32)[:, ::2], **SCREEN},
        ValueError,
        "expected a writable C-contiguous array",
    ),
    "out Fortran": ({"out": np.empty((2, 2), np.float32, "F"), **SCREEN}, ValueError, "C-contiguous"),
    "alpha": ({"scheme": "moments", "alpha": 1.5}, ValueError, "alpha is 1.5; expected .* at most 1"),
    "size": ({"scheme": "moments", "size": (0, 4)}, ValueError, r"size\[0\] is 0"),
    "hash_size": ({"scheme": "dhash", "hash_size": 65}, ValueError, "hash_size is 65; expected .* 1 to 64"),
    "axis": ({"scheme": "dhash", "axis": "rows"}, ValueError, r'did you mean "row"\?'),
    "interpolation": ({"scheme": "dhash", "interpolation": "cubic"}, ValueError, '"area" or "bilinear"'),
    "margin": ({"scheme": "dhash", "margin": -0.1}, ValueError, "margin is -0.1"),
    "eps": ({"scheme": "tima", "eps": 0.0}, ValueError, "eps is 0.0; expected a finite number above 0"),
    "min_samples": ({"scheme": "tima", "min_samples": 0}, ValueError, "min_samples is 0; expected"),
    "sigma_px": ({"scheme": "tima", "sigma_px": -1}, ValueError, "sigma_px is -1"),
    "weight_mass": ({"scheme": "tima", "weight_mass": "0.7"}, TypeError, "weight_mass is '0.7'"),
    "image_size": (
        {"scheme": "tima", "image_size": (9.5, 3)},
        ValueError,
        "expected whole numbers of pixels",
    ),
}


@pytest.mark.parametrize("case", PARAMETERS)
def test_bad_parameters(case):
    params, error, message = PARAMETERS[case]
    with pytest.raises(error, match=message):
        gazesim.affinity([GOOD, GOOD], **params)


def test_read_only_out():
    out = np.empty((1, 1), np.float32)
    out.flags.writeable = False
    with pytest.raises(ValueError, match="out is read-only"):
        gazesim.affinity([GOOD], out=out, **SCREEN)


def test_bad_thread_count_in_the_environment(monkeypatch):
    monkeypatch.setenv("GAZESIM_NUM_THREADS", "many")
    with pytest.raises(ValueError, match='GAZESIM_NUM_THREADS is "many"; expected a whole number'):
        gazesim.affinity([GOOD], **SCREEN)
    monkeypatch.setenv("GAZESIM_NUM_THREADS", "1")
    assert gazesim.affinity([GOOD], **SCREEN)[0, 0] == 1


UNUSUAL = {
    "integers": lambda gaze: np.round(gaze).astype(int),
    "float16": lambda gaze: gaze.astype(np.float16),
    "float32": lambda gaze: gaze.astype(np.float32),
    "long double": lambda gaze: gaze.astype(np.longdouble),
    "big endian": lambda gaze: gaze.astype(">f8"),
    "Fortran order": np.asfortranarray,
    "strided": lambda gaze: np.repeat(gaze, 3, axis=0)[::3],
    "reversed": lambda gaze: gaze[::-1].copy()[::-1],
    "nested list": lambda gaze: gaze.tolist(),
    "tuple": lambda gaze: tuple(map(tuple, gaze.tolist())),
    "unaligned": lambda gaze: unaligned(gaze),
    "read-only": lambda gaze: np.frombuffer(gaze.tobytes()).reshape(gaze.shape),
}


def unaligned(array):
    raw = np.zeros(array.nbytes + 1, np.uint8)
    view = raw[1:].view(array.dtype).reshape(array.shape)
    view[:] = array
    assert not view.flags.aligned
    return view


@pytest.mark.parametrize("kind", UNUSUAL)
def test_unusual_but_good_input(kind, rng):
    plain = [np.round(rng.random((5, 3)) * 8) / 8 * (8, 8, 1) for _ in range(3)]
    unusual = [UNUSUAL[kind](gaze) for gaze in plain]
    same = [np.asarray(gaze, float) for gaze in unusual]
    assert np.array_equal(gazesim.affinity(unusual, **SCREEN), gazesim.affinity(same, **SCREEN))
    if kind not in ("nested list", "tuple"):
        stack = UNUSUAL[kind](rng.random((4, 6, 6)) * 9)
        plain_stack = np.asarray(stack, float)
        assert np.array_equal(
            gazesim.affinity(stack, scheme="moments"), gazesim.affinity(plain_stack, scheme="moments")
        )


def test_huge_thread_counts_are_clipped():
    gazes = [np.random.default_rng(k).random((30, 3)) for k in range(90)]
    one = gazesim.affinity(gazes, n_threads=1, screen_size=(1, 1))
    assert np.array_equal(one, gazesim.affinity(gazes, n_threads=10**15, screen_size=(1, 1)))


@pytest.mark.parametrize("scheme", ["moments", "dhash", *OF_SCANPATHS])
def test_nothing_gives_an_empty_matrix(scheme):
    size = OF_SCANPATHS.get(scheme, {})
    some = [GOOD] if size else [MAP]
    assert gazesim.affinity([], scheme=scheme, **size).shape == (0, 0)
    assert gazesim.affinity([], some, scheme=scheme, **size).shape == (0, 1)
    assert gazesim.affinity(some, [], scheme=scheme, **size).shape == (1, 0)
    assert gazesim.multimatch([], screen_size=(10, 10)).shape == (0, 0, 5)
    assert gazesim.hu_moments([]).shape == (0, 7)
    assert gazesim.dhash([]).shape == (0,)


def test_extreme_but_finite_numbers():
    big = [[1e15, 1e15, 1e15], [-1e15, 5.0, 0.0], [0.0, -1e15, 1e-300], [1, 1, 1]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        matrix = gazesim.affinity([GOOD, big], **SCREEN)
        maps = gazesim.affinity([MAP, MAP * 1e98, MAP * 1e-199], scheme="moments")
        others = [gazesim.affinity([GOOD, big], scheme=name, **own) for name, own in MEASURES.items()]
    for result in (matrix, maps, *others):
        assert np.isfinite(result).all()
        assert ((result >= 0) & (result <= 1)).all()


ODD = [
    None,
    float("nan"),
    float("inf"),
    -1,
    0,
    2**70,
    "x",
    b"x",
    (),
    [],
    {},
    [[]],
    [[[]]],
    object(),
    np.empty((0, 3)),
    np.empty((3, 0)),
    np.ones((2, 2, 2, 2)),
    np.array(["a", None], object),
    np.array(5),
    True,
    1j,
    [GOOD],
    [MAP],
    (10, 10),
    "joint",
    0.5,
    np.float32(3),
    np.ones((1, 4, 4), np.uint8),
]


def test_two_thousand_random_malformed_calls():
    """Every way to misuse the public functions ends in a result, a ValueError or a TypeError."""
    rng = np.random.default_rng(7)
    pick = lambda: ODD[rng.integers(len(ODD))]  # noqa: E731
    names = ["screen_size", "weights", "grouping", "alignment", "min_fixations", "n_threads", "out", "errors"]
    names += [
        "alpha",
        "size",
        "hash_size",
        "margin",
        "eps",
        "min_samples",
        "sigma_px",
        "image_size",
        "scheme",
        "grid",
        "threshold_cells",
        "gap",
        "temporal_bin_s",
        "rounding",
        "kind",
        "norm",
        "radius_px",
        "geometry",
        "modulator",
        "duration_px_per_s",
        "squared",
        "k",
        "normalise",
        "denominator",
        "min_line",
    ]
    messages = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(2000):
            kwargs = {names[k]: pick() for k in rng.choice(len(names), rng.integers(0, 4), replace=False)}
            function = rng.choice(["affinity", "multimatch", "hu_moments", "dhash", "render_heatmap", *RAW])
            arguments = (
                [pick()]
                if rng.random() < 0.6 or function not in ("affinity", "multimatch", *RAW)
                else [pick(), pick()]
            )
            if function == "affinity":
                kwargs.setdefault("scheme", str(rng.choice(["moments", "dhash", *OF_SCANPATHS])))
            try:
                getattr(gazesim, function)(*arguments, **kwargs)
            except (ValueError, TypeError) as error:
                messages.append(str(error))
    assert len(messages) > 1000
    assert all(messages)
