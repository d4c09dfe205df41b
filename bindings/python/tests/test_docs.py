# SPDX-License-Identifier: MIT
"""The examples of the README and of the site run, page by page, as they stand there."""
import pathlib
import re

import pytest
import sardonyx as sx

PACKAGE = pathlib.Path(__file__).resolve().parent.parent
PAGES = [page for page in [PACKAGE / "README.md", *sorted((PACKAGE / "docs").glob("*.md"))] if "```python" in page.read_text(encoding="utf-8")]


@pytest.mark.skipif(not sx._native.has_extension(), reason="not Sardonyx's library")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples(page, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    known = {"__name__": "example"}
    for code in re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M):
        exec(compile(code, str(page), "exec"), known)
