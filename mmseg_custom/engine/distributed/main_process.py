"""What one of several processes does for all of them."""

from collections.abc import Callable
from typing import Any, TypeVar

from mmengine.dist import broadcast_object_list, get_world_size, is_main_process

from mmseg_custom.errors import UserError

Answer = TypeVar('Answer')
Result = TypeVar('Result')
Share = Callable[[Any], Answer]

ORDER, ERROR, RESULT = 'order', 'error', 'result'


class MainProcessError(UserError, RuntimeError):
    """The end of a process whose main process has failed; the message is that one's."""


def on_main_process(function: Callable[[], Result]) -> Result:
    """Call ``function`` in the main process alone; every process returns its result.

    Raises:
        MainProcessError: In the other processes, if it raises an exception; it is raised in the main one.
    """
    return lead(lambda _: function(), lambda _: None)


def lead(function: Callable[[Share], Result], share: Share) -> Result:
    """Let the main process act for all, and all of them work where there is something to share.

    Args:
        function: Called in the main process alone, with one argument: of that, ``ask(order)`` calls ``share(order)``
            in every process and returns what it gives in the main one.
        share: What the processes do together; an ``order`` is anything that can be pickled.

    Returns:
        In every process, what ``function`` returns.

    Raises:
        MainProcessError: In the other processes, if ``function`` raises an exception.
    """
    if get_world_size() == 1:
        return function(share)
    return _lead(function, share) if is_main_process() else _follow(share)


def _lead(function: Callable[[Share], Result], share: Share) -> Result:
    sharing = False

    def ask(order: Any) -> Any:
        nonlocal sharing
        _send(ORDER, order)
        sharing = True
        answer = share(order)
        sharing = False
        return answer

    try:
        result = function(ask)
    except Exception as error:
        if not sharing:  # Else the others are at their share and would take the message for a part of it.
            _send(ERROR, f'The main process has failed: {error}')
        raise
    _send(RESULT, result)
    return result


def _follow(share: Share) -> Any:
    while True:
        message: list[Any] = [None, None]
        broadcast_object_list(message)
        kind, content = message
        if kind == ERROR:
            raise MainProcessError(content)
        if kind == RESULT:
            return content
        share(content)


def _send(kind: str, content: Any) -> None:
    broadcast_object_list([kind, content])
