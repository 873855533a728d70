"""Follows the pickle of a checkpoint without building anything of it."""

import pickletools
from typing import Any, NamedTuple

from mmseg_custom.io.checkpoints.stand_ins import BUILT, CALLED, OWNERS_OF_METHODS, STAND_INS, WITH_STATE

ITEM_SIZES = {
    'torch.DoubleStorage': 8,
    'torch.FloatStorage': 4,
    'torch.HalfStorage': 2,
    'torch.BFloat16Storage': 2,
    'torch.LongStorage': 8,
    'torch.IntStorage': 4,
    'torch.ShortStorage': 2,
    'torch.CharStorage': 1,
    'torch.ByteStorage': 1,
    'torch.BoolStorage': 1,
}
ORDERED_DICT, COUNTER, ENCODE = 'collections.OrderedDict', 'collections.Counter', '_codecs.encode'
OWN = (ORDERED_DICT, 'torch._utils._rebuild_parameter', 'torch._utils._rebuild_tensor_v2')
FUNCTIONS = {*OWN, COUNTER, ENCODE, *CALLED}
# Six times what a ResNet-101 segmentor with AdamW takes (52,000, counted); it bounds the time a hostile file costs.
MAX_OPERATIONS = 300_000

_MARK, _OTHER = object(), object()
_KEYS = (str, int, float, type(None))


class _Name(str):
    """The name of a class or function, as opposed to a text."""

    __slots__ = ()


class _Made(NamedTuple):
    """An object, by the name of what makes it."""

    by: str


class ArchiveError(ValueError):
    """A file that holds more than tensors and plain data; the message says what is wrong with it."""


def check_pickle(content: bytes, sizes: dict[str, int]) -> bool:
    """Follow a pickle, and stop at whatever tensors and plain data do not need.

    The names it may call are a short list of our own: what tensors and plain data need, and what MMEngine and other
    trainers put beside them, for which :mod:`~mmseg_custom.io.checkpoints.stand_ins` has something harmless.
    PyTorch's list for ``weights_only`` has functions that allocate whatever a file asks for, and what a host adds to
    it holds for the whole process (mmengine's has ``getattr``).

    Args:
        content: The pickle.
        sizes: Bytes of each record of tensor data in the file, by its key.

    Returns:
        Whether it needs the stand-ins.

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
    return machine.needs_stand_ins


class _StackMachine:
    """The stack of an unpickler, of constants, descriptions of tensor data and what else there is (``_OTHER``)."""

    def __init__(self, sizes: dict[str, int]) -> None:
        self.sizes = sizes
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.needs_stand_ins = False

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
            case 'EMPTY_DICT':
                self.stack.append(_Made('dict'))
            case 'EMPTY_LIST':
                self.stack.append(_OTHER)
            case _:
                self._combine(name, value)

    def _combine(self, name: str, value: Any) -> None:
        match name:
            case 'GLOBAL':
                self.stack.append(self._allowed(value))
            case 'EMPTY_TUPLE' | 'TUPLE1' | 'TUPLE2' | 'TUPLE3':
                self.stack.append(_pack(self._pop(int(name[-1]) if name[-1].isdigit() else 0)))
            case 'TUPLE':
                self.stack.append(_pack(self._pop_to_mark()))
            case 'APPEND':
                self._pop(1)
            case 'BUILD':
                self._pop(1)
                _check_state_of(self.stack[-1])
            case 'APPENDS':
                self._pop_to_mark()
            case 'SETITEM':
                _check_keys(self._pop(2))
            case 'SETITEMS':
                _check_keys(self._pop_to_mark())
            case 'REDUCE':
                function, arguments = self._pop(2)
                _check_call(function, arguments)
                self.stack.append(_Made(function))
            case 'NEWOBJ':
                built, arguments = self._pop(2)
                if not isinstance(built, _Name) or built not in BUILT or arguments != ():
                    raise ArchiveError('it makes an object that tensors and plain data do not need')
                self.stack.append(_Made(built))
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
            raise ArchiveError(f'it declares {count} items of {kind[6:]} in {self.sizes.get(key)} bytes')

    def _allowed(self, value: str) -> _Name:
        name = _Name(value.replace(' ', '.').replace('__builtin__.', 'builtins.'))
        if name not in FUNCTIONS and name not in ITEM_SIZES and name not in STAND_INS:
            raise ArchiveError(f'{name} is neither a tensor nor plain data')
        self.needs_stand_ins |= name in STAND_INS
        return name


def _pack(items: list[Any]) -> Any:
    """The tuple itself if it can be a description of tensor data or the arguments of a call that are looked at."""
    return tuple(items) if all(isinstance(item, str | int | _Made) for item in items) else _OTHER


def _check_call(function: Any, arguments: Any) -> None:
    """See that a function is called whose result costs no more than its arguments, and whose name is really one."""
    if not isinstance(function, _Name) or function not in FUNCTIONS:
        raise ArchiveError('it calls what tensors and plain data do not need')
    match function, arguments:
        case (('collections.OrderedDict' | 'builtins.bytes'), ()):
            return
        case 'collections.Counter', (_Made('dict'),):
            return
        case '_codecs.encode', (str(), 'latin1'):
            return
        case 'builtins.getattr', (_Name() as owner, str()) if owner in OWNERS_OF_METHODS:
            return
    if function in (ORDERED_DICT, 'builtins.bytes', COUNTER, ENCODE, 'builtins.getattr'):
        raise ArchiveError(f'{function} is neither a tensor nor plain data with such arguments')


def _check_state_of(target: Any) -> None:
    if not isinstance(target, _Made) or target.by not in (ORDERED_DICT, *WITH_STATE):
        raise ArchiveError('it sets the state of an object that has none in tensors and plain data')


def _check_keys(pairs: list[Any]) -> None:
    if not all(isinstance(key, _KEYS) for key in pairs[::2]):
        raise ArchiveError('an entry has a name that is no text or number')
