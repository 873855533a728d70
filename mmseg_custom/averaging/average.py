"""Averaging state dicts: pure functions, no files."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mmseg_custom.errors import UserError

StateDict = Mapping[str, Tensor]

_PART = 2**17


class AveragingError(UserError, ValueError):
    """State dicts that have no average; the message names the entry that differs."""


def average_state_dicts(state_dicts: Sequence[StateDict]) -> dict[str, Tensor]:
    """The parameter average of networks of one architecture ("uniform soup", Wortsman et al. 2022).

    Floating-point entries are summed in float64, in the order given, and returned in their own dtype. Integer
    buffers (batch norm's ``num_batches_tracked``) are taken as the largest of them, exactly: a mean of counters
    means nothing.

    Args:
        state_dicts: One or more state dicts of equal keys, shapes and dtypes.

    Raises:
        AveragingError: If there are none, or they differ in a key, shape or dtype, naming it.
    """
    if not state_dicts:
        raise AveragingError('There is nothing to average: give at least one state dict.')
    first = state_dicts[0]
    for number, other in enumerate(state_dicts[1:], start=2):
        _check_same_layout(first, other, number)
    return {key: _average([state[key] for state in state_dicts]) for key in first}


def _average(values: Sequence[Tensor]) -> Tensor:
    """In parts that stay in the processor's cache; no copy of an entry as a whole but the result is made."""
    first = values[0]
    if not first.is_floating_point():
        return torch.stack(list(values)).amax(0)
    average = torch.empty_like(first, memory_format=torch.contiguous_format)
    for target, *parts in zip(*(value.reshape(-1).split(_PART) for value in (average, *values)), strict=True):
        total = parts[0].to(torch.float64, copy=True)
        for part in parts[1:]:
            total += part
        target.copy_(total.div_(len(parts)))
    return average


def _check_same_layout(first: StateDict, other: StateDict, number: int) -> None:
    missing, extra = sorted(first.keys() - other.keys()), sorted(other.keys() - first.keys())
    if missing or extra:
        raise AveragingError(
            f'State dict {number} is of another architecture than the first: it lacks {missing[:3]} and has '
            f'{extra[:3]} besides ({len(missing)} and {len(extra)} keys in all).'
        )
    for key, value in first.items():
        if (value.shape, value.dtype) != (other[key].shape, other[key].dtype):
            raise AveragingError(
                f'{key} is {tuple(value.shape)} {value.dtype} in the first state dict, but '
                f'{tuple(other[key].shape)} {other[key].dtype} in state dict {number}.'
            )
