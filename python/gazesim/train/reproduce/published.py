"""Values of configurations and numbers of tables that papers and released code state, with sources."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

__all__ = [
    "SOURCES",
    "Value",
    "config_values",
    "evaluation_values",
    "experiment_words",
    "paper_configs",
    "paper_title",
    "published_number",
]

#: Where a value can come from.
SOURCES = ("paper", "released code", "chosen here")


@dataclass(frozen=True)
class Value:
    """A value of a configuration.

    Parameters
    ----------
    value
        As in the configuration.
    source
        One of :data:`SOURCES`.
    place
        Where it stands in that source, or why it was chosen.
    """

    value: Any
    source: str
    place: str

    @property
    def comment(self) -> str:
        """What the configuration says behind the value."""
        return f"{self.source}{', because' if self.source == 'chosen here' else ':'} {self.place}"


@cache
def _table() -> dict[str, Any]:
    file = resources.files(__package__).joinpath("published.yaml")
    found: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


def paper_configs() -> list[str]:
    """Return the names of the configurations that are named after papers."""
    return sorted(_table()["configs"])


def config_values(name: str) -> dict[str, Value]:
    """Return every value of a configuration by its dotted option.

    Examples
    --------
    >>> from gazesim.train.reproduce.published import config_values
    >>> config_values("mcgip_inbreast_released")["model.pairs.threshold"].value
    0.95
    """
    own = dict(_table()["configs"][name])
    values = config_values(own.pop("like")) if "like" in own else {}
    own.pop("paper", None)
    for option, stated in own.items():
        if stated is None:  # what the other configuration states does not hold here
            del values[option]
        else:
            value, source, place = stated
            values[option] = Value(value, source, str(place))
    return values


def evaluation_values(paper: str) -> dict[str, Value]:
    """Return how the checkpoints of a paper are evaluated."""
    return {name: Value(*stated) for name, stated in _table()["evaluation"][paper].items()}


def published_number(table: str, row: str, metric: str) -> float | None:
    """Return a number of a published table, or None where it is not at hand.

    Examples
    --------
    >>> from gazesim.train.reproduce.published import published_number
    >>> published_number("gca-table-2", "crop, cutout", "MAE"), published_number("mcgip-table-1", "x", "ACC")
    (0.636, None)
    """
    number = _table()["tables"].get(table, {}).get(row, {}).get(metric)
    return None if number is None else float(number)


def experiment_words(name: str) -> dict[str, str]:
    """Return where a table or figure stands, and what of its layout is at hand.

    Examples
    --------
    >>> from gazesim.train.reproduce.published import experiment_words
    >>> experiment_words("gca-table-2")["place"]
    'Table 2'
    """
    return {key: str(text) for key, text in _table()["experiments"][name].items()}


def paper_title(paper: str) -> str:
    """Return authors, title and place of a paper."""
    return str(_table()["papers"][paper])
