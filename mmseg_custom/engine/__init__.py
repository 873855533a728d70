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
from mmseg_custom.engine.hooks import IterationSeedHook, StageCheckpointHook, TrainingHistoryHook

__all__ = [
    'AtomicBackend',
    'AutocastOptimWrapper',
    'CheckpointError',
    'IterationSeedHook',
    'StageCheckpointHook',
    'TrainingHistoryHook',
    'hash_weights',
    'load_checkpoint_file',
    'load_weights',
    'save_checkpoint_file',
]
