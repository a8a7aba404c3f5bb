"""Predicted scanpaths against human ones: the benchmark protocol of scanpath models in one call.

:func:`compare_scanpaths` scores every predicted scanpath against every human one on the same image, under any
number of measures, beside two yardsticks: how well humans agree with each other, and how well a
prediction agrees with humans on *another* image.
"""

from .measures import MEASURES, Measure, PairSet
from .protocol import IncompleteComparisonWarning, compare_scanpaths
from .tables import write_csv

__all__ = ["MEASURES", "IncompleteComparisonWarning", "Measure", "PairSet", "compare_scanpaths", "write_csv"]
