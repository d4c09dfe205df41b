# SPDX-License-Identifier: MIT
"""What the functions of the package have in common with those of ONNX Runtime, which are compiled: arguments of another type raise
TypeError before anything happens, some failures are RuntimeError whatever the library's code was, and what the library describes can be
read but not made."""
import contextlib
import functools

from . import _native

_LIBRARY = tuple(error for error in vars(_native).values() if isinstance(error, type) and issubclass(error, Exception))


def Truth(value):
    """What counts as true or false: a bool, a number, None."""
    return value is None or isinstance(value, (bool, int, float)) or type(value).__name__ in ("bool_", "bool")


def Whole(value):
    """A whole number of 64 bits."""
    return isinstance(value, int) and -2**63 <= value < 2**64 or (hasattr(value, "__index__") and getattr(value, "ndim", 0) == 0)


def Int32(value):
    """A whole number of 32 bits."""
    return Whole(value) and -2**31 <= int(value) < 2**31


def Dictionary(value):
    """A dictionary from text to text."""
    return isinstance(value, dict) and all(isinstance(k, str) and isinstance(v, str) for k, v in value.items())


def Sequence(value):
    """A sequence, but no text."""
    return isinstance(value, (list, tuple)) or (hasattr(value, "__getitem__") and hasattr(value, "__len__") and not isinstance(value, (str, bytes, dict)))


def _fits(value, kind):
    return kind is None or (isinstance(value, kind) if isinstance(kind, (type, tuple)) else kind(value))


def _said(kind):
    if isinstance(kind, tuple):
        return " or ".join(_said(item) for item in kind)
    return kind.__name__ if isinstance(kind, type) else kind.__doc__.rstrip(".").lower()


def need(where, name, value, kind):
    """Raises TypeError unless a value is of a kind: a class, a tuple of classes, None for anything, or a function above."""
    if not _fits(value, kind):
        raise TypeError(f"{where}: {name} is {type(value).__name__} {value!r:.60}; expected {_said(kind)}")


@contextlib.contextmanager
def runtime_errors():
    """The library's exceptions become RuntimeError, with the same words."""
    try:
        yield
    except _LIBRARY as error:
        raise RuntimeError(str(error)) from None


def takes(*kinds, runtime=False):
    """Decorates a function whose arguments must be of these kinds, in order and without self; `runtime`: failures are RuntimeError."""
    def decorate(function):
        code = function.__code__
        names = code.co_varnames[:code.co_argcount]
        skip = 1 if names[:1] in (("self",), ("cls",)) else 0
        kind_of = dict(zip(names[skip:], kinds))

        @functools.wraps(function)
        def call(*args, **kwargs):
            for name, value in [*zip(names[skip:], args[skip:]), *kwargs.items()]:
                if name in kind_of:
                    need(f"{function.__qualname__}()", name, value, kind_of[name])
            if not runtime:
                return function(*args, **kwargs)
            with runtime_errors():
                return function(*args, **kwargs)
        return call
    return decorate


class Record:
    """What the library describes. It has the attributes of `_fields`, which are read only, and no constructor."""

    __slots__ = ("_values",)
    _fields = ()

    def __new__(cls, *args, **kwargs):
        raise TypeError(f"{cls.__name__}: No constructor defined! The library makes these")

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        for i, name in enumerate(cls.__dict__.get("_fields", ())):
            setattr(cls, name, property(lambda self, i=i: self._values[i]))

    @classmethod
    def _of(cls, *values):
        made = object.__new__(cls)
        made._values = values
        return made
