# SPDX-License-Identifier: MIT
"""A model's bytes, as far as the package reads them itself: nodes with the names of their tensors, and the same model with further
outputs. ONNX files are protocol buffers: fields of a number and a payload, messages within messages, which is all that is needed to copy
a file and change one message of it. Weights are never looked at."""
import os

from . import _native

# Field numbers of onnx.proto: ModelProto, GraphProto, NodeProto, ValueInfoProto.
GRAPH, NODE, INITIALIZER, INPUT, OUTPUT = 7, 1, 5, 11, 12
_NODE_TEXTS = {3: "name", 4: "op_type", 7: "domain"}
FOLDER_KEY = "session.model_external_initializers_file_folder_path"


def _varint(data, at):
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return number, at
        shift += 7


def _encoded(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, payload):
    """A field of bytes, as it is written."""
    return b"".join([_encoded(number << 3 | 2), _encoded(len(payload)), payload])


def number(key, value):
    """A field of a number, as it is written."""
    return _encoded(key << 3) + _encoded(value)


def numbers(data):
    """The numbers of a packed field."""
    at = 0
    while at < len(data):
        value, at = _varint(data, at)
        yield value


def graph_of(data):
    """The main graph's bytes."""
    parts = [value for key, value, _ in fields(data) if key == GRAPH]
    return parts[0] if len(parts) == 1 else b"".join(parts)


def replace_graph(data, graph):
    """The model with another main graph."""
    return b"".join([whole for key, _, whole in fields(data) if key != GRAPH] + [field(GRAPH, graph)])


def fields(data):
    """(number, value, the field's bytes) of each field of a message; a value is a number or a view of bytes."""
    at = 0
    while at < len(data):
        start = at
        key, at = _varint(data, at)
        if key & 7 == 0:
            value, at = _varint(data, at)
        else:
            size, at = _varint(data, at) if key & 7 == 2 else ({1: 8, 5: 4}[key & 7], at)
            value, at = data[at:at + size], at + size
            if at > len(data):
                raise IndexError
        yield key >> 3, value, data[start:at]


def size_of(path):
    """Bytes of a model's file, and of the files for its weights that lie beside it under the usual names."""
    beside = (f"{path}.data", f"{path}_data")
    return os.path.getsize(path) + sum(os.path.getsize(other) for other in beside if os.path.exists(other))


class Node:
    """A node of the main graph: `name`, `op_type`, `domain`, `inputs`, `outputs`."""

    def __init__(self, data):
        self.name = self.op_type = self.domain = ""
        self.inputs, self.outputs = [], []
        for number, value, _ in fields(data):
            if number in (1, 2):
                (self.inputs if number == 1 else self.outputs).append(str(value, "utf-8", "replace"))
            elif number in _NODE_TEXTS:
                setattr(self, _NODE_TEXTS[number], str(value, "utf-8", "replace"))

    def __str__(self):
        return f"{self.op_type} {self.name}".rstrip()


class Model:
    """The main graph's `nodes` and `outputs` (names).

    :param source: a path, or bytes
    :raises InvalidProtobuf: for what is no ONNX file; one in ORT's format is none
    """

    def __init__(self, source):
        self.folder = None
        if isinstance(source, (str, os.PathLike)):
            self.folder = os.path.dirname(os.path.abspath(source))
            import mmap
            with open(source, "rb") as file:
                source = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.data, self.nodes, self.outputs = memoryview(source), [], []
        try:
            for number, value, _ in fields(graph_of(self.data)):
                if number == NODE:
                    self.nodes.append(Node(value))
                elif number == OUTPUT:
                    self.outputs += [str(name, "utf-8", "replace") for k, name, _ in fields(value) if k == 1]
        except (IndexError, KeyError, TypeError, ValueError):
            raise _native.InvalidProtobuf("[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : the model is no ONNX file that can be read node by "
                                          "node") from None

    def tensors(self):
        """Names of what nodes of the main graph compute, in the file's order."""
        return [name for node in self.nodes for name in node.outputs if name]

    def with_outputs(self, names):
        """The model as bytes, with tensors of the main graph as further outputs; types are left to the library."""
        more = b"".join(field(OUTPUT, field(1, name.encode())) for name in names if name not in self.outputs)
        return replace_graph(self.data, b"".join([graph_of(self.data), more]))

    def session(self, names, options, *arguments, kind=None):
        """A session of with_outputs(names)."""
        import copy

        from . import InferenceSession
        options = copy.copy(options)
        if self.folder is not None and FOLDER_KEY not in options._config:
            options.add_session_config_entry(FOLDER_KEY, self.folder)
        return (kind or InferenceSession)(self.with_outputs(names), options, *arguments)
