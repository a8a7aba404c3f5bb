"""Every value of a paper's configuration has a source, and is the value that the source states."""

from __future__ import annotations

import re
from importlib import resources

import pytest

pytest.importorskip("gazesim.train")

from gazesim import schemes
from gazesim.commands.configuration import flat, packaged_configs, read_yaml, resolved
from gazesim.train.reproduce import published
from gazesim.train.reproduce.published import SOURCES, config_values, evaluation_values, paper_configs


def text_of(name):
    return resources.files("gazesim.train").joinpath("configs", f"{name}.yaml").read_text(encoding="utf-8")


def test_all_configurations_of_papers_are_in_the_table():
    assert set(packaged_configs()) == {*paper_configs(), "demo", "byol_mcgip", "gaze_target"}
    released = {name for name in paper_configs() if name.endswith("_released")}
    assert {name.removesuffix("_released") for name in released} <= set(paper_configs())


@pytest.mark.parametrize("name", paper_configs())
def test_every_value_is_the_one_of_its_source(name):
    config = dict(flat(read_yaml(text_of(name), name)))
    assert config.pop("out") == f"runs/{name}"
    stated = config_values(name)
    assert config == {option: one.value for option, one in stated.items()}
    for option, one in stated.items():
        assert one.source in SOURCES, option
        assert one.place.strip(), option


@pytest.mark.parametrize("name", paper_configs())
def test_every_value_names_its_source_behind_it(name):
    lines = [line for line in text_of(name).splitlines() if line.strip() and not line.startswith("#")]
    said = [line.partition("  # ")[2] for line in lines if not re.search(r":$|^out:", line)]
    stated = [one.comment for one in config_values(name).values()]
    assert sorted(said) == sorted(stated)
    assert all(re.match(r"paper: |released code: |chosen here, because ", comment) for comment in said)


@pytest.mark.parametrize("name", paper_configs())
def test_the_scheme_takes_its_parameters(name):
    found, _ = resolved(read_yaml(text_of(name), name))
    if found.model.pairs is None:
        assert name == "gca_oai"
        return
    schemes.scheme_from(found.model.pairs.scheme, found.model.pairs.params)


def test_what_the_papers_print():
    """The numbers of the papers, once more by hand: a slip in the table shows."""
    for name in paper_configs():
        values = {option: one.value for option, one in config_values(name).items()}
        if name == "gca_oai":
            assert values["data.batch_size"] == 512
            assert values["data.views.crop_min_iou"] == 0.8
            assert values["data.views.cutout_min_iou"] == 0.9
            assert values["data.views.mask_drop"] == 0.8
            assert values["data.views.mask_probability"] > 0
            continue
        assert values["model.weights"] == "imagenet"
        if name.endswith("_released"):
            assert values["model.optimizer.name"] in ("adamw", "lars")
            continue
        assert (values["model.optimizer.name"], values["model.optimizer.learning_rate"]) == ("adam", 2e-5)
        assert (values["trainer.max_epochs"], values["model.pairs.threshold"]) == (200, 0.7)
    released = {name: config_values(name) for name in paper_configs() if name.endswith("_released")}
    assert {name: values["model.pairs.threshold"].value for name, values in released.items()} == {
        "gzpt_tima_released": 0.95,
        "mcgip_inbreast_moco_released": 0.95,
        "mcgip_inbreast_released": 0.95,
        "mcgip_tufts_moco_released": 0.7,
        "mcgip_tufts_released": 0.9,
    }
    evaluation = evaluation_values("mcgip")
    assert [evaluation[name].value for name in ("folds", "learning_rate", "epochs_inbreast")] == [5, 2e-5, 10]
    assert published.published_number("gca-table-2", "crop, cutout, mask", "ACC") == 0.5966


@pytest.mark.parametrize("name", ["mcgip_inbreast_moco", "mcgip_tufts_moco"])
def test_a_queue_holds_an_image_at_most_once(name):
    images = {"inbreast": 287, "tufts": 800}[config_values(name)["data.preset"].value]
    assert config_values(name)["model.queue_size"].value <= images
