"""The folds of a config's training data, whatever data set that is: made, kept, checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config

from mmseg_custom.config import ConfigError
from mmseg_custom.datasets.checks.leaks import Leak, copied_images, find_leaks, leaks_between_folds
from mmseg_custom.datasets.folds.any_folds import Folds, read_folds
from mmseg_custom.datasets.folds.fold_balance import describe_balance, fold_pixels
from mmseg_custom.datasets.folds.fold_file import FoldSplit, read_split, write_split
from mmseg_custom.datasets.folds.grouping import FoldError
from mmseg_custom.datasets.folds.leaves import Sample, Settings, build_leaves, leaf_settings, list_samples
from mmseg_custom.datasets.folds.make_folds import make_folds
from mmseg_custom.datasets.label_counts import OTHERS, count_labels

SCORED = ('val_dataloader', 'test_dataloader')


@dataclass(frozen=True)
class PreparedFolds:
    """The folds of a config's training data.

    Attributes:
        split: The folds.
        leaves: The data sets of the training data, built, with their own pipelines.
        samples: Of these.
        lines: What there is to say about the classes in them; none where labels were not counted.
        of_fold: Pixels of each class in each fold, of shape (K, C); ``None`` where labels were not counted.
        classes: Names of the C classes.
    """

    split: FoldSplit
    leaves: list[Any]
    samples: list[Sample]
    lines: list[str]
    of_fold: np.ndarray | None = None
    classes: Sequence[str] = ()


def prepare_folds(dataset: Settings, folds: Folds, stratify: bool = False, workers: int = 1) -> PreparedFolds:
    """Read the fold file of a training data set, or make it.

    Where no groups are asked for, images whose files are equal go into one fold.

    Args:
        dataset: Settings of ``train_dataloader.dataset``.
        folds: How they are made; its ``file`` is read if it is there, and written if not.
        stratify: Whether new folds are made alike by the pixels of each class. The counts are kept beside the file.
            Defaults to ``False``.
        workers: Processes that count them. Defaults to 1.

    Raises:
        FoldError: If they cannot be made, or the file does not fit.
        LabelError: If a label cannot be read.
    """
    if folds.file is None:
        raise FoldError('prepare_folds needs a file to keep the folds in.')
    leaves = build_leaves(dataset)
    samples, file = list_samples(leaves), Path(folds.file)
    pixels = None
    if stratify:
        pixels = count_labels(leaves, samples, file.with_suffix('.pixels.npz'), workers)[:, len(OTHERS) :]
    if file.is_file():
        split = folds.split(samples)
    else:
        said = {key: getattr(folds, key) for key in ('num_folds', 'seed', 'group_by', 'block_size', 'holdout')}
        said = {key: value for key, value in said.items() if value is not None}
        write_split(make_folds(samples, **said, pixels=pixels, copies=copied_images(samples)), file)
        split = read_folds(file, samples)
    if stratify and not split.stratified:
        raise FoldError(f'Fold file {file} was made without stratification: leave it out, or move the file away.')
    classes = leaves[0].metainfo.get('classes')
    if pixels is None or not classes:
        return PreparedFolds(split, leaves, samples, [])
    of_fold = fold_pixels(split, samples, pixels)
    return PreparedFolds(split, leaves, samples, describe_balance(of_fold, classes), of_fold, classes)


def keep_split(split: FoldSplit, file: Path, given: str) -> None:
    """Keep folds that another file has in the folder of their run, or see that it has the same.

    Args:
        split: The folds.
        file: Of the run.
        given: What messages call the other file.

    Raises:
        FoldError: If the run has others.
    """
    if not file.is_file():
        write_split(split, file)
    elif read_split(file) != split:
        raise FoldError(
            f'{given} has other folds, or is of other images, than {file}, which the run has: restore them, or give '
            'the run another --work-dir.'
        )


def leaks_of(cfg: Config, prepared: PreparedFolds) -> list[Leak]:
    """Images or groups that are trained on and scored: by the official val and test data, and by another fold.

    Args:
        cfg: The config before folds were put into it.
        prepared: The folds of its training data.
    """
    others = {name.removesuffix('_dataloader'): cfg[name].dataset for name in SCORED if cfg.get(name)}
    if others.get('test') == others.get('val'):
        others.pop('test', None)
    listed = {name: list_samples(build_leaves(dataset)) for name, dataset in others.items()}
    split = prepared.split
    return [*find_leaks(prepared.samples, listed, split.group_by), *leaks_between_folds(prepared.samples, split)]


def held_out_pipeline(cfg: Config) -> list:
    """The transforms of held-out images: those that the config's val images go through.

    They are those of ``val_dataloader``, else the config's ``val_pipeline`` or ``test_pipeline``, else those of
    ``test_dataloader``.

    Args:
        cfg: The config before folds were put into it.

    Raises:
        ConfigError: If there are none, or they load no labels.
    """
    named = [cfg[name] for name in ('val_pipeline', 'test_pipeline') if cfg.get(name)]
    val, test = (_pipelines_of(cfg.get(name)) for name in SCORED)
    pipeline = next(iter([*val, *named, *test]), None)
    if pipeline is None:
        raise ConfigError(
            f'{cfg.filename} does not say how images are loaded in validation: give it a val_dataloader, or '
            "test_pipeline=[dict(type='LoadImageFromFile'), ..., dict(type='LoadAnnotations'), "
            "dict(type='PackSegInputs')]."
        )
    pipeline = Config({'pipeline': pipeline}).to_dict()['pipeline']
    if not any('LoadAnnotations' in str(step.get('type')) for step in pipeline):
        raise ConfigError(
            f'{cfg.filename}: the pipeline for held-out images loads no labels, so they cannot be scored: add '
            "dict(type='LoadAnnotations') behind the resizing in test_pipeline."
        )
    return pipeline


def _pipelines_of(loader: Settings | None) -> list[list]:
    leaves = leaf_settings(loader['dataset']) if loader else []
    return [leaf['pipeline'] for leaf in leaves if leaf.get('pipeline')]
