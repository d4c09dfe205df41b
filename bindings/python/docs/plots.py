# SPDX-License-Identifier: MIT
"""plots.py FOLDER: pictures of the tables of docs/PERFORMANCE.md and docs/PERFORMANCE_OPERATORS.md, as SVG. Each bar is a ratio to ONNX Runtime:
below 1 Sardonyx is faster. The numbers are read from the tables, which the benchmarks wrote; nothing is measured here."""
import pathlib
import sys
from html import escape

ROOT = pathlib.Path(__file__).resolve().parents[3]
WIDTH, ROW, LABEL, NUMBER = 720, 20, 190, 46
FAST, SLOW = "#3b7dd8", "#c8603a"


def tables(path):
    """[(heading, column names, rows)] of a page."""
    heading, found, rows = "", [], None
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        if not line.startswith("|"):
            rows = None
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if rows is None:
            rows = []
            found.append((heading, cells, rows))
        elif not set("".join(cells)) <= set("-: "):
            rows.append(cells)
    return found


def table(page, heading, column):
    """[(name, number)] of a table's column; a heading may have several tables, the first with that column counts."""
    for where, names, rows in tables(ROOT / "docs" / page):
        if where == heading and column in names:
            at = names.index(column)
            return [(row[0], float(row[at])) for row in rows]
    raise KeyError(f"{page} has no table {heading} with a column {column}")


def bars(title, values):
    """Horizontal bars with a line at 1."""
    most = max(1.25, max(value for _, value in values) * 1.05)
    room, height = WIDTH - LABEL - NUMBER, ROW * len(values) + 46
    scale = room / most
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" font-family="system-ui,sans-serif" '
           f'font-size="12"><text x="0" y="16" font-size="14" fill="#777">{escape(title)}</text>']
    for i, (name, value) in enumerate(values):
        y = 30 + ROW * i
        out.append(f'<text x="{LABEL - 8}" y="{y + 13}" text-anchor="end" fill="#777">{escape(name)}</text>'
                   f'<rect x="{LABEL}" y="{y + 2}" width="{value * scale:.1f}" height="{ROW - 5}" fill="{FAST if value <= 1 else SLOW}"/>'
                   f'<text x="{LABEL + value * scale + 5:.1f}" y="{y + 13}" fill="#777">{value:.2f}</text>')
    x = LABEL + scale
    out.insert(1, f'<path d="M{x:.1f} 26V{height - 14}" stroke="#777" stroke-dasharray="3 3"/>'
               f'<text x="{x:.1f}" y="{height - 2}" text-anchor="middle" fill="#777">ONNX Runtime</text>')
    out.append("</svg>")
    return "".join(out)


PLOTS = {"models": ("Models, one thread: processor time as a share of ONNX Runtime's", "PERFORMANCE.md", "Numbers", "1 thread"),
         "models2": ("Models, two threads: processor time as a share of ONNX Runtime's", "PERFORMANCE.md", "Numbers", "2 threads"),
         "loading": ("Loading: time as a share of ONNX Runtime's", "PERFORMANCE.md", "Loading", "ratio"),
         "families": ("Single operators by family: the middle case", "PERFORMANCE_OPERATORS.md", "By family", "middle ratio")}


def write(folder):
    """Writes all plots."""
    folder = pathlib.Path(folder)
    folder.mkdir(exist_ok=True)
    for name, (title, *where) in PLOTS.items():
        (folder / f"{name}.svg").write_text(bars(title, table(*where)), encoding="utf-8")


if __name__ == "__main__":
    write(sys.argv[1])
