"""What training is to leave out of labels that are wrong: whole images, or regions; the labels stay as they are.

A fix list is a JSON file that ``mmseg-kfold label-errors --verdicts`` writes and an editor can change::

    {"version": 1, "leave_out": ["a/0001"],
     "void": [{"image": "a/0002", "size": [360, 480], "counts": [172000, 12, ...], "key": "..."}]}

``counts`` is COCO's run-length code without compression: by columns, the number of pixels outside, inside, outside,
and so on.
https://github.com/cocodataset/cocoapi/blob/master/PythonAPI/pycocotools/mask.py
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np

from mmseg_custom.datasets.sample_files import few
from mmseg_custom.errors import UserError
from mmseg_custom.io.files import PathLike, read_json, write_json

VERSION = 1


class FixListError(UserError, ValueError):
    """A fix list that is none, or does not fit the data; the message says why."""


@dataclass(frozen=True)
class Region:
    """Pixels of an image that training takes for void.

    Attributes:
        image: Name of the image.
        size: Height and width of the label.
        counts: The run-length code.
        key: What names the component that it was.
    """

    image: str
    size: Sequence[int]
    counts: Sequence[int]
    key: str = ''

    @classmethod
    def of(cls, image: str, mask: np.ndarray, key: str = '') -> 'Region':
        """The region of a mask, bool (H, W)."""
        flat = np.concatenate([[False], mask.ravel(order='F'), [not mask.ravel(order='F')[-1]]])
        ends = np.flatnonzero(flat[1:] != flat[:-1])
        return cls(image, list(mask.shape), np.diff(ends, prepend=0).tolist(), key)

    def mask(self, size: tuple[int, int]) -> np.ndarray:
        """Its pixels in a label of some size, bool (H, W), by the nearest pixel where that is another one."""
        inside = np.arange(len(self.counts)) % 2 == 1
        mask = np.repeat(inside, self.counts).reshape(tuple(self.size), order='F')
        if mask.shape == tuple(size):
            return mask
        return cv2.resize(mask.astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST) > 0


@dataclass(frozen=True)
class FixList:
    """Images and regions that are not trained on.

    Attributes:
        leave_out: Names of images.
        void: Regions of others.
    """

    leave_out: list[str] = field(default_factory=list)
    void: list[Region] = field(default_factory=list)

    def regions(self) -> dict[str, list[Region]]:
        """The regions of each image that has some, by its name."""
        found: dict[str, list[Region]] = {}
        for region in self.void:
            found.setdefault(region.image, []).append(region)
        return found

    def check_names(self, known: Iterable[str], file: PathLike) -> None:
        """See that all of its images are there.

        Raises:
            FixListError: If one is not.
        """
        unknown = sorted({*self.leave_out, *(region.image for region in self.void)} - set(known))
        if unknown:
            raise FixListError(
                f'{file}: {len(unknown)} of its images are not among the training data ({few(unknown)}): take the '
                'list of these data, or remove their entries.'
            )


def write_fix_list(fixes: FixList, path: PathLike) -> None:
    """Write a fix list atomically."""
    write_json({'version': VERSION, **asdict(fixes)}, path)


def read_fix_list(path: PathLike) -> FixList:
    """Read a fix list.

    Raises:
        FixListError: If there is none, or the file holds something else.
        JsonError: If it is no JSON.
    """
    if not Path(path).is_file():
        raise FixListError(
            f'fix_list {path} does not exist (seen from {Path.cwd()}): `mmseg-kfold label-errors FOLDER --verdicts '
            'FILE` writes it.'
        )
    content = read_json(path)
    if isinstance(content, dict) and 'verdicts' in content:
        raise FixListError(
            f'{path} holds verdicts, which name components but not their pixels: `mmseg-kfold label-errors FOLDER '
            f'--verdicts {path}` makes a fix list of them.'
        )
    try:
        fixes = FixList([*content['leave_out']], [Region(**entry) for entry in content['void']])
        _check(fixes, content['version'])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FixListError(f'{path} is no fix list ({type(error).__name__}: {error}): make it anew.') from error
    return fixes


def _check(fixes: FixList, version: object) -> None:
    if version != VERSION:
        raise ValueError(f'version {version!r}, not {VERSION}')
    if not all(isinstance(name, str) for name in (*fixes.leave_out, *(one.image for one in fixes.void))):
        raise TypeError('an image is named by a text')
    for one in fixes.void:
        numbers = [*one.size, *one.counts]
        if not all(isinstance(value, int) and value >= 0 for value in numbers) or len(one.size) != 2:
            raise ValueError(f'size and counts of {one.image} are no whole numbers')
        if sum(one.counts) != one.size[0] * one.size[1]:
            raise ValueError(f'the counts of {one.image} are not as many pixels as its size has')
