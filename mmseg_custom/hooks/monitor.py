"""Whether the validation gives the metric that chooses the best epoch, asked before the first step."""

from mmengine.evaluator import BaseMetric, Evaluator
from mmseg.evaluation import IoUMetric

from mmseg_custom.errors import UserError
from mmseg_custom.evaluation import SegmentationMetric

OURS = ('mIoU', 'fwIoU', 'aAcc', 'mAcc')
OF_IOU_METRIC = {
    'mIoU': ('mIoU', 'mAcc'),
    'mDice': ('mDice', 'mAcc'),
    'mFscore': ('mFscore', 'mPrecision', 'mRecall'),
}


class MonitorError(UserError, ValueError):
    """A metric that cannot choose the best epoch; the message says which can."""


def check_monitor(evaluator: Evaluator, monitor: str) -> None:
    """See that an evaluator gives a metric of which more is better.

    What other metrics than :class:`SegmentationMetric` and MMSegmentation's ``IoUMetric`` give is known at the first
    validation only, and is checked there.

    Raises:
        MonitorError: If it does not, with the names of those that it gives.
    """
    known = [scores_of(metric) for metric in evaluator.metrics]
    if None in known:
        return
    names = [name for names in known for name in names]
    if monitor not in names:
        raise MonitorError(
            f'default_hooks.history.monitor={monitor!r} is to choose the best epoch, but val_evaluator gives no such '
            f'score of which more is better: use one of {", ".join(names)}.'
        )


def scores_of(metric: BaseMetric) -> list[str] | None:
    """The scores of a metric of which more is better, ``None`` for one that is not known."""
    if type(metric) is SegmentationMetric:
        names = OURS
    elif type(metric) is IoUMetric:
        asked = [metric.metrics] if isinstance(metric.metrics, str) else metric.metrics
        names = tuple(dict.fromkeys(name for one in asked for name in ('aAcc', *OF_IOU_METRIC.get(one, ()))))
    else:
        return None
    return [f'{metric.prefix}/{name}' if metric.prefix else name for name in names]
