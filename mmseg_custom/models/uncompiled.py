"""Functions that ``torch.compile`` leaves as they are."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import torch

Arguments = ParamSpec('Arguments')
Result = TypeVar('Result')


def uncompiled(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """``torch.compiler.disable``, applied at the first call.

    Used as a decorator, PyTorch's own imports its compiler with the module: 2 s of processor time, for who trains
    nothing too. An optimizer imports it in any case.
    """
    disabled: list[Callable[Arguments, Result]] = []

    @wraps(function)
    def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        if not disabled:
            disabled.append(torch.compiler.disable(function))
        return disabled[0](*args, **kwargs)

    return call
