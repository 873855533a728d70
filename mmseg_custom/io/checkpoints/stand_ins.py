"""What stands in for the few classes that checkpoints of other trainers hold: data alone, none of their code runs."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any, ClassVar, Literal

import numpy as np
import torch

NUMPY_TYPE = re.compile(r'[biuf]\d{1,2}|U\d{1,6}')
DROPPED = object()
_LOCK = threading.Lock()


class StandIn:
    """An object of another class as its file describes it: the arguments it is made with, and its state."""

    arguments: tuple[Any, ...] = ()
    state: Any = None

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def plain(self) -> Any:
        """The same in built-in types; :data:`DROPPED` for what has none."""
        return DROPPED


class NumpyType(StandIn):
    """A NumPy type of numbers or text."""

    def plain(self) -> np.dtype:
        """The type; that of Python objects, records and times is refused."""
        code, order = str(self.arguments[0]), self.state[1]
        if not NUMPY_TYPE.fullmatch(code) or order not in ('<', '>', '=', '|'):
            raise ValueError(f'a NumPy type {code!r} is neither number nor text')
        return np.dtype(code).newbyteorder(order)


class NumpyScalar(StandIn):
    """One NumPy number."""

    def plain(self) -> Any:
        """The number."""
        kind, content = self.arguments
        return _decode(kind, content, ()).item()


class NumpyArray(StandIn):
    """A NumPy array."""

    def plain(self) -> Any:
        """Its elements as nested lists."""
        _, shape, kind, by_column, content = self.state
        return _decode(kind, content, shape, 'F' if by_column else 'C').tolist()


class Wrapped(StandIn):
    """A dict in a class of its own."""

    def plain(self) -> Any:
        """The dict."""
        (content,) = self.arguments
        return content


class Empty:
    """A container that is filled afterwards, or stays empty."""

    made: ClassVar[type] = dict

    def __new__(cls, *arguments: Any) -> Any:
        """A new one, whatever the arguments."""
        return cls.made()


class EmptyBytes(Empty):
    """No bytes."""

    made = bytes


# Names as PyTorch looks them up, and whether they may only be called, or built in two steps (class, then state).
CALLED: dict[str, type] = {
    'numpy.dtype': NumpyType,
    'numpy._core.multiarray.scalar': NumpyScalar,
    'numpy.core.multiarray.scalar': NumpyScalar,
    'numpy._core.multiarray._reconstruct': NumpyArray,
    'numpy.core.multiarray._reconstruct': NumpyArray,
    'mmengine.config.config.ConfigDict': Wrapped,
    'collections.defaultdict': Empty,
    'builtins.bytes': EmptyBytes,
    'builtins.getattr': StandIn,
    'pathlib.PosixPath': StandIn,
    'pathlib.WindowsPath': StandIn,
}
BUILT = ('mmengine.logging.history_buffer.HistoryBuffer', 'argparse.Namespace')
WITH_STATE = ('numpy.dtype', 'numpy._core.multiarray._reconstruct', 'numpy.core.multiarray._reconstruct', *BUILT)
# What is only named: an argument of a call above.
OWNERS_OF_METHODS = (BUILT[0], 'mmengine.optim.scheduler.param_scheduler.OneCycleParamScheduler')
NAMED = ('numpy.ndarray', 'builtins.dict', 'builtins.list', 'builtins.int', 'builtins.float', OWNERS_OF_METHODS[1])


def _in_the_place_of(name: str, kind: type) -> type:
    """A class that PyTorch takes for the one of that name."""
    module, _, short = name.rpartition('.')
    return type(short, (kind,), {'__module__': module, '__qualname__': short})


STAND_INS = {
    **{name: _in_the_place_of(name, kind) for name, kind in CALLED.items()},
    **{name: _in_the_place_of(name, StandIn) for name in (*BUILT, *NAMED)},
}


@contextmanager
def stand_ins() -> Iterator[None]:
    """Let ``torch.load(weights_only=True)`` take the stand-ins, and nothing else that somebody has allowed it.

    PyTorch keeps one list for the whole process, to which a library or script may have added the real classes.
    """
    with _LOCK:
        before = torch.serialization.get_safe_globals()
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(list(STAND_INS.values()))
        try:
            yield
        finally:
            torch.serialization.clear_safe_globals()
            torch.serialization.add_safe_globals(before)


def _decode(kind: Any, content: Any, shape: tuple[int, ...], order: Literal['C', 'F'] = 'C') -> np.ndarray:
    if not isinstance(kind, NumpyType) or not isinstance(content, bytes):
        raise ValueError('a NumPy array is not described as NumPy does')
    dtype = kind.plain()
    if prod(shape) * dtype.itemsize != len(content):
        raise ValueError(f'a NumPy array of shape {shape} has {len(content)} bytes')
    array: np.ndarray = np.frombuffer(content, dtype)
    return array.reshape(shape, order=order)
