"""What is learned from: data sets, folds, samplers, label ids, augmentations."""

from mmseg_custom.datasets import transforms
from mmseg_custom.datasets.folds.fold_dataset import FoldDataset
from mmseg_custom.datasets.folds.fold_file import FoldSplit, read_split, write_split
from mmseg_custom.datasets.folds.grouping import FoldError
from mmseg_custom.datasets.folds.kfold_dataset import KFoldDataset
from mmseg_custom.datasets.folds.splitting import split_folds
from mmseg_custom.datasets.samplers.class_balanced_sampler import ClassBalancedSampler, ClassBalanceError
from mmseg_custom.datasets.samplers.seeded_infinite_sampler import SeededInfiniteSampler
from mmseg_custom.datasets.samplers.seeded_sampler import SampleKey, SeededSampler
from mmseg_custom.datasets.seeded_dataset import SeededDataset

__all__ = [
    'ClassBalanceError',
    'ClassBalancedSampler',
    'FoldDataset',
    'FoldError',
    'FoldSplit',
    'KFoldDataset',
    'SampleKey',
    'SeededDataset',
    'SeededInfiniteSampler',
    'SeededSampler',
    'read_split',
    'split_folds',
    'transforms',
    'write_split',
]
