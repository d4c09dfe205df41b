# SPDX-License-Identifier: MIT
"""Decode loops (BeamSearch, GreedySearch, Sampling, WhisperBeamSearch): small models with random weights, and what they generate.

A model is built twice from the same weights: as the bodies that an exporter would write, with caches of keys and values, and as
a function of whole sequences in float64 without any (`logits`). The searches below are the rules in plain Python.
"""
import math

import numpy as np
from onnx import TensorProto, helper, numpy_helper

I32, F32, F16 = TensorProto.INT32, TensorProto.FLOAT, TensorProto.FLOAT16
LOWEST = float(np.finfo(np.float32).min)


def softmax(s):
    e = np.exp(s - s.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


class Body:
    """A graph that is written down node by node."""

    def __init__(self, model, name):
        self.model, self.name, self.nodes, self.inputs, self.outputs, self.weights, self.count = model, name, [], [], [], {}, 0

    def take(self, name, dtype, *dims):
        self.inputs.append(helper.make_tensor_value_info(name, dtype, dims))
        return name

    def give(self, name, value, *dims):
        self.nodes.append(helper.make_node("Identity", [value], [name]))
        self.outputs.append(helper.make_tensor_value_info(name, self.model.dtype, dims))

    def weight(self, name):
        if not self.model.outside:
            self.weights[name] = self.model.weights[name]
        return name

    def const(self, value):
        self.count += 1
        self.weights[f"c{self.count}"] = np.array(value)
        return f"c{self.count}"

    def __call__(self, op, *inputs, outputs=1, domain="", **attrs):
        self.count += 1
        names = [f"{self.name}_t{self.count}_{k}" for k in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, domain=domain, **attrs))
        return names[0] if outputs == 1 else names

    def graph(self):
        return helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, [numpy_helper.from_array(v, k) for k, v in self.weights.items()])


class Model:
    """kind: gpt, t5, t5_new (an encoder without logits) or whisper. outside: the weights are initializers of the main graph. shared: the caches
    of a gpt are as long as the sequences may become, and past_sequence_length says how much of them is filled. broken: a token
    whose score is no number."""

    def __init__(self, rng, kind, vocab=23, layers=2, heads=2, size=4, dtype=np.float32, outside=False, hidden=True, whole=False, shared=False, sharp=1.5, broken=None):
        self.kind, self.vocab, self.layers, self.heads, self.size, self.outside, self.hidden, self.whole = kind, vocab, layers, heads, size, outside, hidden, whole
        self.shared = shared
        self.dtype = F32 if dtype == np.float32 else F16
        c = heads * size
        w = lambda *s: (rng.standard_normal(s) * sharp / math.sqrt(s[0])).astype(dtype)
        self.weights = {"tokens": (rng.standard_normal((vocab, c))).astype(dtype), "places": (rng.standard_normal((96, c)) * 0.5).astype(dtype), "head": w(c, vocab)}
        if broken is not None:
            self.weights["head"][:, broken] = np.nan
        if kind == "whisper":
            self.weights["features"] = w(3, c)
        for i in range(layers):
            for name in ["qkv", "out", "up", "down"] + (["cross_q", "cross_kv", "cross_out"] if kind != "gpt" else []):
                self.weights[f"{name}{i}"] = w(c, 3 * c) if name == "qkv" else w(c, 2 * c) if name == "cross_kv" else w(c, c)
        self.weights.update({f"zero{i}": np.zeros(3 * c, dtype) for i in range(layers)})

    # --- the function of whole sequences --------------------------------------------------------------------------------

    def w(self, name):
        return self.weights[name].astype(np.float64)

    def split(self, x):
        return x.reshape(x.shape[0], self.heads, self.size).transpose(1, 0, 2)

    def attend(self, q, k, v, add):
        y = softmax(self.split(q) @ self.split(k).transpose(0, 2, 1) / math.sqrt(self.size) + add) @ self.split(v)
        return y.transpose(1, 0, 2).reshape(q.shape[0], -1)

    def encode(self, prompt):
        """Of one row: hidden states."""
        if self.kind == "whisper":
            return np.maximum(prompt.astype(np.float64).T @ self.w("features"), 0)
        return self.w("tokens")[prompt] + self.w("places")[:len(prompt)]

    def logits(self, ids, positions, mask, hidden=None, hidden_mask=None):
        """Of one row: logits of the last token."""
        c, n = self.heads * self.size, len(ids)
        x = self.w("tokens")[ids] + self.w("places")[positions]
        add = np.where(np.arange(n)[None, :] > np.arange(n)[:, None], -1e30, 0) + np.where(mask > 0, 0, -10000.0)[None, :]
        for i in range(self.layers):
            qkv = x @ self.w(f"qkv{i}")
            x = x + self.attend(qkv[:, :c], qkv[:, c:2 * c], qkv[:, 2 * c:], add) @ self.w(f"out{i}")
            if hidden is not None:
                kv = hidden @ self.w(f"cross_kv{i}")
                x = x + self.attend(x @ self.w(f"cross_q{i}"), kv[:, :c], kv[:, c:], np.where(hidden_mask > 0, 0, -10000.0)[None, :]) @ self.w(f"cross_out{i}")
            x = x + np.maximum(x @ self.w(f"up{i}"), 0) @ self.w(f"down{i}")
        return (x @ self.w("head"))[-1]

    # --- the bodies -----------------------------------------------------------------------------------------------------

    def feed_forward(self, b, x, i):
        return b("Add", x, b("MatMul", b("Relu", b("MatMul", x, b.weight(f"up{i}"))), b.weight(f"down{i}")))

    def past_dims(self, length):
        return ("rows", self.heads, length, self.size)

    def gpt(self, name="decoder", step=None):
        """step: the number of tokens that it takes; None: any."""
        b = Body(self, name)
        ids, positions = b.take("input_ids", I32, "batch_size", step or "sequence_length"), b.take("position_ids", I32, "batch_size", step or "sequence_length")
        mask = b.take("attention_mask", I32, "batch_size", "total")
        pasts = [b.take(f"past_{i}", self.dtype, 2, *self.past_dims("past_length")) for i in range(self.layers)]
        if self.shared:
            filled = b("Cast", b.take("past_sequence_length", I32, 1), to=TensorProto.INT64)
            b.take("beam_width", I32, 1)
            b.take("cache_indirection", I32, "batch_size", "beams", "max_length")
            total, axis, end, zero = b("Shape", mask, start=1), b.const(np.array([3])), b.const(np.array([1 << 30])), b.const(np.array([0]))
        x = b("Add", b("Gather", b.weight("tokens"), ids), b("Gather", b.weight("places"), positions))
        presents = []
        for i in range(self.layers):
            past = b("Slice", pasts[i], zero, filled, axis) if self.shared else pasts[i]
            y, present = b("Attention", x, b.weight(f"qkv{i}"), b.weight(f"zero{i}"), mask, past, outputs=2, domain="com.microsoft", num_heads=self.heads, unidirectional=1)
            presents.append(b("Concat", present, b("Slice", pasts[i], total, end, axis), axis=3) if self.shared else present)
            x = self.feed_forward(b, b("Add", x, b("MatMul", y, b.weight(f"out{i}"))), i)
        b.give("logits", b("MatMul", x, b.weight("head")), "batch_size", step or "sequence_length", self.vocab)
        for i, p in enumerate(presents):
            b.give(f"present_{i}", p, 2, *self.past_dims("total"))
        return b.graph()

    def self_attention(self, b, x, i, past):
        """past: names of keys and values, or none."""
        q, k, v = b("Split", b("MatMul", x, b.weight(f"qkv{i}")), outputs=3, axis=2, num_outputs=3)
        y, key, value = b("MultiHeadAttention", q, k, v, "", "", "", *past, outputs=3, domain="com.microsoft", num_heads=self.heads, unidirectional=1)
        return b("Add", x, b("MatMul", y, b.weight(f"out{i}"))), [key, value]

    def decode(self, b, ids, places, mask, pasts, crosses):
        """Layers on tokens whose positions are `places`; returns logits and presents."""
        x = b("Add", b("Gather", b.weight("tokens"), ids), places)
        presents = []
        for i in range(self.layers):
            x, present = self.self_attention(b, x, i, pasts[2 * i:2 * i + 2])
            presents += present
            y = b("MultiHeadAttention", b("MatMul", x, b.weight(f"cross_q{i}")), crosses[2 * i], crosses[2 * i + 1], "", mask, domain="com.microsoft", num_heads=self.heads)
            x = self.feed_forward(b, b("Add", x, b("MatMul", y, b.weight(f"cross_out{i}"))), i)
        return b("MatMul", x, b.weight("head")), presents

    def places(self, b, ids, past=None):
        """Rows of `places` for tokens behind `past`, whose axis 2 is their number."""
        n = b("Shape", ids, start=1, end=2)
        begin = b("Shape", past, start=2, end=3) if past else b.const(np.array([0], np.int64))
        return b("Slice", b.weight("places"), begin, b("Add", begin, n))

    def encoder(self):
        b = Body(self, "encoder")
        c = self.heads * self.size
        if self.kind == "whisper":
            prompt, mask = b.take("encoder_input_ids", self.dtype, "batch_size", 3, "frames"), ""
            hidden = b("Relu", b("MatMul", b("Transpose", prompt, perm=[0, 2, 1]), b.weight("features")))
        else:
            prompt, mask = b.take("encoder_input_ids", I32, "batch_size", "encode_length"), b.take("encoder_attention_mask", I32, "batch_size", "encode_length")
            hidden = b("Add", b("Gather", b.weight("tokens"), prompt), self.places(b, prompt))
        crosses = []
        for i in range(self.layers):
            kv = b("Split", b("MatMul", hidden, b.weight(f"cross_kv{i}")), outputs=2, axis=2, num_outputs=2)
            crosses += [b("Transpose", b("Reshape", p, b.const(np.array([0, 0, self.heads, self.size]))), perm=[0, 2, 1, 3]) for p in kv]
        if self.kind != "t5_new":
            ids = b.take("decoder_input_ids", I32, "batch_size", "initial_length" if self.kind == "whisper" else 1)
            logits, presents = self.decode(b, ids, self.places(b, ids), mask, [], crosses)
            b.give("logits", logits, "batch_size", "initial_length" if self.kind == "whisper" else 1, self.vocab)
            b.give("encoder_hidden_states", hidden, "batch_size", "encode_length", c)
            for k, p in enumerate(presents):
                b.give(f"present_{'value' if k % 2 else 'key'}_self_{k // 2}", p, *self.past_dims("length"))
        for k, p in enumerate(crosses):
            b.give(f"present_{'value' if k % 2 else 'key'}_cross_{k // 2}", p, *self.past_dims("encode_length"))
        return b.graph()

    def decoder(self):
        b = Body(self, "decoder")
        ids = b.take("input_ids", I32, "batch_size", "length" if self.whole else 1)
        mask = b.take("encoder_attention_mask", I32, "batch_size", "encode_length") if self.kind != "whisper" else ""
        if self.hidden and self.kind != "t5_new":
            b.take("encoder_hidden_states", self.dtype, "batch_size", "encode_length", self.heads * self.size)
        pasts = [b.take(f"past_{'value' if k % 2 else 'key'}_self_{k // 2}", self.dtype, *self.past_dims("past_length")) for k in range(2 * self.layers)]
        crosses = [b.take(f"past_{'value' if k % 2 else 'key'}_cross_{k // 2}", self.dtype, *self.past_dims("encode_length")) for k in range(2 * self.layers)]
        last = b("Slice", ids, b.const(np.array([-1])), b.const(np.array([1 << 30])), b.const(np.array([1]))) if self.whole else ids
        logits, presents = self.decode(b, last, self.places(b, last, pasts[0]), mask, pasts, crosses)
        b.give("logits", logits, "batch_size", 1, self.vocab)
        for k, p in enumerate(presents):
            b.give(f"present_{'value' if k % 2 else 'key'}_self_{k // 2}", p, *self.past_dims("length"))
        return b.graph()

    def bodies(self, init=False):
        if self.kind == "gpt":
            return dict(decoder=self.gpt(step=1 if init else None), **({"init_decoder": self.gpt("init_decoder")} if init else {}))
        return dict(encoder=self.encoder(), decoder=self.decoder())


# --- searches -----------------------------------------------------------------------------------------------------------

class Search:
    """What a caller asks for, and the rows so far."""

    def __init__(self, model, prompt, most, beams=1, returned=1, least=0, eos=1, pad=0, start=2, ngram=0, length_penalty=1.0, repetition=1.0, early=0, vocab_mask=None,
                 prefix_mask=None, mask=None, initial=None, processor=0, tokens=None, temperature=1.0, extra=None, presence=None, presence_penalty=0.0):
        self.__dict__.update({k: v for k, v in locals().items() if k != "self"})
        self.batch = len(prompt)
        if model.kind == "gpt":
            first = prompt
        else:
            first = np.full((self.batch, 1), start) if initial is None else initial
        self.first = len(first[0])
        self.rows = [list(map(int, first[r // beams])) for r in range(self.batch * beams)]
        self.hidden = None if model.kind == "gpt" else [model.encode(p) for p in prompt]
        self.step = 0
        self.presence = None if presence is None else presence.copy()

    def logits(self, r):
        b, ids, m = r // self.beams, np.array(self.rows[r]), self.model
        if m.kind == "gpt":
            fed = ids[:self.first] != self.pad
            positions = np.concatenate([np.where(fed, np.cumsum(fed) - 1, 0), fed.sum() + np.arange(len(ids) - self.first)])
            given = fed if self.mask is None else self.mask[b]
            return m.logits(ids, positions, np.concatenate([given, np.ones(len(ids) - self.first)]))
        prompt = self.prompt[b]
        seen = np.ones(len(self.hidden[b])) if m.kind == "whisper" else np.cumsum(prompt != self.pad) > 0 if self.mask is None else self.mask[b]
        return m.logits(ids, np.arange(len(ids)), np.ones(len(ids)), self.hidden[b], seen)

    def process(self, r, s):
        row = self.rows[r]
        if self.repetition != 1:
            for t in set(row):
                s[t] = s[t] * self.repetition if s[t] < 0 else s[t] / self.repetition
        n = self.ngram
        for j in range(len(row) - n + 1 if n else 0):
            if row[j:j + n - 1] == row[len(row) - n + 1:]:
                s[row[j + n - 1]] = LOWEST
        if self.vocab_mask is not None:
            s[self.vocab_mask == 0] = LOWEST
        if self.prefix_mask is not None and self.step == 1:
            s[self.prefix_mask[r // self.beams] == 0] = LOWEST
        if self.eos >= 0 and len(row) < self.least:
            s[self.eos] = LOWEST
        s /= self.temperature
        if self.presence is not None:
            s -= self.presence[r] * self.presence_penalty
        if self.processor == 1:
            self.timestamps(row, s)
        if self.extra is not None and self.step <= self.extra.shape[1] and self.extra[r // self.beams][self.step - 1] >= 0:
            s[:] = LOWEST
            s[self.extra[r // self.beams][self.step - 1]] = 0

    def timestamps(self, row, s):
        t = self.tokens
        first = t["beginning_timestamp_token_id"]
        stamps = [x for x in row if x >= first]
        begin = next((j + 1 for j, x in enumerate(row) if x >= first), len(row))
        silent = ["no_timestamps_token_id", "start_of_lm_token_id"] + (["translate_token_id", "transcribe_token_id"] if len(row) > begin else [])
        for name in silent:
            s[t[name]] = LOWEST
        if len(row) > begin:
            s[self.start] = LOWEST
        ended, paired = row[-1] >= first, len(row) <= begin or row[-2] >= first
        if ended and paired:
            s[first:] = LOWEST
        if ended and not paired:
            s[:self.eos] = LOWEST
        if stamps:
            s[first:stamps[-1] + (0 if ended and not paired else 1)] = LOWEST
        if len(row) == begin:
            s[first + 51:] = LOWEST
        some = s[first:][s[first:] > LOWEST]
        if len(some) and np.log(np.exp(some - some.max()).sum()) + some.max() > s[:first].max():
            s[:first] = LOWEST

    def scores(self, log):
        self.step += 1
        out = []
        for r in range(len(self.rows)):
            s = self.logits(r)
            s = s - s.max() - np.log(np.exp(s - s.max()).sum()) if log else s.copy()
            if self.step == 1 and log:
                self.speech = getattr(self, "speech", []) + [math.exp(s[self.tokens["no_speech_token_id"]])] if self.tokens and r % self.beams == 0 else getattr(self, "speech", [])
            self.process(r, s)
            out.append(s)
        return np.array(out)

    def beam_search(self):
        B, M, V = self.batch, self.beams, self.model.vocab
        found, done = [[] for _ in range(B)], [False] * B
        sums = np.array([0.0 if r % M == 0 else -1e9 for r in range(B * M)])
        all_scores = np.zeros((self.most - self.first, B, M, V))
        score = lambda total, n: total / n ** self.length_penalty

        def add(b, row, total):
            found[b] = sorted(found[b] + [(score(total, len(row)), list(row))], key=lambda h: -h[0])[:M]

        while len(self.rows[0]) < self.most and not all(done):
            s = self.scores(True) + sums[:, None]
            all_scores[self.step - 1] = s.reshape(B, M, V)
            tops = [np.argsort(-s[b * M:(b + 1) * M].ravel(), kind="stable")[:2 * M] for b in range(B)]
            flat = np.concatenate([s[b * M:(b + 1) * M].ravel()[tops[b]] for b in range(B)])
            new, sums = [], []
            for b in range(B):
                if done[b]:
                    new += [self.rows[0] + [self.pad]] * M
                    sums += [0.0] * M
                    continue
                went = 0
                for i, at in enumerate(tops[b]):
                    total, row, token = flat[b * 2 * M + i], self.rows[b * M + at // V], int(at % V)
                    if token == self.eos:
                        if i < M:
                            add(b, row, total)
                    else:
                        new.append(row + [token])
                        sums.append(total)
                        went += 1
                    if went == M:
                        break
                if len(found[b]) == M:
                    hope = score(max(flat[b * M:b * M + 2 * M]), len(self.rows[0]))
                    done[b] = bool(self.early) or not found[b][-1][0] < hope
            self.rows, sums = new, np.array(sums)
        for b in range(B):
            for m in range(M if not done[b] else 0):
                add(b, self.rows[b * M + m], sums[b * M + m])
        out = np.full((B, self.returned, self.most), self.pad, np.int32)
        for b in range(B):
            for i in range(self.returned):
                out[b, i, :len(found[b][i][1])] = found[b][i][1]
        return out, np.array([[found[b][i][0] for i in range(self.returned)] for b in range(B)]), all_scores

    def single(self, choose):
        ended = [False] * self.batch
        while len(self.rows[0]) < self.most and not all(ended):
            s = self.scores(False)
            for b, token in enumerate(choose(s)):
                ended[b] |= token == self.eos
                self.rows[b].append(self.pad if ended[b] else token)
        return np.array([row + [self.pad] * (self.most - len(row)) for row in self.rows], np.int32)

    def greedy(self):
        return self.single(lambda s: [int(x) for x in s.argmax(1)])

    def sample(self, seed=0, top_p=0.0, custom=0, keep=0, filter_value=-1e20):
        state = [seed % 0x7fffffff or 1]

        def draw():  # std::minstd_rand0 through std::uniform_real_distribution<double>
            total, scale, span = 0.0, 1.0, 0x7fffffff - 1.0
            for _ in range(2):
                state[0] = state[0] * 16807 % 0x7fffffff
                total, scale = total + (state[0] - 1.0) * scale, scale * span
            return total / scale

        def choose(s):
            for row in s:
                row[np.isnan(row)] = -np.inf  # no probability
                order = np.argsort(-row if custom else row, kind="stable")
                sums = softmax(row[order]).cumsum()
                if custom:
                    row[order[1:][sums[:-1] > top_p]] = filter_value
                else:
                    some = np.arange(len(row)) < max(1, len(row) - keep)
                    row[order[(sums <= 1 - top_p) & some]] = filter_value
            picked = []
            for b, row in enumerate(s):
                sums = np.exp(row - row.max()).cumsum()
                picked.append(int(np.searchsorted(sums, draw() * sums[-1], side="right")))
                if self.presence is not None:
                    self.presence[b][picked[-1]] = 1
            self.filtered = s
            return picked

        return self.single(choose)


# --- cases ----------------------------------------------------------------------------------------------------------------

def cases(case):
    """Calls case(name, op, inputs, outputs, attrs, tol=, weights=) for each."""
    number = lambda v: np.array([v], np.float32 if isinstance(v, float) else np.int32)

    def one(name, op="BeamSearch", kind="gpt", batch=2, length=5, more=9, padded=0, init=False, wanted=3, seed=0, sampling=None, attrs=None, model=None, tol=1e-3, **asked):
        """padded: tokens of padding in front of the first prompt; more: tokens to generate; asked: what Search is given."""
        rng = np.random.default_rng([seed] + [ord(x) for x in name])
        m = Model(rng, kind, **(model or {}))
        half = m.dtype == F16
        if kind == "whisper":
            prompt = rng.standard_normal((batch, 3, length)).astype(np.float16 if half else np.float32)
        else:
            prompt = rng.integers(3, m.vocab, (batch, length)).astype(np.int32)
            prompt[0, :padded] = 0
        for mask, shape in (("vocab_mask", (m.vocab,)), ("prefix_mask", (batch, m.vocab)), ("presence", (batch, m.vocab))):
            if asked.get(mask):
                asked[mask] = (rng.random(shape) < asked[mask]).astype(np.int32)
        if asked.get("mask"):
            asked["mask"] = np.ones((batch, length), np.int32)
            asked["mask"][-1, :2] = 0
        first = length if kind == "gpt" else 1 if asked.get("initial") is None else len(asked["initial"][0])
        s = Search(m, prompt, first + more, **asked)
        attrs = dict(eos_token_id=s.eos, pad_token_id=s.pad, model_type={"gpt": 0, "whisper": 2}.get(kind, 1), no_repeat_ngram_size=s.ngram, **(attrs or {}), **(s.tokens or {}),
                     **m.bodies(init))
        inputs = [prompt, number(s.most), number(s.least)]
        if kind != "gpt":
            attrs["decoder_start_token_id"] = s.start
        if op in ("GreedySearch", "Sampling"):
            inputs += [number(s.repetition), s.vocab_mask, s.prefix_mask, s.mask, asked.get("presence"), number(sampling.get("seed", 0)) if sampling else None]
            outputs = [s.sample(**sampling), s.filtered][:wanted] if sampling else [s.greedy()]
            if sampling:
                attrs.update(temperature=s.temperature, presence_penalty=s.presence_penalty, top_p=sampling.get("top_p", 0.0), custom=sampling.get("custom", 0),
                             min_tokens_to_keep=sampling.get("keep", 0))
        else:
            attrs["early_stopping"] = s.early
            real = lambda v: number(float(v)).astype(np.float16 if half else np.float32)
            inputs += [number(s.beams), number(s.returned), real(s.length_penalty), real(s.repetition), s.vocab_mask, s.prefix_mask, s.mask, asked.get("initial"), number(s.processor)]
            outputs = list(s.beam_search())[:wanted]
            if op == "WhisperBeamSearch":
                inputs += [None, asked.get("extra"), real(s.temperature)]
                outputs += [None, np.array(s.speech)] if wanted > 3 else []
        outputs = [v if v.dtype.kind == "i" else np.clip(v, LOWEST, None) for v in outputs if v is not None] if wanted <= 3 else outputs
        case("generate_" + name, op, inputs, outputs, attrs, tol=tol, weights=m.weights if m.outside else {})

    one("greedy", "GreedySearch")
    one("greedy_padded", "GreedySearch", padded=3, batch=3)
    one("greedy_init_decoder", "GreedySearch", init=True, model=dict(outside=True))
    one("greedy_processors", "GreedySearch", repetition=1.5, ngram=2, vocab_mask=0.7, prefix_mask=0.5, least=9, mask=True)
    one("greedy_one_more", "GreedySearch", more=1)
    one("greedy_shared_cache", "GreedySearch", model=dict(shared=True))
    one("sampling", "Sampling", sampling=dict(seed=17, top_p=0.6), wanted=2)
    one("sampling_keep", "Sampling", sampling=dict(seed=3, top_p=0.3, keep=3), temperature=0.7, batch=3, wanted=2)
    one("sampling_custom", "Sampling", sampling=dict(seed=123456, top_p=0.8, custom=1), wanted=2)
    one("sampling_presence", "Sampling", sampling=dict(top_p=0.9, custom=1), presence=0.3, presence_penalty=1.5, wanted=2)
    one("sampling_nan", "Sampling", sampling=dict(seed=5, top_p=0.7), model=dict(broken=4), wanted=2)
    one("sampling_nan_custom", "Sampling", sampling=dict(seed=6, top_p=0.7, custom=1), model=dict(broken=4), wanted=2)
    one("beam_1", beams=1)
    one("beam_4", beams=4, returned=3, batch=3)
    one("beam_early", beams=3, returned=2, early=1, eos=4)
    one("beam_padded", beams=2, padded=4)
    one("beam_mask", beams=2, mask=True, padded=2)
    one("beam_init_decoder", beams=3, init=True)
    one("beam_outside", beams=2, init=True, model=dict(outside=True))
    one("beam_length_penalty", beams=4, returned=4, length_penalty=2.0, eos=3)
    one("beam_short", beams=4, returned=4, length_penalty=-1.0, eos=3)
    one("beam_processors", beams=3, repetition=1.3, ngram=3, vocab_mask=0.8, prefix_mask=0.4, least=8)
    one("beam_no_end", beams=2, eos=-1)
    one("beam_few_tokens", beams=4, returned=4, model=dict(vocab=4), eos=1)
    one("beam_half", beams=2, returned=2, wanted=2, model=dict(dtype=np.float16, sharp=0.8), tol=3e-2)
    one("beam_shared_cache", beams=3, returned=2, init=True, model=dict(shared=True))
    one("t5", kind="t5", beams=3, returned=2)
    one("t5_padded", kind="t5", beams=2, padded=2, more=6)
    one("t5_mask", kind="t5", beams=2, mask=True, model=dict(hidden=False))
    one("t5_new", kind="t5_new", beams=3, returned=2, batch=3)
    one("t5_new_greedy", kind="t5_new", beams=1, early=1)
    one("t5_whole", kind="t5", beams=2, model=dict(whole=True, outside=True))
    tokens = dict(translate_token_id=10, transcribe_token_id=11, start_of_lm_token_id=12, no_speech_token_id=13, no_timestamps_token_id=14, beginning_timestamp_token_id=31)
    wide = dict(vocab=90, sharp=0.7)
    one("whisper", "WhisperBeamSearch", kind="whisper", beams=3, returned=2, model=wide)
    one("whisper_as_beams", "BeamSearch", kind="whisper", beams=2, model=wide)
    one("whisper_timestamps", "WhisperBeamSearch", kind="whisper", beams=2, processor=1, tokens=tokens, model=wide, more=14, initial=np.array([[2, 20, 11], [2, 21, 10]], np.int32))
    one("whisper_speech", "WhisperBeamSearch", kind="whisper", beams=2, tokens=tokens, model=wide, wanted=5, temperature=0.5)
    one("whisper_forced", "WhisperBeamSearch", kind="whisper", beams=2, model=wide, extra=np.array([[40, 41], [42, -1]], np.int32))
