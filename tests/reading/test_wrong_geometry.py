"""Wrong units, axes, screens, placements and image sizes on five real data sets: detected, or why not.

Each row of WRONG is refused or warned of, with the words that the message contains. Each row of UNNOTICED
says why the gaze alone cannot show the mistake. RIGHT reads every set as it was recorded: no warning.
"""

from __future__ import annotations

import re

import pytest

from conftest import REAL
from gazesim.reading.options import GazeOptions
from gazesim.reading.source import read_placed

#: Excerpts in tests/real_gaze, whose README says where they are from.
FILES = {
    "osie": "osie_20_images.mat",
    "siim": "siim_21_images.json",
    "studyforrest": "studyforrest",
    "tobii": "tobii_studio_fixations.tsv",
    "smi": "smi_events.txt",
}

RIGHT = [
    ("osie", None, {}),
    ("osie", (800, 600), {}),
    ("osie", (800, 600), {"placement": "native"}),
    ("siim", None, {}),
    ("siim", (1024, 1024), {}),
    ("siim", (2048, 2048), {}),
    ("studyforrest", None, {}),
    ("studyforrest", (1280, 720), {}),
    ("studyforrest", (1280, 720), {"placement": "fit"}),
    ("tobii", None, {}),
    ("tobii", (1280, 1024), {"placement": "stretch"}),
    ("smi", None, {"screen_size": (1920, 1200)}),
]

PORTRAIT, SMALL, LARGE = (600, 900), (300, 200), (3000, 2000)
OFF = "of dwell lies off the image"
FILLS = r"is taken to fill .* of other proportions; expected placement"

WRONG = [
    # wrong unit
    ("osie", None, {"coord_unit": "fraction"}, f'{OFF}; try coord_unit "px"'),
    ("osie", None, {"coord_unit": "percent"}, f'{OFF}; try coord_unit "px"'),
    ("siim", None, {"coord_unit": "px"}, 'coord_unit="fraction"'),
    ("siim", None, {"coord_unit": "percent"}, 'try coord_unit "fraction"'),
    ("studyforrest", None, {"coord_unit": "fraction"}, f'{OFF}; try coord_unit "px"'),
    ("studyforrest", None, {"coord_unit": "percent"}, f'{OFF}; try coord_unit "px"'),
    ("tobii", None, {"coord_unit": "fraction"}, f'{OFF}; try coord_unit "px"'),
    ("tobii", None, {"coord_unit": "percent"}, f'{OFF}; try coord_unit "px"'),
    ("smi", None, {"coord_unit": "fraction", "screen_size": (1920, 1200)}, f'{OFF}; try coord_unit "px"'),
    ("smi", None, {"coord_unit": "percent", "screen_size": (1920, 1200)}, f'{OFF}; try coord_unit "px"'),
    ("osie", None, {"time_unit": "s"}, "the median fixation lasts"),
    ("studyforrest", None, {"time_unit": "ms"}, "the median fixation lasts"),
    ("tobii", None, {"time_unit": "us"}, "the median fixation lasts"),
    # width and height, or x and y, exchanged
    ("osie", None, {"screen_size": (600, 800)}, "seem to be exchanged"),
    ("studyforrest", None, {"screen_size": (720, 1280)}, "seem to be exchanged"),
    ("tobii", None, {"screen_size": (1024, 1280)}, "the file states a screen of 1280 x 1024 px"),
    ("smi", None, {"screen_size": (1200, 1920)}, "seem to be exchanged|try screen_size"),
    # wrong screen
    ("osie", None, {"screen_size": (1920, 1080)}, "try screen_size 800,600"),
    ("osie", None, {"screen_size": (640, 480)}, "try screen_size 800,600"),
    ("studyforrest", None, {"screen_size": (1920, 1080)}, "try screen_size 1280,720"),
    ("studyforrest", None, {"screen_size": (640, 480)}, f"{OFF}; try screen_size 1280,720"),
    ("tobii", None, {"screen_size": (1920, 1080)}, "the file states a screen of 1280 x 1024 px"),
    ("tobii", None, {"screen_size": (640, 480)}, "the file states a screen of 1280 x 1024 px"),
    ("smi", None, {"screen_size": (640, 480)}, f"{OFF}; try screen_size"),
    ("smi", None, {"screen_size": (1280, 1024)}, "try screen_size"),
    ("smi", None, {}, "screen_size is missing"),
    # wrong placement
    ("osie", PORTRAIT, {}, FILLS),
    ("osie", PORTRAIT, {"placement": "fit"}, f'{OFF}; try placement "stretch"'),
    ("osie", (400, 300), {"placement": "center"}, f"{OFF}; try placement"),
    (
        "osie",
        LARGE,
        {"placement": "center"},
        'placement is "center", and the image of 3000 x 2000 px is larger',
    ),
    ("osie", (400, 300), {"placement": "native"}, OFF),
    ("studyforrest", PORTRAIT, {}, FILLS),
    ("studyforrest", PORTRAIT, {"placement": "fit"}, f'{OFF}; try placement "stretch"'),
    ("studyforrest", (400, 300), {"placement": "center"}, OFF),
    ("siim", PORTRAIT, {"placement": "fit"}, f'{OFF}; try placement "stretch"'),
    ("siim", (400, 300), {"placement": "center"}, f'{OFF}; try placement "stretch"'),
    ("tobii", PORTRAIT, {}, FILLS),
    ("tobii", (400, 300), {"placement": "center"}, f'{OFF}; try placement "stretch"'),
    ("tobii", PORTRAIT, {"placement": "fit"}, 'try placement "stretch"'),
    ("smi", PORTRAIT, {"screen_size": (1920, 1200)}, FILLS),
    ("osie", None, {"placement": "fit"}, "the size of the image is not known; expected the image file"),
    # another image's size
    ("osie", SMALL, {"placement": "native"}, OFF),
    ("osie", LARGE, {"placement": "native"}, "the gaze is not where it usually is"),
    ("studyforrest", SMALL, {"placement": "native"}, OFF),
    ("studyforrest", LARGE, {"placement": "native"}, "the gaze is not where it usually is"),
    ("tobii", SMALL, {"placement": "native"}, OFF),
    ("tobii", LARGE, {"placement": "native"}, "the gaze is not where it usually is"),
    ("smi", SMALL, {"placement": "native"}, OFF),
    ("smi", LARGE, {"placement": "native"}, "the gaze is not where it usually is"),
]

UNNOTICED = [
    ("osie", None, {"screen_size": (1024, 768)}, "gaze on 20 images fills three quarters of that screen"),
    ("siim", None, {"screen_size": (1920, 1080)}, "fractions of an image fit an image of any size"),
    ("siim", PORTRAIT, {}, "fractions of an image fit an image of any size"),
    ("smi", None, {"screen_size": (1920, 1080)}, "a screen that is 10 % lower holds nearly all gaze"),
]


def warnings_of(name, image, options):
    """Return the warnings of a source, or the error that refuses it."""
    warned: list[str] = []
    try:
        read_placed(
            REAL / FILES[name],
            GazeOptions(**options),
            image_size=lambda _: image,
            warn=warned.append,
        )
    except ValueError as error:
        return [str(error)]
    return warned


def test_there_are_enough_rows():
    assert len(WRONG) >= 40
    assert len({name for name, *_ in WRONG}) == len(FILES)


@pytest.mark.parametrize(("name", "image", "options"), RIGHT)
def test_the_right_geometry_is_not_warned_of(name, image, options):
    assert warnings_of(name, image, options) == []


@pytest.mark.parametrize(("name", "image", "options", "words"), WRONG)
def test_a_wrong_geometry_is_refused_or_warned_of(name, image, options, words):
    found = warnings_of(name, image, options)
    assert any(re.search(words, one) for one in found), found
    assert all(FILES[name].split("/")[-1] in one for one in found)


@pytest.mark.parametrize(("name", "image", "options", "reason"), UNNOTICED)
def test_what_gaze_alone_cannot_show(name, image, options, reason):
    assert warnings_of(name, image, options) == [], reason
