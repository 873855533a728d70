"""The train and the official val split of a config, and that they are not the same images."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.config import Config

from mmseg_custom.datasets.folder_dataset import WITHOUT_VAL
from mmseg_custom.datasets.folds.grouping import FoldError
from mmseg_custom.datasets.folds.kfold_dataset import KFoldDataset, whole_split
from mmseg_custom.datasets.sample_files import few

# Where the files of a data set are: what MMSegmentation's own configs say once for each loader.
PLACES = ('data_root', 'data_prefix', 'ann_file', 'img_suffix', 'seg_map_suffix', 'splits')


def official_splits(cfg: Config) -> dict[str, KFoldDataset]:
    """The whole train split and, if a loader of the config asks for it, the official val split; no transforms.

    Args:
        cfg: A config whose data sets are :class:`KFoldDataset`. Where nothing in the training data set depends on
            ``{split}``, the val split is where the one of ``val_dataloader`` is.

    Raises:
        FileNotFoundError: If there is no such folder or list.
        FoldError: If all images of val are images of train.
    """
    settings = cfg.train_dataloader.dataset
    if not (settings.get('data_prefix') or {}).get('seg_map_path'):
        raise FoldError("The training data has no labels: give it data_prefix=dict(seg_map_path='FOLDER').")
    splits = {'train': whole_split(settings, 'train')}
    if not needs_val(cfg):
        return splits
    place = settings if _depends_on_split(settings) else (cfg.get('val_dataloader') or cfg.test_dataloader).dataset
    splits['val'] = whole_split({**settings, **{key: place[key] for key in PLACES if key in place}}, 'val')
    check_distinct(*splits.values())
    return splits


def needs_val(cfg: Config) -> bool:
    """Whether a loader of the config takes the official val split; a fold or a holdout does without."""
    loaders = (cfg.get(name) or {} for name in ('val_dataloader', 'test_dataloader'))
    found = [loader['dataset'] for loader in loaders if loader]
    return any(dataset.get('part', 'train') == 'val' and dataset.get('fold') is None for dataset in found)


def check_distinct(train: KFoldDataset, val: KFoldDataset) -> list[str]:
    """Compare the files of the train and the val split.

    Returns:
        The image files that are in both.

    Raises:
        FoldError: If these are all of val: what is trained on would be scored.
    """
    shared = shared_images(train, val)
    if shared and len(shared) == len(val):
        raise FoldError(
            f'All {len(val)} images of val are images of train, too ({few(shared)}): what is trained on would be '
            'scored. Give each split a folder or a list of its own, by {split} in data_prefix or ann_file '
            "(ann_file='{split}.txt' is train.txt and val.txt; splits=dict(train='NAME', val='NAME') for other "
            'names); '
            f'or {WITHOUT_VAL}.'
        )
    return shared


def shared_images(train: Any, val: Any) -> list[str]:
    """The image files that two data sets share, sorted."""
    return sorted(_images(train) & _images(val))


def describe_shared(shared: Sequence[str]) -> list[str]:
    """A warning about the image files of both splits, none if there are none."""
    return [f'{len(shared)} images are in train and in val, whose score is too good: {few(shared)}'] if shared else []


def _images(dataset: Any) -> set[str]:
    return {dataset.get_data_info(index)['img_path'] for index in range(len(dataset))}


def _depends_on_split(settings: Mapping[str, Any]) -> bool:
    places = (settings.get('ann_file'), *(settings.get('data_prefix') or {}).values())
    return any('{split}' in place for place in places if place)
