# SPDX-License-Identifier: MIT
"""An Explanation as a page without scripts: the steps as boxes in rows, each below what it reads, and a table. Which step reads which
follows from the model's own nodes: a step stands for some of them, and reads what they read."""
from html import escape

WIDTH, HEIGHT, GAP_X, GAP_Y = 190, 40, 18, 30
MOST = 600  # boxes
STYLE = """<style>
.sx{font:12px/1.35 system-ui,sans-serif} .sx svg{max-width:none} .sx .graph{overflow:auto;max-height:640px;border:1px solid #8884;border-radius:6px}
.sx rect{stroke:#0005;rx:5} .sx text{fill:#111} .sx .small{font-size:10px;fill:#333} .sx path{fill:none;stroke:#8889;stroke-width:1.2}
.sx table{border-collapse:collapse;margin-top:8px} .sx td,.sx th{padding:1px 10px 1px 0;text-align:left;font-weight:normal}
.sx th{border-bottom:1px solid #8888;font-weight:600} .sx .n{text-align:right}
</style>"""


def _edges(steps, source):
    """[[indices of steps that step i reads]]; without the model, one after the other."""
    from . import _model, _native
    try:
        nodes = _model.Model(source).nodes
    except (_native.InvalidProtobuf, OSError, TypeError, ValueError):
        return [[i - 1] if i else [] for i in range(len(steps))]
    steps_of, maker, reads = {}, {}, [set() for _ in steps]
    for i, step in enumerate(steps):
        for part in step["from"] if step.get("depth", 0) == 0 else ():
            steps_of.setdefault(part["index"], []).append(i)
    for index, node in enumerate(nodes):
        if index in steps_of:
            maker.update({name: {steps_of[index][-1]} for name in node.outputs})
        else:  # a node that is in no step, a Reshape for one: its readers read what it reads
            through = set().union(*(maker.get(name, set()) for name in node.inputs))
            maker.update({name: through for name in node.outputs})
    for index, node in enumerate(nodes):
        before = None
        for i in steps_of.get(index, ()):  # several steps may stand for a node: each reads the one before it
            reads[i] |= set().union(*(maker.get(name, set()) for name in node.inputs)) - {i}
            if before is not None:
                reads[i] = reads[i] - reads[before] | {before}
            before = i
    return [sorted(r for r in reads[i] if r < i) for i in range(len(steps))]


def _short(text, most):
    return text if len(text) <= most else text[:most - 1] + "\u2026"


def _color(kernel):
    return f"hsl({sum(ord(c) * 37 for c in kernel) % 360},55%,82%)"


def _rows(edges):
    """The row of each step: one below the lowest that it reads."""
    rows = []
    for reads in edges:
        rows.append(max((rows[r] + 1 for r in reads), default=0))
    return rows


def svg(data, source):
    """The graph of steps as SVG."""
    steps = data["steps"][:MOST]
    edges = _edges(steps, source)
    rows, taken, place = _rows(edges), {}, []
    for i, row in enumerate(rows):
        wish = max((place[r][0] for r in edges[i][:1]), default=0)
        column = next(c for c in range(len(steps) + 1) if (row, wish + c) not in taken) + wish
        taken[row, column] = i
        place.append((column, row))
    at = [(8 + c * (WIDTH + GAP_X), 8 + r * (HEIGHT + GAP_Y)) for c, r in place]
    lines, boxes = [], []
    for i, step in enumerate(steps):
        x, y = at[i]
        for r in edges[i]:
            fx, fy = at[r][0] + WIDTH / 2, at[r][1] + HEIGHT
            lines.append(f'<path d="M{fx:.0f} {fy} C{fx:.0f} {fy + GAP_Y} {x + WIDTH / 2:.0f} {y - GAP_Y} {x + WIDTH / 2:.0f} {y}"/>')
        made_of = " + ".join(f"{part['op_type']} {part['name']}".strip() for part in step["from"])
        about = f"{step['type']}{step['shape']}"
        title = escape(f"step {step['step']}: {made_of}\nkernel {step['kernel']} on {step['provider']}, {about}, {step['constant_bytes']} bytes of constants")
        boxes.append(f'<g><title>{title}</title><rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" fill="{_color(step["kernel"])}"/>'
                     f'<text x="{x + 8}" y="{y + 16}">{escape(_short(" + ".join(part["op_type"] for part in step["from"]) or step["op_type"], 27))}</text>'
                     f'<text class="small" x="{x + 8}" y="{y + 31}">{escape(_short(about, 31))}</text></g>')
    width, height = (max((p[k] for p in at), default=0) + size + 8 for k, size in ((0, WIDTH), (1, HEIGHT)))
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">{"".join(lines)}{"".join(boxes)}</svg>'


def page(data, source):
    """The whole page, to stand in another one."""
    head = f"{data['nodes']} nodes of the model in {len(data['steps'])} steps, {data['threads']} threads, {data['isa']} kernels, " \
           f"{data['packed_bytes'] / 1e6:.1f} MB of packed weights"
    if not data["planned"]:
        head += "; the plan depends on the sizes of the inputs: explain(inputs) shows it"
    if len(data["steps"]) > MOST:
        head += f"; the first {MOST} steps are drawn"
    cells = []
    for step in data["steps"]:
        made_of = " + ".join(f"{part['op_type']} {part['name']}".strip() for part in step["from"])
        refused = "; ".join(str(item) for item in step["refused"])
        cells.append(f"<tr><td class=n>{step['step']}</td><td>{escape(step['kernel'])}</td><td>{escape(step['type'] + step['shape'])}</td>"
                     f"<td class=n>{step['constant_bytes']}</td><td>{escape(made_of)}</td><td>{escape(refused)}</td></tr>")
    return (f'{STYLE}<div class="sx"><div>{escape(head)}</div><div class="graph">{svg(data, source)}</div><details><summary>Steps</summary><table>'
            f"<tr><th>step<th>kernel<th>output<th>constants<th>nodes<th>refused</tr>{''.join(cells)}</table></details></div>")
