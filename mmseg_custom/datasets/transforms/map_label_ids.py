"""From the ids of the label files to the ids of training."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS
from PIL import Image

# No label file can hold it: ids are read as unsigned.
UNKNOWN = -1


@TRANSFORMS.register_module()
class MapLabelIds(BaseTransform):
    """Map raw ids to train ids, for label files of either kind.

    Place it behind MMSegmentation's ``LoadAnnotations``. A sample without a label passes. What a file holds is
    decided file by file, and never guessed:

    1. a name ending in ``_labelTrainIds`` or ``_labelIds`` says it;
    2. else ``ids`` says it, if it is ``'raw'`` or ``'train'``;
    3. else a table that gives 255 to a class does: only raw ids can hold it;
    4. else the ids in the file do: raw if one of them is no train id, train ids if one is missing in
       ``table``. If both readings are possible and give different labels, the file is refused.

    Required Keys:

    - gt_seg_map (optional)
    - seg_map_path

    Modified Keys:

    - gt_seg_map (np.uint8)

    Args:
        table (Mapping[int, int]): Raw id to train id. Raw ids are -1 to 255, and -1 is stored as 255, which
            is ignored unless the table says otherwise. Train ids are 0 to ``num_classes - 1`` or
            ``ignore_index``.
        num_classes (int): Number of classes.
        ids (str): ``'auto'``, ``'raw'`` or ``'train'``, see above. Defaults to ``'auto'``.
        ignore_index (int): Train id of pixels without a class. Defaults to 255.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        table: Mapping[int, int],
        num_classes: int,
        ids: Literal['auto', 'raw', 'train'] = 'auto',
        ignore_index: int = 255,
    ) -> None:
        if ids not in ('auto', 'raw', 'train'):
            raise ValueError(f"MapLabelIds: ids={ids!r}; give 'auto', 'raw' or 'train'")
        if not 0 < num_classes <= ignore_index <= 255:
            raise ValueError(
                f'MapLabelIds: num_classes={num_classes} and ignore_index={ignore_index}; '
                'give 0 < num_classes <= ignore_index <= 255'
            )
        # A config that went through JSON has text for keys.
        self.table = {int(raw): int(train) for raw, train in table.items()}
        self.num_classes = num_classes
        self.ids = ids
        self.ignore_index = ignore_index
        self._luts = {'raw': self._raw_lut(), 'train': self._train_lut()}

    def _train_lut(self) -> np.ndarray:
        lut = np.full(256, UNKNOWN)
        lut[: self.num_classes] = np.arange(self.num_classes)
        lut[[self.ignore_index, 255]] = self.ignore_index
        return lut

    def _raw_lut(self) -> np.ndarray:
        lut = np.full(256, UNKNOWN)
        lut[255] = self.ignore_index
        for raw, train in self.table.items():
            if not -1 <= raw <= 255:
                raise ValueError(f'MapLabelIds: raw id {raw} in table; give -1 (stored as 255) to 255')
            if train != self.ignore_index and not 0 <= train < self.num_classes:
                raise ValueError(
                    f'MapLabelIds: table maps {raw} to {train}; give 0 to {self.num_classes - 1}, '
                    f'or {self.ignore_index} to ignore it'
                )
            lut[raw % 256] = train
        return lut

    def transform(self, results: dict) -> dict:
        """Map ``gt_seg_map``.

        Raises:
            ValueError: If the label is no single-channel 8-bit image, holds an id that its reading does not
                know, allows both readings, or was changed by MMSegmentation before its raw ids were mapped.
        """
        if 'gt_seg_map' not in results:
            return results
        path = str(results.get('seg_map_path', 'label without a path'))
        label = checked_label(results['gt_seg_map'], path)
        refuse_other_size(results, label, path)
        present = np.flatnonzero(cv2.calcHist([label], [0], None, [256], [0, 256]))
        reading = self._reading(path, present)
        if reading == 'raw':
            refuse_changed_ids(results, path)
        lut = self._luts[reading]
        self._refuse_unknown(label, present[lut[present] == UNKNOWN], reading, path)
        results['gt_seg_map'] = cv2.LUT(label, lut.astype(np.uint8))
        return results

    def _reading(self, path: str, present: np.ndarray) -> str:
        for suffix, named in (('_labelTrainIds', 'train'), ('_labelIds', 'raw')):
            if Path(path).stem.endswith(suffix):
                return named
        if self.ids != 'auto':
            return self.ids
        if self.table.get(255, self.ignore_index) != self.ignore_index:
            return 'raw'
        as_raw, as_train = (self._luts[reading][present] for reading in ('raw', 'train'))
        if UNKNOWN in as_train or np.array_equal(as_raw, as_train):
            return 'raw'
        if UNKNOWN in as_raw:
            return 'train'
        raise ValueError(
            f'{path}: its ids {present.tolist()} may be raw ids or train ids, and its name does not tell; '
            "set ids='raw' or ids='train' in MapLabelIds"
        )

    def _refuse_unknown(self, label: np.ndarray, unknown: np.ndarray, reading: str, path: str) -> None:
        if unknown.size:
            pixels = {int(i): int(np.count_nonzero(label == i)) for i in unknown}
            raise ValueError(
                f'{path}: unknown ids (id: pixels) {pixels} in a label read as {reading} ids; correct the '
                f'file, map the ids in the table of MapLabelIds ({self.ignore_index} ignores them), or set '
                "ids='raw' or ids='train' if the file holds the other kind"
            )

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(table={self.table}, num_classes={self.num_classes}, ids={self.ids!r}, '
            f'ignore_index={self.ignore_index})'
        )


def checked_label(label: np.ndarray, path: str) -> np.ndarray:
    """Return ``label`` as a C-ordered 8-bit H x W array.

    Raises:
        ValueError: If it has channels, is not of integers, or holds (or its file holds) ids over 255.
    """
    if label.ndim != 2 or not np.issubdtype(label.dtype, np.integer):
        raise ValueError(
            f'{path}: a label is a single-channel integer image, this is {label.dtype} {label.shape}; give '
            "the file of ids, not the coloured one (palettes need LoadAnnotations(imdecode_backend='pillow'))"
        )
    largest = max(int(label.max(initial=0)), largest_wide_id(path))
    if largest > 255 or label.min(initial=0) < 0:
        raise ValueError(f'{path}: ids from {label.min()} to {largest}; ids are 0 to 255, convert the file to 8 bit')
    return np.ascontiguousarray(label, np.uint8)


def largest_wide_id(path: str) -> int:
    """Return the largest value of a file of more than 8 bits, and 0 for any other.

    MMSegmentation's ``LoadAnnotations`` keeps the low byte of such a file and says nothing.
    """
    file = Path(path)
    if file.suffix.lower() not in {'.png', '.tif', '.tiff'} or not file.is_file():
        return 0
    with Image.open(file) as image:
        return int(np.asarray(image).max()) if image.mode[0] in 'IF' else 0


def refuse_other_size(results: dict, label: np.ndarray, path: str) -> None:
    """Refuse a label of another size than its image file; resizing would hide that they do not fit.

    Raises:
        ValueError: Naming both files and sizes.
    """
    size = tuple(results.get('ori_shape', label.shape))
    if label.shape != size:
        raise ValueError(
            f'{path} is {label.shape[1]} x {label.shape[0]} pixels, but {results.get("img_path")} is '
            f'{size[1]} x {size[0]}: they are no pair, correct one of the files or leave the image out (skip_list)'
        )


def refuse_changed_ids(results: dict, path: str) -> None:
    """Refuse raw ids that ``LoadAnnotations`` has changed before this transform could map them.

    Raises:
        ValueError: If ``label_map`` or ``reduce_zero_label`` is set.
    """
    for key in ('label_map', 'reduce_zero_label'):
        if results.get(key):
            raise ValueError(
                f'{path}: MMSegmentation applies {key}={results[key]} to the raw ids before MapLabelIds sees them; '
                'leave it out of the dataset and say the same in the table of MapLabelIds'
            )


def first_raw_ids(table: Mapping[int, int]) -> dict[int, int]:
    """From train ids back to raw ids, 0 to 255; of several raw ids of a class the first in the table."""
    inverse: dict[int, int] = {}
    for raw, train in table.items():
        inverse.setdefault(int(train), int(raw) % 256)
    return inverse
