# SPDX-License-Identifier: MIT
"""A client that knows nothing but places in the function table, as bindings of many languages do: table.py LIBRARY MODELS [OPERATORS].

With OPERATORS, a library of custom operators (onnxruntime-extensions), it runs the model that needs them.
"""
import ctypes as c
import sys

FLOAT, INT64, STRING = 1, 7, 8
base = c.CDLL(sys.argv[1]).OrtGetApiBase
base.restype = c.POINTER(c.c_void_p)
get_api = c.CFUNCTYPE(c.POINTER(c.c_void_p), c.c_uint32)(base()[0])
version = c.CFUNCTYPE(c.c_char_p)(base()[1])()
assert version.count(b".") == 2 and not get_api(0) and not get_api(int(version.split(b".")[1]) + 1)
table = get_api(14)
assert c.addressof(table.contents) == c.addressof(get_api(int(version.split(b".")[1])).contents)


class Failed(Exception):
    pass


def call(slot, *args, returns=c.c_void_p):
    """The slot's status becomes an exception, (code, text)."""
    result = c.CFUNCTYPE(returns)(table[slot])(*args)
    if returns is c.c_void_p and result:
        code, text = c.CFUNCTYPE(c.c_int, c.c_void_p)(table[1])(result), c.CFUNCTYPE(c.c_char_p, c.c_void_p)(table[2])(result)
        c.CFUNCTYPE(None, c.c_void_p)(table[93])(result)
        raise Failed(code, text.decode())
    return result


def out(slot, *args, kind=c.c_void_p):
    value = kind()
    call(slot, *args, c.byref(value))
    return value


env, options = out(3, 2, b"table"), out(10)
allocator = out(78)
cpu = out(69, 0, 0)


def names(session, count, name):
    return [c.string_at(out(name, session, c.c_size_t(i), allocator).value).decode() for i in range(out(count, session, kind=c.c_size_t).value)]


def tensor(dims, values, kind):
    shape = (c.c_int64 * len(dims))(*dims)
    value = out(48, allocator, shape, c.c_size_t(len(dims)), kind)
    if kind == STRING:
        call(52, value, (c.c_char_p * len(values))(*[v.encode() for v in values]), c.c_size_t(len(values)))
    else:
        data = out(51, value)
        c.memmove(data, (c.c_float * len(values))(*values), 4 * len(values))
    return value


def numbers(value):
    info = out(65, value)
    kind, rank = out(60, info, kind=c.c_int).value, out(61, info, kind=c.c_size_t).value
    dims = (c.c_int64 * rank)()
    call(62, info, dims, c.c_size_t(rank))
    n = out(64, info, kind=c.c_size_t).value
    call(99, info, returns=None)
    if kind == STRING:
        total = out(53, value, kind=c.c_size_t).value
        text, at = c.create_string_buffer(total + 1), (c.c_size_t * (n + 1))()
        call(54, value, text, c.c_size_t(total), at, c.c_size_t(n))
        at[n] = total
        return list(dims), [text.raw[at[i]:at[i + 1]].decode() for i in range(n)]
    return list(dims), list(c.cast(out(51, value), c.POINTER({FLOAT: c.c_float, INT64: c.c_int64}[kind]))[:n])


def run(session, given, wanted):
    ins, outs = (c.c_char_p * len(given))(*[k.encode() for k in given]), (c.c_char_p * len(wanted))(*[w.encode() for w in wanted])
    made = (c.c_void_p * len(wanted))()
    call(9, session, None, ins, (c.c_void_p * len(given))(*[v.value for v in given.values()]), c.c_size_t(len(given)), outs,
         c.c_size_t(len(wanted)), made)
    return [numbers(c.c_void_p(m)) for m in made]


def fails(code, slot, *args):
    try:
        call(slot, *args)
    except Failed as e:
        assert e.args[0] == code and e.args[1], e
        return
    raise SystemExit(f"slot {slot} did not fail")


def opened(name, with_options=None):
    return out(7, env, f"{sys.argv[2]}/{name}.onnx".encode(), with_options)


def plain():
    s = opened("dense", options)
    assert names(s, 30, 36) == ["X"] and names(s, 31, 37) == ["Y"]
    assert run(s, {"X": tensor([2, 3], [1, 0, -1, 1, 1, 1], FLOAT)}, ["Y"]) == [([2, 2], [0, 0, 9, 12])]
    fails(2, 9, s, None, None, None, c.c_size_t(0), None, c.c_size_t(0), None)
    call(95, s, returns=None)
    s = opened("strings")
    assert run(s, {"S": tensor([3], ["one", "", "zwölf"], STRING)}, ["T", "n"]) == [([3], ["one", "", "zwölf"]), ([1], [3])]
    fails(3, 7, env, b"/no/such/model.onnx", None, c.byref(c.c_void_p()))
    fails(7, 8, env, b"no model", c.c_size_t(8), None, c.byref(c.c_void_p()))


def operators(library):
    try:
        opened("upper")
        raise SystemExit("a model of unknown operators was opened")
    except Failed:
        pass
    for register in (228, 29):  # RegisterCustomOpsLibrary_V2, and the older one, which gives a handle
        o = out(10)
        call(register, o, library.encode(), *([c.byref(c.c_void_p())] if register == 29 else []))
        s = opened("upper", o)
        for words in (["The cat"], ["a", "", "bc"], [f"x{i}" for i in range(40)]):
            upper, length = run(s, {"S": tensor([len(words)], words, STRING)}, ["U", "L"])
            assert upper[1] == [w.upper() for w in words] and length[1] == [len(w) for w in words], (upper, length)
        call(95, s, returns=None)


plain()
if len(sys.argv) > 3:
    operators(sys.argv[3])
