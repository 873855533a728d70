"""What a cross-validation is going to take: time, disk space and memory, in sentences."""

from collections.abc import Sequence
from typing import Any

from mmengine.config import Config

from mmseg_custom.config import length_of
from mmseg_custom.datasets.folds.fold_file import FoldSplit
from mmseg_custom.fold_settings import fold_of
from mmseg_custom.io.files import free_bytes, readable_path, readable_size
from mmseg_custom.plan.disk_space import needed_space
from mmseg_custom.plan.progress import duration
from mmseg_custom.preflight.trial_error import TrialError
from mmseg_custom.preflight.try_training import Measured


def describe_trial(measured: Measured) -> str:
    """That a trial went well, and what it has measured."""
    height, width = measured.size
    where = measured.gpu or f'the CPU, {_count(measured.threads, "thread")}'
    return (
        f'preflight: model, data, training step, validation, metric and files work ({measured.seconds:.0f} s). '
        f'Measured on {where}, {_count(measured.steps, "step")} of {_count(measured.batch_size, "image")} at '
        f'{width} x {height} behind one for warming up: about {_short(measured.train_seconds)} a training image, '
        f'{_short(measured.val_seconds)} a validated image'
    )


def describe_time(configs: Sequence[Config], split: FoldSplit, measured: Measured, jobs: int) -> str:
    """How long runs take, one after the other and side by side.

    Args:
        configs: Of the runs to train.
        split: The folds.
        measured: In a trial of one of them.
        jobs: How many train side by side.
    """
    seconds = [run_seconds(cfg, split, measured) for cfg in configs]
    told = f'time: about {_rough(max(seconds))} a run, {_rough(sum(seconds))} for {_count(len(seconds), "run")}'
    side_by_side = min(jobs, len(seconds))
    if side_by_side > 1:
        rounds = -(-len(seconds) // side_by_side) * max(seconds)
        told += f'; with --jobs {jobs} about {_rough(rounds)}, if {side_by_side} side by side are as fast as one'
    return told + '. A rough figure: the machine may be busier or less busy later.'


def run_seconds(cfg: Config, split: FoldSplit, measured: Measured) -> float:
    """Seconds of one run: its training images, its validations, and the last scoring of its held-out images."""
    fold = fold_of(cfg)
    trained, held_out = (len(split.names(fold, validation)) for validation in (False, True))
    length, unit = length_of(cfg)
    images = length * measured.batch_size if unit == 'iteration' else length * trained * measured.repeats
    validations = num_validations(cfg.train_cfg, length)
    return images * measured.train_seconds + (validations + 1) * held_out * measured.val_seconds


def num_validations(train_cfg: Any, length: int) -> int:
    """How often a training validates: at multiples of ``val_interval`` from ``val_begin`` on, and at its end."""
    interval, begin = train_cfg.get('val_interval') or 1, train_cfg.get('val_begin') or 1
    at_interval = length // interval - (min(begin, length + 1) - 1) // interval
    return at_interval + (length % interval != 0)


def describe_space(configs: list[Config], jobs: int) -> list[str]:
    """The disk space that runs need while they train, a line a file system."""
    lines = []
    for folder, needed in needed_space(configs, jobs).items():
        free = free_bytes(folder)
        told = f'disk: up to about {readable_size(needed)} in {readable_path(folder)}, {readable_size(free)} free'
        lines.append(f'{told}.' if needed <= free else f'{told}: NOT ENOUGH.')
    return lines


def describe_memory(measured: Measured, jobs: int, gpus: int) -> str:
    """Whether what runs side by side fits.

    Args:
        measured: In a trial of one run.
        jobs: How many train side by side.
        gpus: Number of GPUs that they take turns on, 0 for none.
    """
    kind = 'of the GPU' if measured.gpu else 'of the main memory, without what the processes of data loaders take'
    told = f'memory: about {readable_size(measured.memory)} a run {kind}'
    beside = -(-jobs // max(1, gpus))
    if not measured.room:
        return f'{told}.'
    if beside * measured.memory <= measured.room:
        fits = 'it fits' if beside == 1 else f'{beside} side by side fit'
        return f'{told}; {readable_size(measured.room)} were free, so {fits}.'
    return (
        f'{told}; {readable_size(measured.room)} were free, so {beside} side by side do NOT FIT: use --jobs '
        f'{jobs_that_fit(measured, gpus)}'
        f'{" and a smaller batch_size or crop" if measured.memory > measured.room else ""}.'
    )


def jobs_that_fit(measured: Measured, gpus: int) -> int:
    """How many runs fit side by side, one at least; arguments as :func:`describe_memory`."""
    return max(1, measured.room // measured.memory) * max(1, gpus)


def refuse_too_many(measured: Measured, jobs: int, gpus: int) -> None:
    """See that runs which share GPUs fit into their memory, which ends a training; arguments as there.

    Raises:
        TrialError: If they do not. On the CPU, whose processes share what they import, it is only told.
    """
    if measured.gpu and measured.room and jobs > jobs_that_fit(measured, gpus):
        raise TrialError(describe_memory(measured, jobs, gpus))


def _count(number: int, what: str) -> str:
    return f'{number} {what}{"s" * (number != 1)}'


def _short(seconds: float) -> str:
    return f'{seconds:.2f} s' if seconds >= 0.1 else f'{1000 * seconds:.2g} ms'


def _rough(seconds: float) -> str:
    """A duration to two digits or so: more would promise too much."""
    hours = seconds / 3600
    if hours >= 48:
        return f'{hours / 24:.1f} days'
    return f'{hours:.1f} h' if hours >= 10 else duration(seconds)
