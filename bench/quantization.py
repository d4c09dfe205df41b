#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Quantised models against their originals, and against what onnxruntime.quantization makes of them on ONNX Runtime.

    quantization.py NAME=KIND:MODEL.onnx ... [--modes dynamic,static,...] [--work FOLDER] [--rounds N] [--skip NODE ...]

KIND says what the model is fed and how its answers are judged:

    digits      scikit-learn's digits: the share of held-out pictures whose class is right
    text        lines of text that Pillow draws: the share of characters that are read right (a recogniser with CTC)
    sentences   pairs of sentences: the share whose nearest other sentence is the same as the original's (needs --tokenizer)
    pictures    smooth noise: the share of pictures whose class is the original's

Each mode is made by sardonyx.quantization and by onnxruntime.quantization with the same settings and samples. A row has the root mean
square error of the answers relative to the original's, the share, the file's size to the original's, and the processor time of a run
to that of the original on Sardonyx: ours, then ONNX Runtime's. Times are taken by turns in one process and one thread, the least of
all rounds counts. Needs the packages sardonyx, onnxruntime, onnx, scikit-learn, Pillow and tokenizers.
"""
import argparse
import contextlib
import io
import logging
import pathlib
import time
import warnings

import numpy as np
import onnx
import onnxruntime as ort
import onnxruntime.quantization as ort_quantization
import sardonyx as sx
from sardonyx import quantization

SENTENCES = """A man is playing a guitar.|Somebody plays a string instrument.|The cat sleeps on the sofa.|A kitten naps on the couch.
The stock market fell sharply today.|Shares lost much of their value this afternoon.|She is slicing an onion.|A woman cuts vegetables.
The train to Berlin was late again.|Our railway connection had a delay.|Water boils at a hundred degrees.|At sea level, liquids such as water start to boil at 100 C.
He repaired the engine of his old car.|The mechanic fixed a motor.|It has been raining since the morning.|The weather is wet today.
Children are building a castle of sand.|Kids play on the beach.|The committee rejected the proposal.|The plan was turned down by the board.
This soup needs more salt.|The broth tastes bland.|Our team won the final by two goals.|We are the champions of the tournament.
The museum opens at nine.|You can visit the exhibition from 9 o'clock on.|He forgot the password of his account.|She cannot log in any more.
A rocket carried the satellite into orbit.|The spacecraft was launched successfully.|The bridge is closed for repairs.|Workers are mending the crossing of the river."""
LINES = """SARDONYX RUNS|Hello World 2026|quantised to int8|The quick brown fox|jumps over the lazy dog|0123456789|Invoice No. 48151|Total: 162.30 EUR
Main Street 42|open from 9 to 17|Please keep left|Platform 3, Track 7|Made of granite|best before 04/28|Serial A7-X93-Q|No smoking here
Handle with care|Chapter Twelve|price per kilogram|Do not enter""".replace("\n", "|").split("|")


def digits(model, args):
    from sklearn.datasets import load_digits
    data, name = load_digits(), model.graph.input[0].name
    order = np.random.default_rng(7).permutation(len(data.images))  # the split of tools/train_digits.py
    x, labels = (data.images[order] / 16).astype(np.float32)[:, None], data.target[order][:360]
    return ([{name: x[i:i + 20]} for i in range(400, 800, 20)], [{name: x[:360]}],
            lambda answers, _: float(np.mean(answers[0].argmax(-1) == labels)))


def drawn(line):
    from PIL import Image, ImageDraw, ImageFont
    font = ImageFont.load_default(34)
    width = int(font.getlength(line)) + 24
    picture = Image.new("L", (width, 48), 235)
    ImageDraw.Draw(picture).text((12, 3), line, 25, font)
    noise = np.random.default_rng(len(line)).normal(0, 6, (48, width))
    return np.broadcast_to(((np.asarray(picture) + noise) / 127.5 - 1).astype(np.float32), (1, 3, 48, width)).copy()


def distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a):
        last, row[0] = row[0], i + 1
        for j, y in enumerate(b):
            last, row[j + 1] = row[j + 1], min(row[j + 1] + 1, row[j] + 1, last + (x != y))
    return row[-1]


def text(model, args):
    name = model.graph.input[0].name
    letters = next(p.value for p in model.metadata_props if p.key == "character").splitlines() + [" "]

    def read(answer):
        best = answer[0].argmax(-1)
        return "".join(letters[k - 1] for i, k in enumerate(best) if k and (not i or k != best[i - 1]) and k <= len(letters))

    def score(answers, _):
        wrong = sum(distance(read(a), line) for a, line in zip(answers, LINES))
        return 1 - wrong / sum(map(len, LINES))

    return [{name: drawn(line[::-1] + "  " + line.lower())} for line in LINES[:12]], [{name: drawn(line)} for line in LINES], score


def sentences(model, args):
    from tokenizers import Tokenizer
    tokens = Tokenizer.from_file(args.tokenizer)
    tokens.no_truncation(), tokens.no_padding()
    inputs = [i.name for i in model.graph.input]

    def sample(line):
        code = tokens.encode(line)
        values = {"input_ids": code.ids, "attention_mask": code.attention_mask, "token_type_ids": code.type_ids}
        return {name: np.array([values[name]], np.int64) for name in inputs}

    lines = SENTENCES.replace("\n", "|").split("|")

    def nearest(answers):
        e = np.concatenate(answers)
        e = e / np.linalg.norm(e, axis=1, keepdims=True)
        return (e @ e.T - 2 * np.eye(len(e))).argmax(-1)

    return ([sample(a + " " + b.lower()) for a, b in zip(lines[::2], lines[3::2])], [sample(line) for line in lines],
            lambda answers, plain: float(np.mean(nearest(answers) == nearest(plain))))


def pictures(model, args):
    draw, value = np.random.default_rng(11), model.graph.input[0]
    shape = [d.dim_value or 1 for d in value.type.tensor_type.shape.dim]
    axes = (1, 2) if shape[-1] in (1, 3) else (2, 3)

    def sample():
        spectrum = np.fft.rfft2(draw.standard_normal(shape), axes=axes)
        spectrum *= 1 / (1 + np.arange(spectrum.shape[axes[1]])).reshape([-1 if k == axes[1] else 1 for k in range(4)])
        x = np.fft.irfft2(spectrum, axes=axes)
        return {value.name: (x / x.std()).astype(np.float32)}

    return [sample() for _ in range(4)], [sample() for _ in range(4)], lambda answers, plain: float(
        np.mean([a.argmax(-1) == b.argmax(-1) for a, b in zip(answers, plain)]))


class Reader(ort_quantization.CalibrationDataReader):
    def __init__(self, samples):
        self.left = iter(samples)

    def get_next(self):
        return next(self.left, None)


def make_ours(mode, source, to, samples, skip):
    if mode == "dynamic":
        quantization.quantize_dynamic(source, to, per_channel=True, nodes_to_exclude=skip, compare=False)
    elif mode in ("static", "qoperator"):
        form = quantization.QuantFormat.QOperator if mode == "qoperator" else quantization.QuantFormat.QDQ
        quantization.quantize_static(source, to, samples, form, per_channel=True, activation_type=quantization.QuantType.QUInt8,
                                     nodes_to_exclude=skip, compare=False)
    elif mode == "4bit":
        quantization.quantize_weights(source, to, bits=4, block_size=32, accuracy_level=4, nodes_to_exclude=skip, compare=False)
    else:
        quantization.convert_float(source, to, mode, compare=False)


def make_theirs(mode, source, to, samples, skip):
    q = ort_quantization
    if mode == "dynamic":
        q.quantize_dynamic(source, to, per_channel=True, nodes_to_exclude=skip)
    elif mode in ("static", "qoperator"):
        from onnxruntime.quantization.shape_inference import quant_pre_process
        plain = to.with_suffix(".pre.onnx")
        quant_pre_process(source, plain, skip_symbolic_shape=True)
        q.quantize_static(plain, to, Reader(samples), q.QuantFormat.QOperator if mode == "qoperator" else q.QuantFormat.QDQ, per_channel=True,
                          activation_type=q.QuantType.QUInt8, weight_type=q.QuantType.QInt8, nodes_to_exclude=skip)
    elif mode == "4bit":
        from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
        model = onnx.load(source)
        tables = {t.name for t in model.graph.initializer if len(t.dims) == 2 and t.data_type == onnx.TensorProto.FLOAT}
        picks = any(n.op_type == "Gather" and n.input[0] in tables for n in model.graph.node)
        made = MatMulNBitsQuantizer(model, 4, 32, is_symmetric=False, accuracy_level=4, nodes_to_exclude=skip,
                                    op_types_to_quantize=("MatMul", "Gather") if picks else ("MatMul",))
        made.process()
        onnx.save(made.model.model, to)
    else:
        from onnxruntime.transformers.float16 import convert_float_to_float16
        onnx.save(convert_float_to_float16(onnx.load(source), keep_io_types=True, node_block_list=skip or None), to)


def session(library, path):
    options = library.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    return library.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def answers(s, samples):
    """The last output that is float, of every sample."""
    names = [o.name for o in s.get_outputs() if o.type in ("tensor(float)", "tensor(float16)")]
    return [s.run(names[-1:], sample)[0].astype(np.float32) for sample in samples]


def error(mine, plain):
    a, b = np.concatenate([x.ravel() for x in mine]), np.concatenate([x.ravel() for x in plain])
    return float(np.sqrt(np.mean((a - b) ** 2, dtype=float) / np.mean(b * b, dtype=float)))


def times(sessions, samples, rounds):
    """Least processor time of a run over the samples, by turns."""
    best = [float("inf")] * len(sessions)
    for _ in range(rounds):
        for i, s in enumerate(sessions):
            start = count = 0
            while not count or time.process_time() - start < 0.05:
                start = start or time.process_time()
                for sample in samples:
                    s.run(None, sample)
                count += 1
            best[i] = min(best[i], (time.process_time() - start) / count)
    return best


def measure(name, kind, path, args):
    calibration, samples, score = {"digits": digits, "text": text, "sentences": sentences, "pictures": pictures}[kind](onnx.load(path), args)
    base, size = session(sx, path), path.stat().st_size
    plain = answers(session(ort, path), samples)
    print(f"| {name} | float | {error(answers(base, samples), plain):.2g} | | {score(plain, plain):.3f} | | 1 | | 1 | "
          f"{np.divide(*times([session(ort, path), base], samples[:4], args.rounds)):.2f} |", flush=True)
    for mode in args.modes.split(","):
        cells, sessions = [], [base]
        for library, make, stem in ((sx, make_ours, "ours"), (ort, make_theirs, "theirs")):
            to = args.work / f"{name}_{mode}_{stem}.onnx"
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    make(mode, path, to, calibration, args.skip)
                s = session(library, to)
                mine = answers(s, samples)
                cells.append((f"{error(mine, plain):.2g}", f"{score(mine, plain):.3f}", f"{to.stat().st_size / size:.3f}"))
                sessions.append(s)
            except Exception as problem:
                logging.error("%s %s %s: %s", name, mode, stem, str(problem)[:300])
                cells.append(("fails", "", ""))
        spent = times(sessions, samples[:4], args.rounds)
        ratios = iter([f"{t / spent[0]:.2f}" for t in spent[1:]])
        cells = [(*c, next(ratios) if c[1] else "") for c in cells]
        print(f"| {name} | {mode} | " + " | ".join(f"{a} | {b}" for a, b in zip(*cells)) + " |", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("models", nargs="+")
    p.add_argument("--modes", default="dynamic,static,qoperator,4bit,float16")
    p.add_argument("--work", type=pathlib.Path, default=pathlib.Path("build/bench"))
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--tokenizer")
    p.add_argument("--skip", nargs="*", default=[])
    args = p.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore"), logging.disable(logging.WARNING)
    print("| model | mode | error | ORT | share | ORT | size | ORT | time | ORT |\n" + "| --- " * 10 + "|")
    for word in args.models:
        name, _, rest = word.partition("=")
        kind, _, path = rest.partition(":")
        measure(name, kind, pathlib.Path(path), args)


if __name__ == "__main__":
    main()
