"""Checkpoint files: looked through before they are loaded, tensors and plain data only."""

from mmseg_custom.io.checkpoints.checkpoint_file import (
    CheckpointError,
    hash_weights,
    load_checkpoint_file,
    load_weights,
    save_checkpoint_file,
)
from mmseg_custom.io.checkpoints.safe_pretrained import SafePretrained

__all__ = [
    'CheckpointError',
    'SafePretrained',
    'hash_weights',
    'load_checkpoint_file',
    'load_weights',
    'save_checkpoint_file',
]
