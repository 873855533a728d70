"""What is learned from: data sets, folds, label ids, augmentations."""

from mmseg_custom.datasets import transforms
from mmseg_custom.datasets.class_balanced_sampler import ClassBalancedSampler, ClassBalanceError
from mmseg_custom.datasets.data_check_hook import DataCheckHook
from mmseg_custom.datasets.folds import FoldError, FoldSplit, read_split, split_folds, write_split
from mmseg_custom.datasets.kfold_dataset import KFoldDataset
from mmseg_custom.datasets.sampler import SampleKey, SeededSampler
from mmseg_custom.datasets.seeded_dataset import SeededDataset
from mmseg_custom.datasets.sharded_sampler import ShardedSampler
from mmseg_custom.datasets.skipped_samples_hook import SkippedSamplesHook

__all__ = [
    'ClassBalanceError',
    'ClassBalancedSampler',
    'DataCheckHook',
    'FoldError',
    'FoldSplit',
    'KFoldDataset',
    'SampleKey',
    'SeededDataset',
    'SeededSampler',
    'ShardedSampler',
    'SkippedSamplesHook',
    'read_split',
    'split_folds',
    'transforms',
    'write_split',
]
