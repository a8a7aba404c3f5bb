"""List the versions of a published site: python docs/versions.py FOLDER --base /NAME

FOLDER has a folder per version (dev, 0.1.0, 0.2.0, ...). Written into it are switcher.json, which the theme's
version switcher reads, and index.html, which leads to the newest release, or to dev before there is one.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

DEV = "dev"
REDIRECT = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>gazesim</title><meta http-equiv="refresh" content="0; url={0}/"></head>
<body><a href="{0}/">gazesim {0}</a></body>
</html>
"""


def versions_in(site: Path) -> list[str]:
    """Return the versions that a site has: newest release first, dev last."""
    names = [path.name for path in site.iterdir() if (path / "index.html").is_file()]
    releases = [name for name in names if re.fullmatch(r"\d+(\.\d+)*", name)]
    releases.sort(key=lambda name: [int(part) for part in name.split(".")], reverse=True)
    return releases + [DEV] * (DEV in names)


def write_list(site: Path, base: str) -> None:
    """Write switcher.json and index.html into a site that is served under the path ``base``."""
    versions = versions_in(site)
    if not versions:
        raise ValueError(
            f"{site} has no version; expected folders such as {DEV} and 0.1.0 with an index.html"
        )
    entries = []
    for number, name in enumerate(versions):
        is_newest = number == 0 and name != DEV
        entry = {"version": name, "name": f"{name} (newest)" if is_newest else name, "url": f"{base}/{name}/"}
        entries.append(entry | ({"preferred": True} if is_newest else {}))
    (site / "switcher.json").write_text(json.dumps(entries, indent=1) + "\n")
    (site / "index.html").write_text(REDIRECT.format(versions[0]))
    (site / ".nojekyll").touch()  # folders that begin with _ are served


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", type=Path)
    parser.add_argument("--base", default="")
    options = parser.parse_args()
    write_list(options.site, options.base)


if __name__ == "__main__":
    main()
