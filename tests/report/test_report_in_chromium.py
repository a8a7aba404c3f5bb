"""Reports in a real headless Chromium: every position of every slider, keys, no error, no request.

Run by `make report-test`, which wants chromium and chromedriver of the system:
GAZESIM_CHROMIUM is the path of the browser.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from gazesim import AffinityCache
from gazesim.cache.inspection import inspect_cache
from gazesim.report import write_evaluation, write_inspection
from report.studies import EVIL, KINDS, study, totals_of_pair_mask
from report.test_report_evaluation import rows

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

#: Moves a slider to each of its positions, as a hand does, and returns what the page then shows.
SWEEP = """
const [id, step] = arguments;
const slider = document.getElementById(id);
const seen = [];
const count = Math.round((slider.max - slider.min) / slider.step);
for (let at = 0; at <= count; at += step) {
  slider.value = Number(slider.min) + at * Number(slider.step);
  slider.dispatchEvent(new Event("input"));
  const shown = (name) => document.getElementById(name).textContent;
  seen.push({rule: gazesimReport.shown.rule, expected: gazesimReport.shown.expected,
             threshold: gazesimReport.shown.threshold, mean: shown("mean"), without: shown("without"),
             passing: shown("passing"), purity: shown("purity"),
             labels: [...document.querySelectorAll("#label-rows tr")].map(
               (row) => [...row.children].map((cell) => cell.textContent))});
}
return seen;
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    options = Options()
    options.binary_location = os.environ["GAZESIM_CHROMIUM"]
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    yield driver
    driver.quit()


def opened(browser: webdriver.Chrome, path: Path, *, width: int = 1280) -> float:
    """Open a report; return after how many seconds it was ready."""
    browser.set_window_size(width, 900)
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get(path.as_uri())
    end = time.monotonic() + 60
    while not browser.execute_script("return document.documentElement.dataset.ready"):
        assert time.monotonic() < end, browser.get_log("browser")
        time.sleep(0.02)
    return browser.execute_script("return performance.now()") / 1000


def processor_seconds(browser: webdriver.Chrome) -> dict[int, float]:
    """Return the processor time that each process of the browser has taken, by its number."""
    processes = psutil.Process(browser.service.process.pid).children(recursive=True)
    times = {one.pid: one.cpu_times() for one in processes}
    return {pid: one.user + one.system for pid, one in times.items()}


def check_quiet(browser: webdriver.Chrome, path: Path) -> None:
    """Raise where the console has an error or warning, something was asked for, or a name became markup."""
    loud = [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
    assert loud == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [
        one["params"]["request"]["url"] for one in events if one["method"] == "Network.requestWillBeSent"
    ]
    assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]
    assert browser.execute_script("return window.hurt") is None


def close(shown: str, exact: float | None, digits: int = 1) -> bool:
    """Whether a page shows a number; a half is rounded up there and to even here."""
    if exact is None or shown == "–":
        return exact is None and shown == "–"
    return abs(float(shown.removesuffix(" %")) - exact) <= 0.5000001 * 10.0**-digits


@pytest.mark.parametrize("kind", KINDS)
def test_every_slider_position_shows_the_numbers_of_python(browser, tmp_path: Path, kind) -> None:
    one = study(kind, tmp_path)
    opened(browser, one.report)
    for slider, step in (("threshold", 1), ("quantile", 1), ("top_k", 1)):
        seen = browser.execute_script(SWEEP, slider, step)
        assert len(seen) > 30
        for shown in seen:
            rule, value = shown["rule"]["kind"], shown["rule"]["value"]
            assert rule == slider
            found = totals_of_pair_mask(one, 16, **{rule: value})
            count = max(1, found["rows"])
            assert close(shown["mean"], found["positives"] / count, 2)
            assert close(shown["without"], 100 * found["without"] / count)
            assert close(shown["passing"], 100 * found["positives"] / max(1, found["pairs"]), 2)
            assert close(shown["purity"], 100 * found["same"] / found["both"] if found["both"] else None)
            for cells, part in zip(shown["labels"], found["byClass"], strict=True):
                assert cells[1] == str(part["rows"])
                assert close(cells[2], part["positives"] / part["rows"], 2)
                assert close(cells[3], 100 * part["without"] / part["rows"])
                assert close(cells[4], 100 * part["same"] / part["both"] if part["both"] else None)
            if rule == "quantile":
                assert shown["threshold"] == one.found.threshold_at(value)
            if shown["threshold"]:
                assert shown["expected"] == one.found.extras_at(shown["threshold"])
    check_quiet(browser, one.report)


def assert_diagonal_runs_down(matrix) -> None:
    """Every image resembles itself most: the brightest cells lie from upper left to lower right."""
    time.sleep(0.5)
    pixels = np.asarray(Image.open(io.BytesIO(matrix.screenshot_as_png)).convert("RGB")).astype(int)
    pixels = pixels[:, : int(0.8 * pixels.shape[1])]  # without the colour bar
    rows, columns = np.nonzero(np.abs(pixels - (253, 231, 37)).sum(axis=2) < 12)
    assert np.corrcoef(rows, columns)[0, 1] > 0.3


@pytest.mark.parametrize("width", [390, 1280])
def test_page_works_by_keyboard_and_fits_the_window(browser, tmp_path: Path, width) -> None:
    one = study("readers", tmp_path)
    opened(browser, one.report, width=width)
    assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    slider = browser.find_element(By.ID, "top_k")
    before = int(slider.get_attribute("value"))
    slider.send_keys(Keys.ARROW_RIGHT)
    code = browser.find_element(By.ID, "call").text
    assert code == f"PairMask(cache, top_k={before + 1})"
    time.sleep(0.3)
    assert f"top_k {before + 1}:" in browser.find_element(By.ID, "spoken").get_attribute("textContent")
    matrix = browser.find_element(By.ID, "matrix")
    browser.execute_script("arguments[0].scrollIntoView()", matrix)
    end = time.monotonic() + 20
    while matrix.get_attribute("data-drawn") is None and time.monotonic() < end:
        time.sleep(0.05)
    assert_diagonal_runs_down(matrix)
    order = browser.execute_script("return gazesimReport.data.order")
    matrix.send_keys("+", Keys.ARROW_RIGHT)
    column, row = browser.execute_script(
        "return [gazesimReport.cell % 60, Math.floor(gazesimReport.cell / 60)]"
    )
    affinity = one.found.matrix[order[row], order[column]]
    assert browser.find_element(By.ID, "cell-words").text.endswith(f": {affinity:.5f}")
    play = browser.find_element(By.CSS_SELECTOR, "#above button")
    play.send_keys(Keys.ENTER)
    time.sleep(0.2)
    hidden = "return document.querySelectorAll('#above circle[visibility=hidden]').length"
    assert browser.execute_script(hidden) > 0
    unnamed = browser.execute_script(
        "return [...document.querySelectorAll('input, select, button, svg')].filter((one) => "
        "!one.closest('#matrix, #curve, #histogram') && !one.getAttribute('aria-label') && "
        "!(one.labels && one.labels.length) && !one.textContent.trim()).map((one) => one.outerHTML)"
    )
    assert unnamed == []
    check_quiet(browser, one.report)


def test_names_are_shown_as_they_are(browser, tmp_path: Path) -> None:
    one = study("dense", tmp_path)
    opened(browser, one.report)
    browser.execute_script("gazesimReport.showNeighbours(3)")
    first = "return document.querySelector('#neighbours figcaption').firstChild.textContent"
    assert browser.execute_script(first) == EVIL
    check_quiet(browser, one.report)


def test_a_thousand_images_open_in_two_seconds(browser, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    points = rng.random((1000, 4))
    matrix = np.exp(-((points[:, None] - points) ** 2).sum(axis=2))
    cache = AffinityCache.from_matrix(tmp_path / "c", matrix, ids=range(1000))
    noise = rng.random((300, 300))
    gazes = {name: rng.random((30, 3)) for name in range(1000)}
    report = tmp_path / "r.html"
    write_inspection(inspect_cache(cache), report, gazes=gazes, screen_size=(1, 1), images=lambda _: noise)
    walls, works = [], []
    for _ in range(3):
        before = processor_seconds(browser)
        walls.append(opened(browser, report))
        after = processor_seconds(browser)
        works.append(max(taken - before.get(name, 0.0) for name, taken in after.items()))
    size = report.stat().st_size / 1e6
    print(f"1,000 images, {size:.1f} MB: open in {min(walls):.2f} s, {min(works):.2f} s of it at work")
    assert min(works) <= 2  # of the busiest process: the rest is waiting for other programs
    check_quiet(browser, report)


def test_evaluation(browser, tmp_path: Path) -> None:
    write_evaluation(rows(), tmp_path / "r.html", title=EVIL)
    opened(browser, tmp_path / "r.html")
    assert len(browser.find_elements(By.CSS_SELECTOR, "table")) == 2
    assert browser.execute_script("return document.getElementById('title').textContent") == EVIL
    check_quiet(browser, tmp_path / "r.html")
