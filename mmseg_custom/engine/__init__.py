"""What happens on the way: hooks, optimizer wrapper, checkpoint reading and writing."""

from mmseg_custom.engine.atomic_backend import AtomicBackend
from mmseg_custom.engine.autocast_optim_wrapper import AutocastOptimWrapper
from mmseg_custom.engine.checkpoint_io import (
    CheckpointError,
    hash_weights,
    load_checkpoint_file,
    load_weights,
    save_checkpoint_file,
)
from mmseg_custom.engine.hooks import (
    DivergenceError,
    DivergenceHook,
    IterationSeedHook,
    PreemptionHook,
    StageCheckpointHook,
    TrainingHistoryHook,
)
from mmseg_custom.engine.iter_train_loop import LoopError, ResumableIterTrainLoop
from mmseg_custom.engine.safe_pretrained import SafePretrained
from mmseg_custom.engine.stage_tensorboard import StageTensorboardBackend
from mmseg_custom.engine.stop_signals import Preempted
from mmseg_custom.engine.train_loop import ResumableTrainLoop, ResumeError

__all__ = [
    'AtomicBackend',
    'AutocastOptimWrapper',
    'CheckpointError',
    'DivergenceError',
    'DivergenceHook',
    'IterationSeedHook',
    'LoopError',
    'Preempted',
    'PreemptionHook',
    'ResumableIterTrainLoop',
    'ResumableTrainLoop',
    'ResumeError',
    'SafePretrained',
    'StageCheckpointHook',
    'StageTensorboardBackend',
    'TrainingHistoryHook',
    'hash_weights',
    'load_checkpoint_file',
    'load_weights',
    'save_checkpoint_file',
]
