"""What fails in a trial, in one sentence, and the way out where it is known."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from mmseg_custom.cross_validation.trial_hook import TrialOver
from mmseg_custom.errors import UserError

LENGTH = 400
SMALLER = (
    'Use a smaller train_dataloader.batch_size or crop, or mixed precision (optim_wrapper.type=AmpOptimWrapper).'
)
FETCHED = (
    'Pretrained weights are fetched from the web: download the file and give its path (pretrained or init_cfg of the '
    'backbone), or train without them (--cfg-options model.pretrained=None).'
)
REGISTERED = 'Name the module that registers it in custom_imports of the config, or see whether its name is misspelt.'
# What a message contains, in small letters, and what to do then; the first that is found counts.
WAYS_OUT = (
    (('out of memory', 'not enough memory', 'allocate memory', 'alloc_cpu'), SMALLER),
    (('urlopen', 'urlerror', 'http error', 'max retries', 'name resolution', 'getaddrinfo'), FETCHED),
    (('registry', 'is not registered'), REGISTERED),
    (('no module named', 'please install', 'is not installed'), 'Install the package that is missing.'),
    (
        ('out of bounds', 'out of range', 'device-side assert', 'class values must be smaller'),
        'See whether the labels hold ids that the heads have no class for: num_classes of every head is the number '
        'of classes of the data set; reduce_zero_label takes the first one off.',
    ),
    (
        ('more than 1 value per channel',),
        'Batch norm behind a global pooling needs 2 images a batch: train_dataloader.batch_size=2 or more, with '
        'drop_last=True where the last batch may hold one.',
    ),
    (
        ('stack expects each tensor', 'must match the size', 'img_size', 'sizes of tensors must match'),
        'See whether all images of a batch leave train_pipeline in one size (RandomCrop and '
        'data_preprocessor.size), and whether the network takes that size.',
    ),
)
UNKNOWN = 'If tools/train.py of MMSegmentation fails in the same way, mend the config.'


class TrialError(UserError, RuntimeError):
    """What a training would have failed with, found before it began."""


@contextmanager
def explained(what: str | Callable[[], str]) -> Iterator[None]:
    """Turn any error of the block into a :class:`TrialError`; those that a user can mend stay as they are.

    Args:
        what: The head of the sentence, or what gives it when it is needed.
    """
    try:
        yield
    except (UserError, TrialOver):
        raise
    except Exception as error:  # Models, data sets and hooks are anybody's code.
        traceback.print_exc()
        head = what if isinstance(what, str) else what()
        raise TrialError(f'{head}: {describe(error)}. {way_out(error)}') from error


def describe(error: Exception) -> str:
    """An error in one line: its kind, its message and where it was raised."""
    text = ' '.join(str(error).split()).rstrip('.')
    text = text if len(text) <= LENGTH else f'{text[:LENGTH]}...'
    frames = traceback.extract_tb(error.__traceback__)
    place = f' ({Path(frames[-1].filename).name}, line {frames[-1].lineno})' if frames else ''
    return f'{type(error).__name__}{": " * bool(text)}{text}{place}'


def way_out(error: Exception) -> str:
    """What to do about an error."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return SMALLER
    text = f'{type(error).__name__} {error}'.lower()
    return next((way for marks, way in WAYS_OUT if any(mark in text for mark in marks)), UNKNOWN)
