# SPDX-License-Identifier: MIT
"""The examples of the README and of the site run, page by page, as they stand there; and the pictures have what the tables have."""
import importlib.util
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree

import pytest
import sardonyx as sx

PACKAGE = pathlib.Path(__file__).resolve().parent.parent
CLONE = PACKAGE.parents[1]
PAGES = [page for page in [PACKAGE / "README.md", *sorted((PACKAGE / "docs").glob("*.md")), *sorted((PACKAGE / "docs/tasks").glob("*.md"))]
         if "```python" in page.read_text(encoding="utf-8")]


@pytest.mark.skipif(not sx._native.has_extension(), reason="not Sardonyx's library")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples(page, tmp_path):
    """Each page in a process of its own, since one of them installs the alias."""
    text = page.read_text(encoding="utf-8")
    if "import onnx\n" in text:
        pytest.importorskip("onnx")
    code = "\n".join(re.findall(r"^```python\n(.*?)^```", text, re.S | re.M))
    (tmp_path / "page.py").write_text(f"clone = {str(CLONE)!r}\n{code}", encoding="utf-8")
    done = subprocess.run([sys.executable, "page.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_pages_are_listed():
    index = (PACKAGE / "docs/index.md").read_text(encoding="utf-8")
    for page in (PACKAGE / "docs").rglob("*.md"):
        name = page.relative_to(PACKAGE / "docs").with_suffix("").as_posix()
        assert name == "index" or name.startswith("papers/") or re.search(rf"^{name}$", index, re.M), name


def test_plots(tmp_path):
    spec = importlib.util.spec_from_file_location("plots", PACKAGE / "docs/plots.py")
    plots = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plots)
    plots.write(tmp_path)
    for name, (_, *where) in plots.PLOTS.items():
        drawn = xml.etree.ElementTree.parse(tmp_path / f"{name}.svg")
        assert sum(item.tag.endswith("rect") for item in drawn.iter()) == len(plots.table(*where)) > 3
