"""Follows the pickle of a checkpoint without building anything of it."""

import pickletools
from typing import Any

ITEM_SIZES = {
    'torch DoubleStorage': 8,
    'torch FloatStorage': 4,
    'torch HalfStorage': 2,
    'torch BFloat16Storage': 2,
    'torch LongStorage': 8,
    'torch IntStorage': 4,
    'torch ShortStorage': 2,
    'torch CharStorage': 1,
    'torch ByteStorage': 1,
    'torch BoolStorage': 1,
}
FUNCTIONS = {'collections OrderedDict', 'torch._utils _rebuild_parameter', 'torch._utils _rebuild_tensor_v2'}
MAX_OPERATIONS = 300_000

_MARK, _OTHER = object(), object()
_KEYS = (str, int, float, type(None))


class ArchiveError(ValueError):
    """A file that holds more than tensors and plain data; the message says what is wrong with it."""


def check_pickle(content: bytes, sizes: dict[str, int]) -> None:
    """Follow a pickle, and stop at whatever tensors and plain data do not need.

    The names it may call are a short list of our own. PyTorch's list for ``weights_only`` has functions that allocate
    whatever a file asks for, and what a host adds to it holds for the whole process (mmengine's has ``getattr``).

    Args:
        content: The pickle.
        sizes: Bytes of each record of tensor data in the file, by its key.

    Raises:
        ArchiveError: For another name or operation, for a key that is no text or number (to hash a nested tuple can
            take forever), or for a tensor whose data are not in the file.
        Exception: Of any type, if the pickle is damaged.
    """
    machine = _StackMachine(sizes)
    for count, (operation, value, _) in enumerate(pickletools.genops(content)):
        if count >= MAX_OPERATIONS:
            raise ArchiveError(f'its header has more than {MAX_OPERATIONS} entries')
        machine.step(operation.name, value)


class _StackMachine:
    """The stack of an unpickler, of constants, descriptions of tensor data and what else there is (``_OTHER``)."""

    def __init__(self, sizes: dict[str, int]) -> None:
        self.sizes = sizes
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def step(self, name: str, value: Any) -> None:
        match name:
            case 'PROTO' | 'STOP':
                pass
            case 'MARK':
                self.stack.append(_MARK)
            case (
                'BINUNICODE'
                | 'BININT'
                | 'BININT1'
                | 'BININT2'
                | 'LONG1'
                | 'BINFLOAT'
                | 'NONE'
                | 'NEWTRUE'
                | 'NEWFALSE'
            ):
                self.stack.append(value)
            case 'BINGET' | 'LONG_BINGET':
                self.stack.append(self.memo[value])
            case 'BINPUT' | 'LONG_BINPUT':
                self.memo[value] = self.stack[-1]
            case 'EMPTY_DICT' | 'EMPTY_LIST':
                self.stack.append(_OTHER)
            case _:
                self._combine(name, value)

    def _combine(self, name: str, value: Any) -> None:
        match name:
            case 'GLOBAL':
                self.stack.append(_allowed(value))
            case 'EMPTY_TUPLE' | 'TUPLE1' | 'TUPLE2' | 'TUPLE3':
                self.stack.append(_pack(self._pop(int(name[-1]) if name[-1].isdigit() else 0)))
            case 'TUPLE':
                self.stack.append(_pack(self._pop_to_mark()))
            case 'APPEND' | 'BUILD':
                self._pop(1)
            case 'APPENDS':
                self._pop_to_mark()
            case 'SETITEM':
                _check_keys(self._pop(2))
            case 'SETITEMS':
                _check_keys(self._pop_to_mark())
            case 'REDUCE':
                _check_call(*self._pop(2))
                self.stack.append(_OTHER)
            case 'BINPERSID':
                self._check_data(*self._pop(1))
                self.stack.append(_OTHER)
            case _:
                raise ArchiveError(f'its header has the operation {name}, which plain data do not need')

    def _pop(self, count: int) -> list[Any]:
        start = len(self.stack) - count
        popped = self.stack[start:]
        del self.stack[start:]
        return popped

    def _pop_to_mark(self) -> list[Any]:
        popped = []
        while (value := self.stack.pop()) is not _MARK:
            popped.append(value)
        return popped[::-1]

    def _check_data(self, description: Any) -> None:
        """PyTorch describes the data of a tensor by 'storage', type, key, device and number of items."""
        if not isinstance(description, tuple) or len(description) != 5 or description[1] not in ITEM_SIZES:
            raise ArchiveError('it does not describe the data of a tensor as PyTorch does')
        _, kind, key, _, count = description
        if not isinstance(count, int) or self.sizes.get(key) != count * ITEM_SIZES[kind]:
            raise ArchiveError(f'it declares {count} items of {kind.split()[1]} in {self.sizes.get(key)} bytes')


def _pack(items: list[Any]) -> Any:
    """The tuple itself if it can be a description of tensor data or no argument at all."""
    return tuple(items) if all(isinstance(item, str | int) for item in items) else _OTHER


def _allowed(name: str) -> str:
    if name not in FUNCTIONS and name not in ITEM_SIZES:
        raise ArchiveError(f'{name.replace(" ", ".")} is neither a tensor nor plain data')
    return name


def _check_call(function: Any, arguments: Any) -> None:
    if function not in FUNCTIONS or (function == 'collections OrderedDict' and arguments != ()):
        raise ArchiveError('it calls what tensors and plain data do not need')


def _check_keys(pairs: list[Any]) -> None:
    if not all(isinstance(key, _KEYS) for key in pairs[::2]):
        raise ArchiveError('an entry has a name that is no text or number')
