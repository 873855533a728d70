"""``torch.compile`` where it works, and a word where it does not."""

from collections.abc import Callable
from logging import WARNING
from typing import TypeVar

import torch
from mmengine.logging import print_log

Function = TypeVar('Function', bound=Callable)


def compile_works() -> bool:
    """Whether ``torch.compile`` works on this machine; why not is logged.

    From then on PyTorch runs what it cannot compile of a network as it is, with a warning, instead of raising.
    """
    torch._dynamo.config.suppress_errors = True
    try:
        torch.compile(torch.sin, fullgraph=True)(torch.zeros(1))
    except Exception as error:  # Compilers fail in many ways: none installed, no header files, an unknown processor.
        print_log(f'torch.compile does not work here, going on without it: {error}', 'current', WARNING)
        return False
    return True


def compile_or_keep(function: Function) -> Function:
    """A function compiled, or as it is where that does not work."""
    return torch.compile(function) if compile_works() else function
