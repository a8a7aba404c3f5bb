"""Lookup tables of DICOM (PS3.3 C.11.1.1 and C.11.2.1.1), as files really hold them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["applied_table"]


def applied_table(item: Any, values: NDArray[Any], name: str) -> tuple[NDArray[np.float64], float]:
    """Return ``values`` looked up in a table, and the largest number that its entries can hold.

    ``item`` has ``LUTDescriptor`` (number of entries, 0 meaning 65,536; the value that the first entry stands
    for; bits per entry) and ``LUTData``: numbers, or bytes of 16 bits per entry, or of 8 bits where the
    entries have no more. Values outside of the table take its first or last entry.
    """
    descriptor = item.get("LUTDescriptor")
    if descriptor is None or len(descriptor) != 3:
        raise ValueError(f"{name} has the LUTDescriptor {descriptor}; expected three numbers")
    count, first, bits = (int(number) for number in descriptor)
    count = 65536 if count == 0 else count % 65536
    if not 1 <= bits <= 16:
        raise ValueError(f"{name} has {bits} bits per entry; expected 1 to 16")
    if values.min() < 0 and first > 32767:
        first -= 65536  # a signed number that was read as an unsigned one
    table = _entries(item.get("LUTData"), count, bits, name)
    at = np.clip(np.asarray(values, np.float64).round().astype(np.int64) - first, 0, count - 1)
    return table[at], 2.0**bits - 1


def _entries(data: Any, count: int, bits: int, name: str) -> NDArray[np.float64]:
    if isinstance(data, (bytes, bytearray)):
        if len(data) >= 2 * count:
            table = np.frombuffer(data, "<u2", count).astype(np.float64)
        elif bits <= 8 and len(data) >= count:  # two entries packed in one word
            table = np.frombuffer(data, np.uint8, count).astype(np.float64)
        else:
            raise ValueError(
                f"{name} has {len(data)} bytes of LUTData; expected {count} entries of {bits} bits"
            )
    else:
        table = np.asarray([] if data is None else data, np.float64).reshape(-1)
        if len(table) < count:
            raise ValueError(f"{name} has {len(table)} entries of LUTData; expected {count}")
    return table[:count]
