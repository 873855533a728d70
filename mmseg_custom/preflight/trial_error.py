"""What fails in a trial, in one sentence, and the way out where it is known."""

import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from mmseg_custom.errors import BUILDING, UserError, first_way_out
from mmseg_custom.preflight.trial_hook import TrialOver

LENGTH = 400
SMALLER = (
    'Use a smaller train_dataloader.batch_size or crop, or mixed precision (optim_wrapper.type=AmpOptimWrapper).'
)
FETCHED = (
    'Pretrained weights are fetched from the web or read from a file ({keys}): download the file and give its path, '
    'or train without them (--cfg-options {without}).'
)
COMPILED = (
    'The network takes operations that mmcv brings compiled: install one that was built with them for this PyTorch '
    '(neither mmcv-lite nor one built from source without MMCV_WITH_OPS=1), or take another network.'
)
SIZES = (
    'See whether all images of a batch leave train_pipeline in one size (RandomCrop and data_preprocessor.size), and '
    'whether the network takes that size: many want a multiple of 32 or 64, which '
    'model.data_preprocessor.test_cfg=dict(size_divisor=64) gives images of other sizes in validation.'
)
# What a message contains, in small letters, and what to do then; the first that is found counts.
WAYS_OUT = (
    (('out of memory', 'not enough memory', 'allocate memory', 'alloc_cpu'), SMALLER),
    (
        ('urlopen', 'urlerror', 'http error', 'max retries', 'name resolution', 'getaddrinfo', 'can not be found'),
        FETCHED,
    ),
    (
        ('only one of size and size_divisor',),
        'Give model.data_preprocessor either the size of the crops, or a size_divisor, and not both or neither.',
    ),
    (('is no local file: download it',), 'See load_from of the config.'),
    (('mmcv._ext', 'mmcv-full for ', 'mmcv for '), COMPILED),
    *BUILDING,
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
        (
            'stack expects each tensor',
            'non-singleton dimension 2',
            'non-singleton dimension 3',
            'sizes of tensors must match',
            'img_size',
            'output size is too small',
            'kernel size can',
            'padding size should be less',
            'is invalid for input of size',
            'should be divisible',
        ),
        SIZES,
    ),
)
UNKNOWN = 'If tools/train.py of MMSegmentation fails in the same way, mend the config.'


class TrialError(UserError, RuntimeError):
    """What a training would have failed with, found before it began."""


@contextmanager
def explained(what: str | Callable[[], str], model: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Turn any error of the block into a :class:`TrialError`; those that a user can mend stay as they are.

    Args:
        what: The head of the sentence, or what gives it when it is needed.
        model: Settings of the model, which name its pretrained weights. Defaults to ``None``.
    """
    try:
        yield
    except (UserError, TrialOver):
        raise
    except Exception as error:  # Models, data sets and hooks are anybody's code.
        traceback.print_exc()
        head = what if isinstance(what, str) else what()
        raise TrialError(f'{head}: {describe(error)}. {way_out(error, model)}') from error


def describe(error: Exception) -> str:
    """An error in one line: its kind, its message and where it was raised."""
    text = ' '.join(str(error).split()).rstrip('.')
    text = text if len(text) <= LENGTH else f'{text[:LENGTH]}...'
    frames = traceback.extract_tb(error.__traceback__)
    place = f' ({Path(frames[-1].filename).name}, line {frames[-1].lineno})' if frames else ''
    return f'{type(error).__name__}{": " * bool(text)}{text}{place}'


def way_out(error: Exception, model: Mapping[str, Any] | None = None) -> str:
    """What to do about an error; the options that pretrained weights have in a ``model``'s settings are named."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return SMALLER
    way = first_way_out(error, WAYS_OUT) or UNKNOWN
    keys = list(pretrained_options(model or {})) or ['model.pretrained']
    return (
        way.format(keys=', '.join(keys), without=' '.join(f'{key}=None' for key in keys)) if way is FETCHED else way
    )


def pretrained_options(settings: Any, option: str = 'model') -> Iterator[str]:
    """The options of a config that name pretrained weights: ``model.backbone.init_cfg`` for one."""
    if isinstance(settings, Mapping):
        init = settings.get('init_cfg')
        if isinstance(init, Mapping) and 'Pretrained' in str(init.get('type')):
            yield f'{option}.init_cfg'
        if settings.get('pretrained'):
            yield f'{option}.pretrained'
        for key, entry in settings.items():
            if key != 'init_cfg':
                yield from pretrained_options(entry, f'{option}.{key}')
    for number, entry in enumerate(settings if isinstance(settings, list | tuple) else ()):
        yield from pretrained_options(entry, f'{option}.{number}')
