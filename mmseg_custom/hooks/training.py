"""What a hook has to know of the runner before it acts."""

from typing import TypeVar

from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner

Kind = TypeVar('Kind', bound=Hook)


def is_training(runner: Runner) -> bool:
    """Whether the runner trains; MMEngine calls the same hooks when it only validates or tests."""
    return runner._train_loop is not None and not isinstance(runner._train_loop, dict)


def hook_of(runner: Runner, kind: type[Kind]) -> Kind | None:
    """The first hook of a kind that a runner has, ``None`` if it has none."""
    return next((hook for hook in runner.hooks if isinstance(hook, kind)), None)


def counts_iterations(runner: Runner) -> bool:
    """Whether the position of a training is its iteration; else it is its epoch."""
    return isinstance(getattr(runner, 'train_loop', None), IterBasedTrainLoop)


def position_name(runner: Runner, record: dict) -> str:
    """What the files of a validation are called by, as MMEngine calls them: ``epoch_3`` or ``iter_3000``.

    Args:
        runner: Of the training.
        record: Of the validation, in its history.
    """
    kind = 'iter' if counts_iterations(runner) else 'epoch'
    return f'{kind}_{record[kind]}'


def iterations_logged(runner: Runner, iteration: int, history: list[dict]) -> int:
    """How many of the newest training losses belong to the next record.

    Args:
        runner: Of the training.
        iteration: Iterations done.
        history: Its records so far.

    Returns:
        Those of an epoch; in a loop over iterations those behind the last validation, at least 1.
    """
    if not counts_iterations(runner):
        return len(runner.train_dataloader)
    return max(1, iteration - (history[-1]['iter'] if history else 0))
