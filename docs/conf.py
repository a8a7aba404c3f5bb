"""Settings of the documentation site: ``make docs`` builds it."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import gazesim

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
# Commands of executed pages run the gazesim that is documented.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
os.environ["PYTHONPATH"] = str(Path(gazesim.__file__).parent.parent)
os.environ.setdefault("MPLBACKEND", "Agg")

# A shell command of a page that fails, fails the page; in a pipe too. SHELL is IPython's.
os.environ |= {"SHELL": "bash", "SHELLOPTS": "pipefail", "IPYTHONDIR": str(HERE / "_build" / "ipython")}
PROFILE = HERE / "_build" / "ipython" / "profile_default"
PROFILE.mkdir(parents=True, exist_ok=True)
(PROFILE / "ipython_kernel_config.py").write_text("c.InteractiveShell.system_raise_on_error = True\n")

project = "gazesim"
author = "gazesim developers"
copyright = "gazesim developers"
version = release = gazesim.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_nb",
    "sphinx_gallery.gen_gallery",
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "**.ipynb_checkpoints", "gallery/*.ipynb", "gallery/*.py", "gallery/*.md5"]
templates_path = ["_templates"]
nitpicky = False
suppress_warnings = ["config.cache", "mystnb.unknown_mime_type"]

html_theme = "pydata_sphinx_theme"
html_title = f"gazesim {version}"
html_static_path = ["_static"]
html_css_files = ["gazesim.css"]
html_theme_options = {
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "show_prev_next": True,
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": ["page-toc"],
}
# Several versions side by side, where they are published: the workflow says where their list lies.
if "GAZESIM_DOCS_SWITCHER" in os.environ:
    html_theme_options |= {
        "switcher": {
            "json_url": os.environ["GAZESIM_DOCS_SWITCHER"],
            "version_match": os.environ["GAZESIM_DOCS_VERSION"],
        },
        "check_switcher": False,  # the list is not there before the site is
        "navbar_end": ["version-switcher", "theme-switcher"],
    }
html_sidebars = {"changelog": [], "citing": [], "contributing": []}

# Docstrings give types in their own words; members of a class are listed on its page.
numpydoc_show_class_members = False
autosummary_generate = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autosummary_ignore_module_all = False

# Pages with code cells are executed; a cell that fails fails the build.
nb_execution_mode = "cache"
# Outputs are kept as long as neither the page nor gazesim changes, its compiled module included.
SOURCES = [path for path in Path(gazesim.__file__).parent.rglob("*") if path.suffix in (".py", ".so", ".pyd")]
STATE = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(SOURCES))).hexdigest()[:12]
nb_execution_cache_path = str(HERE / "_build" / "executed" / STATE)
nb_execution_raise_on_error = True
nb_execution_timeout = 900
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3

sphinx_gallery_conf = {
    "examples_dirs": [str(HERE.parent / "examples" / "gallery")],
    "gallery_dirs": ["gallery"],
    "filename_pattern": r"/plot_",
    "abort_on_example_error": True,
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "show_memory": False,
    "min_reported_time": 0,
    "remove_config_comments": True,
    "plot_gallery": True,
    "doc_module": (),
}
copybutton_prompt_text = r"^\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True
