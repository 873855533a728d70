"""A fix list put over data sets that are built: the label files are read as ever, and stay as they are."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmseg_custom.datasets.fix_list import FixList, FixListError, Region
from mmseg_custom.datasets.folds.leaves import Sample
from mmseg_custom.datasets.label_counts import LOADERS
from mmseg_custom.datasets.packed.packed_store import split_steps


class VoidRegions(BaseTransform):
    """Give the pixels of listed regions the label that is ignored.

    Required Keys:

    - img_path
    - gt_seg_map

    Modified Keys:

    - gt_seg_map

    Args:
        regions: Of each image, by the path of its file.
        ignore_index: The label that is ignored.
    """

    def __init__(self, regions: Mapping[str, Sequence[Region]], ignore_index: int) -> None:
        self.regions, self.ignore_index = regions, ignore_index

    def transform(self, results: dict) -> dict:
        """Void the regions of an image."""
        regions = self.regions.get(results['img_path'])
        if regions:
            results['gt_seg_map'] = void_regions(results['gt_seg_map'], regions, self.ignore_index)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(images={len(self.regions)}, ignore_index={self.ignore_index})'


def void_regions(label: np.ndarray, regions: Sequence[Region], ignore_index: int = 255) -> np.ndarray:
    """A copy of a label (H, W) whose pixels in some regions are ignored."""
    fixed = label.copy()
    for region in regions:
        fixed[region.mask(label.shape[:2])] = ignore_index
    return fixed


def lay_over(leaves: Sequence[Any], samples: Sequence[Sample], fixes: FixList) -> None:
    """Let built data sets void the regions of a fix list, each directly behind where it loads its labels.

    Args:
        leaves: As :func:`~mmseg_custom.datasets.folds.leaves.build_leaves` gives them.
        samples: Of these.
        fixes: The fix list.

    Raises:
        FixListError: If a pipeline does not show where labels are loaded.
    """
    by_name = fixes.regions()
    for number, leaf in enumerate(leaves):
        own = [one for one in samples if one.leaf == number and one.name in by_name]
        regions = {one.info['img_path']: by_name[one.name] for one in own}
        if regions:
            _insert(leaf, VoidRegions(regions, getattr(leaf, 'ignore_index', 255)))


def _insert(leaf: Any, step: VoidRegions) -> None:
    steps = leaf.pipeline.transforms
    loading = [at for at, one in enumerate(steps) if type(one).__name__.endswith(LOADERS)]
    if not loading:
        raise FixListError(
            f'The pipeline of {type(leaf).__name__} has no LoadAnnotations, behind which a fix list voids regions: '
            'add it, or leave fix_list out.'
        )
    fixed = len(split_steps(leaf.pipeline)[0])  # What comes before can be packed, and is the same every time.
    steps.insert(max(fixed, loading[0] + 1), step)
    if getattr(leaf, 'store', None):
        leaf.store.later_steps.transforms.insert(0, step)
