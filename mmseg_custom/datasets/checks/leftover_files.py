"""The files in the folders of a data set that it does not take."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from mmseg_custom.datasets.sample_files import (
    as_suffixes,
    few,
    is_elsewhere,
    list_files,
    suffixes_there,
    without_suffix,
)

SEPARATOR = re.compile(r'[._\-]')


def describe_leftovers(datasets: Sequence) -> list[str]:
    """One sentence on each kind of file that no data set takes, with their number and the first names.

    Images of a list (``ann_file``) that no label belongs to are not looked for: the data set itself misses them. What
    belongs to a taken image by its name, as Cityscapes' ``_gtFine_color.png`` does, is no leftover.

    Args:
        datasets: As :class:`KFoldDataset`, all parts that share a folder; files that are not on a local disk are not
            listed.
    """
    lines: list[str] = []
    for key, argument in (('img_path', 'img_suffix'), ('seg_map_path', 'seg_map_suffix')):
        for folder in dict.fromkeys(dataset.data_prefix.get(key) for dataset in datasets):
            if folder and not is_elsewhere(folder):
                sharing = [dataset for dataset in datasets if dataset.data_prefix.get(key) == folder]
                lines += _of_folder(folder, sharing, argument)
    return lines


def _of_folder(folder: str, datasets: Sequence, argument: str) -> list[str]:
    suffixes = as_suffixes(getattr(datasets[0], argument), argument)
    taken = {name for dataset in datasets for name in dataset.all_names()}
    left = [file for file in list_files(folder) if not _belongs_to(file, taken)]
    fitting = [file for file in left if without_suffix(file, suffixes)]
    others = [file for file in left if not without_suffix(file, suffixes)]
    what = 'images are in no list (ann_file)' if argument == 'img_suffix' else 'labels have no image'
    lines = [f'{folder}: {len(fitting)} {what}: {few(fitting)}'] if fitting else []
    if others:
        lines.append(
            f'{folder}: {len(others)} files do not end in {argument}={suffixes} and are not taken '
            f'({suffixes_there(others)}): {few(others)}'
        )
    return lines


def images_without_label(samples: Iterable[dict]) -> list[str]:
    """The images whose label is not there; those of data sets without labels are not looked at."""
    return [
        sample['img_path']
        for sample in samples
        if sample.get('seg_map_path') and not Path(sample['seg_map_path']).is_file()
    ]


def _belongs_to(file: str, names: set[str]) -> bool:
    """Whether the path of a file starts with one of some names, up to one of the signs that divide names."""
    start = file.rfind('/') + 1
    return any(file[: found.start()] in names for found in SEPARATOR.finditer(file, start))
