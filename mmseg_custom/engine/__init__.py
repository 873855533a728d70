"""Running: the runner, its loops, optimizer wrapper, resume points and processes."""

from mmseg_custom.engine.autocast_optim_wrapper import AutocastOptimWrapper
from mmseg_custom.engine.iter_train_loop import LoopError, ResumableIterTrainLoop
from mmseg_custom.engine.stage_runner import StageRunner
from mmseg_custom.engine.stage_tensorboard import StageTensorboardBackend
from mmseg_custom.engine.stop_signals import Preempted
from mmseg_custom.engine.train_loop import ResumableTrainLoop, ResumeError

__all__ = [
    'AutocastOptimWrapper',
    'LoopError',
    'Preempted',
    'ResumableIterTrainLoop',
    'ResumableTrainLoop',
    'ResumeError',
    'StageRunner',
    'StageTensorboardBackend',
]
