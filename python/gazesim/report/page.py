"""An HTML page in one file: with scripts, styles, data, and a policy that forbids network requests."""

from __future__ import annotations

import base64
import html
import json
import zlib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cache.store import replacing

__all__ = ["bokeh_item", "check_report", "packed", "require_bokeh", "write_page"]

#: Under this content security policy, a browser loads only what is in the file.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
#: Characters that could end a script element, or a line of script, inside a string.
ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def require_bokeh() -> Any:
    """Return the module bokeh; if it is missing, raise ImportError with the command to install it."""
    try:
        import bokeh.embed
        import bokeh.plotting
        import bokeh.resources
    except ImportError:
        raise ImportError(
            'reports need bokeh, which is not installed; expected: pip install "gazesim[report]"'
        ) from None
    return bokeh


def check_report(path: str | Path) -> None:
    """Raise, before the work that a report shows, where the report could not be written."""
    require_bokeh()
    if not Path(path).resolve().parent.is_dir():
        raise ValueError(f"--html {path} is in a folder that does not exist; expected one that does")


def write_page(
    path: str | Path, *, title: str, body: str, scripts: tuple[str, ...], data: Mapping[str, Any]
) -> None:
    """Write a page as a whole or not at all.

    Parameters
    ----------
    path
        The .html to write.
    title
        Text, not markup.
    body
        The name of an HTML file in ``static``, which is copied unchanged.
    scripts
        Names of JavaScript files in ``static``, run in this order after BokehJS.
    data
        The result of ``reportData()`` in scripts; its strings never become markup.
    """
    bokeh = require_bokeh()
    resources = bokeh.resources.Resources(mode="inline", components=["bokeh"], minified=True)
    library = "\n".join(resources.js_raw).replace("</script", "<\\/script")
    code = "\n".join(f"<script>\n{_static(name)}</script>" for name in ("page.js", *scripts))
    page = (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{html.escape(title)}</title>\n<style>\n{_static('report.css')}</style>\n</head>\n<body>\n"
        f'{_static(body)}\n<script type="application/json" id="data">{script_json(data)}</script>\n'
        f"<script>\n{library}\n</script>\n{code}\n</body>\n</html>\n"
    )
    with replacing(Path(path).absolute()) as file:
        file.write(page.encode())


def script_json(data: Any) -> str:
    """Return JSON for a script element, escaped so that no character can end the element."""
    text = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    for character, escape in ESCAPES.items():
        text = text.replace(character, escape)
    return text.encode("utf-8", "backslashreplace").decode()  # ids may hold lone surrogates


def bokeh_item(figure: Any, target: str) -> Any:
    """Return a figure as the JSON that BokehJS embeds into the element ``target``."""
    return require_bokeh().embed.json_item(figure, target)


def packed(values: NDArray[Any]) -> str:
    """Return numbers as base64 text: bytes of equal significance grouped, compressed by zlib, lossless.

    Similar affinities have the same upper bytes, so these groups compress to almost nothing.
    """
    little = np.ascontiguousarray(values, values.dtype.newbyteorder("<")).reshape(-1)
    planes = little.view(np.uint8).reshape(-1, little.dtype.itemsize).T
    return base64.b64encode(zlib.compress(planes.tobytes(), 9)).decode()


def _static(name: str) -> str:
    return (files(__package__) / "static" / name).read_text(encoding="utf-8")
