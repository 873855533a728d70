"""Folds in nnU-Net's form: ``splits_final.json``, a list of ``{'train': [...], 'val': [...]}``.

https://github.com/MIC-DKFZ/nnUNet/blob/master/documentation/manual_data_splits.md
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from mmseg_custom.datasets.folds.fold_file import FoldSplit
from mmseg_custom.datasets.folds.grouping import FoldError
from mmseg_custom.datasets.sample_files import few
from mmseg_custom.io.files import PathLike, read_json

CHANNEL = re.compile(r'_\d{4}$')  # What nnU-Net's image files have behind the name of their case.


def is_nnunet_file(path: PathLike) -> bool:
    """Whether a JSON file is a list, as nnU-Net's is; a fold file of this project is not."""
    return isinstance(read_json(path), list)


def read_nnunet(path: PathLike, names: Sequence[str], fingerprint: str) -> FoldSplit:
    """Read the folds of nnU-Net's form.

    Args:
        path: The file.
        names: Of the images. A case is the image of that name, or the only one whose file has that name, with or
            without nnU-Net's channel (``_0000``) behind it.
        fingerprint: Of the data.

    Returns:
        The folds. A train list may be smaller than the rest: the fold does not train on what it leaves out.

    Raises:
        FoldError: If the file has another form, a case no image, an image no fold or two, or a fold trains on what it
            is validated on.
    """
    content = _check_form(path)
    find = _finder(names)
    lists = {part: [[find(case) for case in fold[part]] for fold in content] for part in ('train', 'val')}
    for part in lists:
        unknown = [case for fold in content for case in fold[part] if find(case) is None]
        if unknown:
            raise FoldError(
                f'{path}: {len(unknown)} cases of its {part} lists are no image of the training data '
                f'({few(unknown)}); images are named like {names[0]}.'
            )
    _check_once(path, names, lists['val'])
    for k, (train, val) in enumerate(zip(lists['train'], lists['val'], strict=True), start=1):
        both = sorted(set(train) & set(val))
        if both:
            raise FoldError(f'{path}: fold {k} trains on {len(both)} images of its own val list: {few(both)}.')
    left_out = [sorted(set(names) - set(train) - set(val)) for train, val in zip(*lists.values(), strict=True)]
    folds = [sorted(part) for part in lists['val']]
    spec = {'num_folds': len(folds), 'seed': 0, 'group_by': None, 'block_size': None}
    return FoldSplit(**spec, fingerprint=fingerprint, folds=folds, not_trained=left_out if any(left_out) else [])


def _check_form(path: PathLike) -> list[Mapping[str, list[str]]]:
    content = read_json(path)
    for k, fold in enumerate(content, start=1):
        lists = [fold.get(part) for part in ('train', 'val')] if isinstance(fold, dict) else [None]
        if not all(isinstance(one, list) and one and all(isinstance(case, str) for case in one) for one in lists):
            raise FoldError(f"{path}: fold {k} is no {{'train': [...], 'val': [...]}} with names of cases in both.")
    if len(content) < 2:
        raise FoldError(f'{path} has {len(content)} folds: 2 at least are needed.')
    return content


def _check_once(path: PathLike, names: Sequence[str], val: Sequence[Sequence[Any]]) -> None:
    times = Counter(name for part in val for name in part)
    twice, never = [name for name in times if times[name] > 1], [name for name in names if name not in times]
    if twice:
        raise FoldError(f'{path}: {len(twice)} images are in more than one val list ({few(twice)}): keep one each.')
    if never:
        raise FoldError(
            f'{path}: {len(never)} images are in no val list ({few(never)}): add each to one, or take them off the '
            'training data.'
        )


def _finder(names: Sequence[str]) -> Any:
    """A function from a case to the name of its image, ``None`` if there is none or more than one."""
    known, short = set(names), {}
    for name in names:
        file = name.rpartition('/')[2]
        for case in {file, CHANNEL.sub('', file)}:
            short[case] = None if case in short else name
    return lambda case: case if case in known else short.get(case)
