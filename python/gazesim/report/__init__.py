"""Interactive reports: one HTML file each, which a browser opens without a server or a network."""

from .evaluation import write_evaluation
from .inspection import write_inspection

__all__ = ["write_evaluation", "write_inspection"]
