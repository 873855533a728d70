"""Any data set, its samples functions of their keys."""

from typing import Any

from mmseg.registry import DATA_SAMPLERS, DATASETS

from mmseg_custom.datasets.dataset_view import DatasetView
from mmseg_custom.datasets.folds.kfold_dataset import KFoldDataset
from mmseg_custom.datasets.samplers.seeded_infinite_sampler import SeededInfiniteSampler
from mmseg_custom.datasets.samplers.seeded_sampler import SampleKey, SeededSampler, seed_sample


@DATASETS.register_module()
class SeededDataset(DatasetView):
    """Seeds all generators by the key of a sample before the data set loads it.

    It stands around the outermost of wrapped data sets: what ``RepeatDataset`` shows twice is augmented in two ways.
    ``StageRunner`` puts it there where the sampler gives keys. Whatever else is asked of it, the data set answers.

    Args:
        dataset: A data set, or its config.
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset

    def __getitem__(self, key: int | SampleKey) -> Any:
        """The sample at an index, its randomness that of its key when it comes with one."""
        if isinstance(key, SampleKey):
            seed_sample(key)
        return self.dataset[int(key)]


def with_seeds(loader: Any) -> Any:
    """The config of a data loader, its data set seeded if its sampler gives keys that the data set does not heed.

    Args:
        loader: As MMEngine's ``Runner`` takes it; what is no config is returned as it is.
    """
    if not isinstance(loader, dict) or not all(isinstance(loader.get(key), dict) for key in ('dataset', 'sampler')):
        return loader
    sampler, dataset = _class_of(loader['sampler'], DATA_SAMPLERS), _class_of(loader['dataset'], DATASETS)
    if not issubclass(sampler, SeededSampler | SeededInfiniteSampler) or issubclass(
        dataset, KFoldDataset | SeededDataset
    ):
        return loader
    return {**loader, 'dataset': {'type': 'mmseg.SeededDataset', 'dataset': loader['dataset']}}


def _class_of(cfg: dict, registry: Any) -> type:
    """The class that a config names; ``object`` for none, or for a function that makes one."""
    kind = cfg.get('type')
    kind = registry.get(kind) if isinstance(kind, str) else kind
    return kind if isinstance(kind, type) else object
