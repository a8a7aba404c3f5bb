"""Without enough memory, functions raise MemoryError and the process goes on."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("resource")

#: What happens to be in use, and 200 MB more.
LIMIT = """
import resource
import numpy as np
import scipy.sparse
import gazesim

used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 200_000_000,) * 2)
"""

WORK = {
    "a drawn map": "gazesim.render_heatmap([[1, 1, 1]], size=(20_000, 20_000), sigma_px=1)",
    "a resized map": "gazesim.Moments(size=(20_000, 20_000)).features(np.ones((1, 4, 4)))",
    "a resized map of bytes": "gazesim.Moments(size=(20_000, 20_000)).features(np.ones((1, 4, 4), 'u1'))",
    "neighbors of two threads": "maps.neighbors(threshold=0.5, n_threads=2)",
    "many nearest neighbors": "maps.neighbors(top_k=19_000, n_threads=1)",
}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_too_little_memory_is_an_exception():
    """Once, for all of them: the limit holds for a process, and starting one takes longest."""
    lines = [LIMIT, "maps = gazesim.Features(gazesim.Moments(), np.ones((20_000, 2)), None)"]
    for name, call in WORK.items():
        lines.append(f"try:\n    {call}\nexcept MemoryError as error:\n    print({name!r}, error)")
    lines.append("print(maps[:3].neighbors(top_k=1).nnz)")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent("\n".join(lines))], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    printed = done.stdout.splitlines()
    assert [line.startswith(name) for name, line in zip(WORK, printed, strict=False)] == [True] * len(WORK)
    assert "does not suffice for the neighbours" in printed[3]
    assert printed[-1] == "3"
