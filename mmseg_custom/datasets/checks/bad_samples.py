"""What a data set does about a sample that cannot be used, and how the rest of a run learns of it."""

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import cv2
from mmengine.dataset import Compose
from mmseg.structures import SegDataSample

from mmseg_custom.datasets.checks.pair_checks import Fault, check_headers, check_image
from mmseg_custom.datasets.packed.packed_store import PackedStore
from mmseg_custom.datasets.sample_files import is_elsewhere
from mmseg_custom.errors import UserError

POLICIES = ('stop', 'skip')
SKIPPED = 'skipped'
LABEL_STEPS = ('LoadAnnotations', 'MapLabelIds')
# What decoders and transforms raise over a damaged or wrong file.
FILE_ERRORS = (OSError, ValueError, SyntaxError, AssertionError, EOFError, struct.error, zlib.error, cv2.error)

Skipped = dict[str, str]


class SampleError(UserError, ValueError):
    """An image or label that cannot be used; the message names the file."""


class BadSampleError(ValueError):
    """Why one sample cannot be used."""


class PolicyError(UserError, ValueError):
    """A policy that does not exist."""


def check_policy(policy: str) -> None:
    """See that ``on_bad_sample`` is one of :data:`POLICIES`.

    Raises:
        PolicyError: If it is not.
    """
    if policy not in POLICIES:
        raise PolicyError(f'on_bad_sample={policy!r} is unknown: use one of {POLICIES}.')


def load_sample(
    sample: dict, pipeline: Compose, ignore_index: int, store: PackedStore | None = None, convert: str = 'lossless'
) -> dict:
    """Load and transform a sample if it can be used.

    It cannot if a file is gone or damaged, the image of a kind that is not taken or not upright, the label not of one
    8-bit channel and the same size, an id unknown, or no pixel has a class. Of files that are not on a local disk
    only what shows when they are decoded is found.

    Args:
        sample: As the data set lists it.
        pipeline: Its transforms.
        ignore_index: Label of the pixels without a class.
        store: Where it may lie as the first transforms leave it. Defaults to ``None``.
        convert: Which images are taken besides 8-bit RGB, one of
            :data:`~mmseg_custom.datasets.checks.image_modes.CONVERSIONS`.

    Raises:
        BadSampleError: If it cannot, saying why.
    """
    try:
        packed = store.read(sample) if store else None
        faults = [] if packed or is_elsewhere(sample['img_path']) else check_headers(sample, convert)
        steps, results = (store.later_steps, packed) if packed else (pipeline, {**sample, 'seg_fields': []})
        data = None if faults else steps(results)
    except FILE_ERRORS as error:
        raise BadSampleError(name_file(sample, error)) from error
    if not faults and data is None:
        raise BadSampleError('a transform of the pipeline refuses it')
    if not faults and is_ignored(data, ignore_index) and file_is_ignored(sample, pipeline, ignore_index):
        faults = [Fault('wholly ignored', sample['seg_map_path'], 'no pixel has a class')]
    if faults:
        raise BadSampleError('; '.join(map(str, faults)))
    return data


def name_file(sample: dict, error: Exception) -> str:
    """What went wrong and, where that does not say it, in which file of a sample."""
    for path in (sample['img_path'], sample.get('seg_map_path')):
        if path and path in str(error):
            break
        if path and check_image(path)[0] is None:
            return f'{path}: {error}'
    return str(error)


def is_ignored(data: dict, ignore_index: int) -> bool:
    """Whether a packed sample has a label, but no pixel of a class in it; a crop may leave none."""
    label = getattr(data.get('data_samples'), 'gt_sem_seg', None)
    if label is None:
        return False
    every_16th = label.data[..., ::16, ::16]  # Where most labels show a class already.
    return not ((every_16th != ignore_index).any() or (label.data != ignore_index).any())


def file_is_ignored(sample: dict, pipeline: Compose, ignore_index: int) -> bool:
    """Whether the label file of a sample has no pixel of a class."""
    results = {**sample, 'seg_fields': []}
    for step in pipeline.transforms:
        if type(step).__name__ in LABEL_STEPS:
            results = step(results)
    return bool((results['gt_seg_map'] == ignore_index).all())


def explain_bad_sample(image: str, reason: object) -> str:
    """The message for a sample that stops a run.

    Args:
        image: Its image file.
        reason: What is wrong.
    """
    return (
        f'Image {image} or its label cannot be used: {reason}. Mend the file, or leave the image out '
        "(skip_list), or set on_bad_sample='skip' in the data set to go on without such images. All faults: "
        '`python tools/prepare_data.py CONFIG --verify`.'
    )


def mark_skipped(data: dict, skipped: Skipped, ignore_index: int | None = None) -> dict:
    """Note on a packed sample in whose place it stands.

    Args:
        data: What ``PackSegInputs`` gives, changed in place.
        skipped: Why the samples before it could not be used, by the path of their image.
        ignore_index: If given, no pixel of the sample counts. Defaults to ``None``.
    """
    for sample in _flat([data['data_samples']]):
        sample.set_metainfo({SKIPPED: skipped})
        if ignore_index is not None and 'gt_sem_seg' in sample:
            sample.gt_sem_seg.data.fill_(ignore_index)
    return data


def skipped_in(batch: dict[str, Any]) -> Skipped:
    """The samples in whose place others stand in a batch: why they could not be used, by the path of their image."""
    found: Skipped = {}
    for sample in _flat(batch.get('data_samples', ())):
        found.update(sample.get(SKIPPED) or {})
    return found


def _flat(samples: Iterable) -> Iterator[SegDataSample]:
    """All samples of a batch; test-time augmentation makes a sequence of them an image or augmentation."""
    for sample in samples:
        yield from sample if isinstance(sample, list | tuple) else [sample]


def skipped_records(skipped: dict[str, Skipped]) -> list[dict[str, str]]:
    """One record a skipped image, for the ledger: where it was met, its file, and the reason.

    Args:
        skipped: By loader (``'train'``, ``'val'``, ``'test'``) and path of the image.
    """
    return [
        {'loader': loader, 'file': file, 'reason': reason}
        for loader, files in skipped.items()
        for file, reason in sorted(files.items())
    ]
