"""The data sets at the bottom of MMSegmentation's wrappers: built as they are, listed, cut by index."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from mmengine.dataset import Compose
from mmseg.registry import DATASETS

from mmseg_custom.datasets.folds.grouping import FoldError
from mmseg_custom.datasets.folds.image_names import name_images
from mmseg_custom.errors import BUILDING, UserError, first_way_out

Settings = Mapping[str, Any]
NO_IMAGES = 'need at least one array to concatenate'


@dataclass(frozen=True)
class Sample:
    """One sample of a data set below the wrappers.

    Attributes:
        leaf: Number of the data set, from 0 in the order of the config.
        index: In that data set as its config builds it.
        name: Of its image file: samples of one file have one name, those of two files have two.
        info: What the data set says of it (``img_path``, ``seg_map_path``, ``label_map``, ...).
    """

    leaf: int
    index: int
    name: str
    info: dict[str, Any]


def leaf_settings(dataset: Settings) -> list[Settings]:
    """The settings of the data sets below the wrappers of a config, in its order."""
    leaves: list[Settings] = []

    def collect(leaf: Settings) -> Settings:
        leaves.append(leaf)
        return leaf

    replace_leaves(dataset, collect)
    return leaves


def first_leaf(dataset: Settings) -> Settings:
    """The settings of the first data set below the wrappers of a config, below those of a fold, too."""
    while 'dataset' in dataset or 'datasets' in dataset:
        dataset = dataset.get('dataset') or dataset['datasets'][0]
    return dataset


def replace_leaves(dataset: Settings, replace: Callable[[Settings], Settings]) -> Settings:
    """The settings of a data set, those below its wrappers replaced one after another.

    Args:
        dataset: Of any data set; a wrapper holds others as ``dataset`` or ``datasets``.
        replace: What to put in the place of each that is no wrapper.

    Raises:
        FoldError: If it is a fold already.
    """
    inner, several = dataset.get('dataset'), dataset.get('datasets')
    if 'folds' in dataset and 'dataset' in dataset:
        raise FoldError('The training data set is one fold already (FoldDataset): give the config of the whole.')
    if isinstance(inner, Mapping):
        return {**dataset, 'dataset': replace_leaves(inner, replace)}
    if isinstance(several, list | tuple) and several and all(isinstance(one, Mapping) for one in several):
        return {**dataset, 'datasets': [replace_leaves(one, replace) for one in several]}
    return replace(dataset)


def build_leaves(dataset: Settings, pipeline: Sequence | None = None) -> list[Any]:
    """Build the data sets below the wrappers of a config, as training would build them.

    Args:
        dataset: Settings of any data set.
        pipeline: Transforms in the place of their own; by default they keep those. Nothing else is changed: with
            ``test_mode`` a class may list other images.

    Raises:
        FoldError: If one cannot be built, or cannot be cut by index.
    """
    if pipeline is None:
        return [_build(settings) for settings in leaf_settings(dataset)]
    changed = [{**one, 'pipeline': pipeline} if 'pipeline' in one else one for one in leaf_settings(dataset)]
    leaves = [_build(settings) for settings in changed]
    for leaf, settings in zip(leaves, changed, strict=True):
        if 'pipeline' not in settings:  # A class may have one of its own and take none.
            leaf.pipeline = Compose(pipeline)
    return leaves


def build_around(dataset: Settings, leaves: Sequence[Any]) -> Any:
    """Build the wrappers of a config around data sets that are built already."""
    remaining = iter(leaves)
    return DATASETS.build(dict(replace_leaves(dataset, lambda _: {'type': partial(_given, next(remaining))})))


def concatenate(leaves: Sequence[Any], ignore_keys: Sequence[str] = ()) -> Any:
    """One data set of several, which a single one is already.

    Args:
        leaves: Built data sets; those without samples are left out.
        ignore_keys: What of their metainfo may differ, as MMEngine's ``ConcatDataset`` takes it.
    """
    filled = [leaf for leaf in leaves if len(leaf)] or list(leaves[:1])
    if len(filled) == 1:
        return filled[0]
    given = [{'type': partial(_given, leaf)} for leaf in filled]
    return DATASETS.build({'type': 'ConcatDataset', 'datasets': given, 'ignore_keys': list(ignore_keys)})


def ignored_keys(dataset: Settings) -> list[str]:
    """The ``ignore_keys`` of all ``ConcatDataset`` of a config."""
    own = dataset.get('ignore_keys') or []
    inner = [one for one in (dataset.get('dataset'), *(dataset.get('datasets') or [])) if isinstance(one, Mapping)]
    return sorted({*([own] if isinstance(own, str) else own), *(key for one in inner for key in ignored_keys(one))})


def list_samples(leaves: Sequence[Any]) -> list[Sample]:
    """The samples of built data sets, one data set after another, each with the name of its image.

    Raises:
        FoldError: If a data set does not say where an image is.
    """
    infos = [[leaf.get_data_info(index) for index in range(len(leaf))] for leaf in leaves]
    for leaf, of_leaf in zip(leaves, infos, strict=True):
        if any(not isinstance(info.get('img_path'), str) for info in of_leaf):
            raise FoldError(
                f'{type(leaf).__name__} has samples without img_path: folds are made of image files, so that its '
                'load_data_list has to give the path of each.'
            )
    names = name_images(leaves, [[info['img_path'] for info in of_leaf] for of_leaf in infos])
    return [
        Sample(number, index, name, info)
        for number, of_leaf in enumerate(zip(names, infos, strict=True))
        for index, (name, info) in enumerate(zip(*of_leaf, strict=True))
    ]


def first_of_each(samples: Sequence[Sample]) -> list[Sample]:
    """One sample of each image, the first, in their order."""
    found: dict[str, Sample] = {}
    for sample in samples:
        found.setdefault(sample.name, sample)
    return list(found.values())


def cut(leaf: Any, indices: Sequence[int]) -> None:
    """Leave a built data set the samples at some indices, in their order.

    Raises:
        FoldError: If its ``get_subset_`` does not do so.
    """
    if list(indices) != list(range(len(leaf))):
        leaf.get_subset_([int(index) for index in indices])
    if len(leaf) != len(indices):
        raise FoldError(
            f'{type(leaf).__name__}.get_subset_ left {len(leaf)} samples of {len(indices)} asked for: the class '
            "has to keep its samples in data_list, as MMEngine's BaseDataset does."
        )


def _build(settings: Settings) -> Any:
    kind = settings.get('type')
    name = getattr(kind, '__name__', kind)
    try:
        leaf = DATASETS.build(dict(settings))
        leaf.full_init()
        if not len(leaf):
            raise ValueError(NO_IMAGES)
    except UserError:
        raise
    except Exception as error:  # It may be the user's own class.
        place = f'data_root={settings.get("data_root")!r}, data_prefix={settings.get("data_prefix")!r}'
        reason = 'there is no image' if NO_IMAGES in str(error) else f'{type(error).__name__}: {error}'.rstrip('.')
        way = first_way_out(error, BUILDING) or f'Check {place}, ann_file and img_suffix.'
        raise FoldError(f'The data set {name} cannot be built ({reason}). {way}') from error
    if not callable(getattr(leaf, 'get_subset_', None)) or not callable(getattr(leaf, 'get_data_info', None)):
        raise FoldError(
            f'{name} cannot be cut into folds: it has no get_subset_ and get_data_info, as the subclasses of '
            "MMEngine's BaseDataset have, and its settings hold no data set as dataset=dict(...)."
        )
    return leaf


def _given(leaf: Any) -> Any:
    return leaf
