# SPDX-License-Identifier: MIT
"""Adapters' files, a flatbuffer: a table of versions and a list of parameters, each a table of name, dimensions, type and bytes. The library
reads them when a run uses one; here they are written, and read to be looked at. Every place in a file is held against its size."""
import struct

import numpy as np

from . import _native

MARK, FORMAT, ALIGN = b"TORT", 1, 8
_INT, _OFFSET = "<i", "<I"


class _Writer:
    """Parts in the order of the file; what refers to a later part is filled in when that is there."""

    def __init__(self):
        self.data = bytearray(struct.pack(_OFFSET, 0) + MARK)

    def align(self, size, after=0):
        self.data += bytes(-(len(self.data) + after) % size)
        return len(self.data)

    def point(self, at):
        """The part that comes next is what the place `at` refers to."""
        struct.pack_into(_OFFSET, self.data, at, len(self.data) - at)

    def table(self, values):
        """A table of 32-bit fields; the places of its fields."""
        self.align(2)
        shape = len(self.data)
        self.data += struct.pack(f"<{2 + len(values)}H", 4 + 2 * len(values), 4 + 4 * len(values), *(4 + 4 * i for i in range(len(values))))
        at = self.align(4)
        self.data += struct.pack(_INT, at - shape) + b"".join(struct.pack(_INT, value) for value in values)
        return at, [at + 4 + 4 * i for i in range(len(values))]

    def vector(self, count, payload, align):
        self.align(align, 4)
        at = len(self.data)
        self.data += struct.pack(_OFFSET, count) + payload
        return at


def write(path, adapter_version, model_version, parameters):
    """Writes an adapter: parameters are (name, element type, dimensions, bytes)."""
    out = _Writer()
    root, fields = out.table([FORMAT, adapter_version, model_version, 0])
    struct.pack_into(_OFFSET, out.data, 0, root)
    out.align(4)
    out.point(fields[3])
    entries = out.vector(len(parameters), bytes(4 * len(parameters)), 4) + 4
    for i, (name, kind, dims, payload) in enumerate(parameters):
        table, places = out.table([0, 0, kind, 0])
        struct.pack_into(_OFFSET, out.data, entries + 4 * i, table - (entries + 4 * i))
        text = name.encode()
        for place, count, part, align in ((places[0], len(text), text + b"\0", 4), (places[1], len(dims), struct.pack(f"<{len(dims)}q", *dims), 8),
                                          (places[3], len(payload), payload, ALIGN)):
            out.align(align, 4)
            out.point(place)
            out.vector(count, part, align)
    with open(path, "wb") as file:
        file.write(out.data)


class _Table:
    def __init__(self, data, at):
        self.data, self.at = data, at
        shape = at - struct.unpack_from(_INT, data, at)[0]
        if shape < 0:
            raise IndexError
        self.fields = struct.unpack_from(f"<{(struct.unpack_from('<H', data, shape)[0] - 4) // 2}H", data, shape + 4)

    def place(self, k):
        return self.at + self.fields[k] if k < len(self.fields) and self.fields[k] else None

    def number(self, k):
        at = self.place(k)
        return struct.unpack_from(_INT, self.data, at)[0] if at else 0

    def vector(self, k, size):
        """(the place of the first item, how many)"""
        at = self.place(k)
        at += struct.unpack_from(_OFFSET, self.data, at)[0]
        count = struct.unpack_from(_OFFSET, self.data, at)[0]
        if at + 4 + count * size > len(self.data):
            raise IndexError
        return at + 4, count


def read(path):
    """(format version, adapter's version, model's version, {name: (element type, dimensions, array of bytes over the file's)})

    :raises RuntimeError: for what is no adapter's file, or none that can be opened
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise RuntimeError(f"the adapter's file cannot be read: {error}") from None
    try:
        if data[4:8] != MARK:
            raise ValueError(f"no adapter's file: the identifier {MARK.decode()} is missing")
        root = _Table(data, struct.unpack_from(_OFFSET, data, 0)[0])
        if root.number(0) != FORMAT:
            raise ValueError(f"the adapter has format version {root.number(0)}, expected {FORMAT}")
        found, (at, count) = {}, root.vector(3, 4)
        for entry in range(at, at + 4 * count, 4):
            table = _Table(data, entry + struct.unpack_from(_OFFSET, data, entry)[0])
            name, dims, payload = table.vector(0, 1), table.vector(1, 8), table.vector(3, 1)
            found[str(data[name[0]:name[0] + name[1]], "utf-8")] = (table.number(2), struct.unpack_from(f"<{dims[1]}q", data, dims[0]),
                                                                   np.frombuffer(data, np.uint8, payload[1], payload[0]))
        return root.number(0), root.number(1), root.number(2), found
    except (IndexError, struct.error, TypeError, UnicodeDecodeError):
        raise RuntimeError(f"the adapter's file {path} is damaged") from None
    except ValueError as error:
        raise RuntimeError(str(error)) from None


def value_of(kind, dims, data):
    """An OrtValue over the bytes of a parameter, which are copied when they do not lie well.

    :raises RuntimeError: when there are fewer than the dimensions say
    """
    if data.ctypes.data % 16:
        room = np.empty(data.size + 16, np.uint8)
        data, source = room[-room.ctypes.data % 16:][:data.size], data
        data[:] = source
    made = _native.value_from_pointer(data.ctypes.data, list(dims), kind, data)
    if made.tensor_size_in_bytes() != data.size:
        raise RuntimeError(f"a parameter has {data.size} bytes; {made.data_type()} of shape {list(dims)} has {made.tensor_size_in_bytes()}")
    return made


def bytes_of(value):
    """The bytes of an OrtValue's tensor."""
    import ctypes
    size = value.tensor_size_in_bytes()
    return ctypes.string_at(value.data_ptr(), size) if size else b""
