"""What the image files of any data set say of themselves, looked at before anything is trained."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmseg_custom.datasets.checks.image_header import Header, read_header
from mmseg_custom.datasets.checks.pair_checks import size_text
from mmseg_custom.datasets.checks.training_labels import ids_are_plain, is_known
from mmseg_custom.datasets.folds.leaves import Sample
from mmseg_custom.datasets.sample_files import few, is_elsewhere
from mmseg_custom.errors import UserError

IMAGES = ('.jpg', '.jpeg', '.png', '.tif', '.tiff', '.bmp', '.webp')
TURNED_BY_90 = (5, 6, 7, 8)  # EXIF orientations, which OpenCV follows.


class ImageFileError(UserError, ValueError):
    """Image files that no training can use; the message names the first."""


def check_images(leaves: Sequence[Any], samples: Sequence[Sample]) -> list[str]:
    """Read the headers of all images and labels that MMSegmentation's own transforms load with OpenCV.

    Args:
        leaves: Built data sets, as :func:`~mmseg_custom.datasets.folds.leaves.build_leaves` gives them.
        samples: Of these.

    Returns:
        A sentence on JPEG files that have no end.

    Raises:
        ImageFileError: If a file is no image, or a label has not the size of its image.
    """
    read = [_loads_by_opencv(leaf) for leaf in leaves]
    found = [sample.info for sample in samples if read[sample.leaf] and not is_elsewhere(sample.info['img_path'])]
    known = [info['img_path'] for info in found if cv2.haveImageReader(info['img_path'])]
    headers = {path: _header(path) for path in known}
    cut = [path for path, header in headers.items() if header and header.cut]
    broken = [info['img_path'] for info in found if info['img_path'] not in headers]
    broken += [path for path in cut if cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR) is None]
    if broken:
        empty = ', of 0 bytes' if not Path(broken[0]).stat().st_size else ''
        raise ImageFileError(
            f'{len(broken)} of {len(found)} image files cannot be read as images ({few(broken)}{empty}): restore '
            'them, or take them off the training data.'
        )
    _refuse_other_sizes(found, headers)
    return [f'{len(cut)} JPEG files end too early, and what is missing is grey: {few(cut)}'] if cut else []


def find_left_files(leaves: Sequence[Any]) -> list[str]:
    """A sentence on the images in the folders of data sets without lists that end in another suffix than theirs."""
    lines = []
    for leaf in leaves:
        folder = (getattr(leaf, 'data_prefix', None) or {}).get('img_path')
        suffix = getattr(leaf, 'img_suffix', None)
        if not isinstance(suffix, str) or not folder or is_elsewhere(folder) or getattr(leaf, 'ann_file', None):
            continue
        files = [str(path) for path in sorted(Path(folder).rglob('*')) if path.suffix.lower() in IMAGES]
        left = [Path(file).name for file in files if not file.endswith(suffix)]
        if left:
            lines.append(
                f'{len(left)} of {len(files)} images in {folder} do not end in img_suffix={suffix!r} and are left '
                f'out: {few(left)}'
            )
    return list(dict.fromkeys(lines))


def _loads_by_opencv(leaf: Any) -> bool:
    steps = getattr(getattr(leaf, 'pipeline', None), 'transforms', [])
    first = steps[0] if steps else None
    return (
        type(first).__name__ == 'LoadImageFromFile'
        and is_known(first)
        and ids_are_plain(leaf)
        and (getattr(first, 'imdecode_backend', ''), getattr(first, 'color_type', '')) == ('cv2', 'color')
        and all(is_known(step) for step in steps)
    )


def _header(path: str) -> Header | None:
    """``None`` for what Pillow does not know and OpenCV does."""
    with suppress(OSError, SyntaxError, ValueError):
        return read_header(path, whole=False)
    return None


def _refuse_other_sizes(found: Sequence[dict], headers: dict[str, Header | None]) -> None:
    other = []
    for info in found:
        image, label = headers[info['img_path']], info.get('seg_map_path')
        of_label = _header(label) if label and not is_elsewhere(label) else None
        if image and of_label and of_label.size != _upright(image):
            other.append(f'{label} has {size_text(of_label.size)}, {info["img_path"]} {size_text(_upright(image))}')
    if other:
        raise ImageFileError(
            f'{len(other)} of {len(found)} labels have not the size of their image, the first one: {other[0]}. Mend '
            'the files, or take them off the training data.'
        )


def _upright(header: Header) -> tuple[int, int]:
    return header.size[::-1] if header.orientation in TURNED_BY_90 else header.size
