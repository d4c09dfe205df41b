# SPDX-License-Identifier: MIT
"""The site: pages of this folder and of docs/, and the reference out of the docstrings. `make docs` builds it."""
import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(HERE))
import plots  # noqa: E402
import sardonyx  # noqa: E402

project, author, copyright = "Sardonyx", "Sardonyx", "MIT licence"
version = release = sardonyx.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
suppress_warnings = ["myst.xref_missing", "myst.header", "misc.highlighting_failure"]
exclude_patterns = []
html_theme, html_title, html_show_sourcelink = "furo", "Sardonyx", False
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "inherited-members": "list,int,Exception,BaseException", "undoc-members": False}

# Papers of the project are pages, too; where they lie is not below this folder.
PAPERS = ("ARCHITECTURE", "CONFIG", "NUMERICS", "OPERATORS", "PERFORMANCE", "PERFORMANCE_OPERATORS", "QUANTIZATION", "REDUCED")
(HERE / "papers").mkdir(exist_ok=True)
for paper in PAPERS:
    if (ROOT / f"docs/{paper}.md").exists():
        shutil.copy(ROOT / f"docs/{paper}.md", HERE / f"papers/{paper}.md")
plots.write(HERE / "plots")


def _examples(app, what, name, thing, options, lines):
    """An indented block of a docstring is an example."""
    out, inside = [], False
    for i, line in enumerate(lines):
        begins = line.startswith("    ") and (i == 0 or not lines[i - 1].strip())
        if begins and not inside:
            out += [".. code-block:: python", ""]
        elif line.strip() and not line.startswith("    ") and inside and out[-1].strip():
            out.append("")
        inside = (inside or begins) and (not line.strip() or line.startswith("    "))
        out.append(line)
    lines[:] = out


def setup(app):
    app.connect("autodoc-process-docstring", _examples)
