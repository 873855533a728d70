import itertools
import re
from ast import literal_eval
from functools import cache
from pathlib import Path

import pytest
from mmengine.config import Config, ConfigDict
from mmseg.registry import DATASETS, HOOKS, METRICS, MODELS, TRANSFORMS

from mmseg_custom.plan.plan import Plan
from mmseg_custom.plan_file import read_config, stage_config, stage_numbers

CONFIGS = Path(__file__).resolve().parent.parent / 'configs'
# What tests/test_fold_option.py says of the published files of folds is not said here.
FILES = [*CONFIGS.rglob('*.py'), *(CONFIGS.parent / 'studies/switches').glob('*.py')]
FILES_OF_RUNS = [path for path in FILES if '_base_' not in path.parts and not re.search(r'_fold\d', path.stem)]
PLANS = {path: stage_numbers(Config.fromfile(path)) for path in FILES_OF_RUNS if path.parent == CONFIGS}
PLANS = {path: numbers for path, numbers in PLANS.items() if numbers}
OF_PLANS = [stage_config(path, number) for path, numbers in PLANS.items() for number in numbers]
LEAVES = sorted([*(path for path in FILES_OF_RUNS if path not in PLANS), *OF_PLANS])
STOCK_LEAVES = [path for path in LEAVES if path.parent.name == 'stock']
STAGE_RUNNER_LEAVES = [path for path in LEAVES if path not in STOCK_LEAVES]
BASELINES = {'deeplabv3': 'ASPPHead', 'no_folds': 'DeepLabV3PlusHead', 'unet': 'FCNHead'}

# epochs, batch, lr, weight decay, patience, loss, scheduler, alpha, transforms of the level, stage by stage
RECIPE = {
    1: (10, 4, 1e-3, 1e-4, 10, 'LabelSmoothCrossEntropyLoss', 'ReduceOnPlateauLR', None, 'none'),
    2: (20, 8, 2e-4, 5e-4, 8, 'CEDiceLoss', 'CosineAnnealingLR', 0.6, 'none'),
    3: (20, 8, 1e-4, 5e-4, 6, 'CEDiceLoss', 'CosineRestartLR', 0.6, 'none'),
    4: (20, 4, 5e-5, 1e-3, 6, 'CEDiceLoss', 'ReduceOnPlateauLR', 0.6, 'standard'),
    5: (20, 8, 5e-5, 1e-3, 5, 'CEDiceLoss', 'CosineAnnealingLR', 0.5, 'advanced'),
    **dict.fromkeys(range(6, 11), (20, 8, 3e-5, 1e-3, 5, 'CEDiceLoss', 'CosineAnnealingLR', 0.5, 'advanced')),
}


@cache
def num_classes(model):
    """Build a model from its config as text, once for all stages that share it."""
    return MODELS.build(ConfigDict(literal_eval(model))).num_classes


def test_the_recipes_are_there():
    names = {path.relative_to(CONFIGS).as_posix() for path in LEAVES if path.is_relative_to(CONFIGS)}
    for recipe, last in (('', 10), ('streets_', 5), ('camvid_', 5), ('camvid_blocks_', 5)):
        assert {f'{recipe}stage{stage}.py' for stage in range(1, last + 1)} <= names
    assert {f'baselines/{name}.py' for name in BASELINES} <= names
    parts = ('backbone', 'head', 'loss')
    assert {f'stock/deeplabv3plus_r18_our_{part}.py' for part in parts} <= names


def test_the_plan_ends_at_epoch_190():
    stages = Plan(CONFIGS).stages
    assert [stage.number for stage in stages] == list(RECIPE)
    assert [len(stage.runs) for stage in stages] == [1] + [5] * 9
    epochs = [Config.fromfile(stage.runs[0].config).train_cfg.max_epochs for stage in stages]
    assert list(itertools.accumulate(epochs)) == [10, 30, 50, 70, 90, 110, 130, 150, 170, 190]


@pytest.mark.parametrize('path', STAGE_RUNNER_LEAVES, ids=lambda path: path.stem)
def test_every_config_builds(path):
    cfg = read_config(path)
    assert num_classes(repr(cfg.model.to_dict())) == len(cfg.metainfo.classes)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        for transform in loader.dataset.pipeline:
            TRANSFORMS.build(transform)
        assert DATASETS.get(loader.dataset.type) is not None
    for name, hook in cfg.default_hooks.items():
        assert HOOKS.get(hook.type) is not None, name
    assert cfg.runner_type == 'StageRunner'
    assert cfg.default_hooks.fold_average.stage_dir is not None
    assert cfg.train_dataloader.dataset.fold == cfg.val_dataloader.dataset.fold
    assert cfg.test_dataloader.dataset.fold is None


@pytest.mark.parametrize('path', STOCK_LEAVES, ids=lambda path: path.stem)
def test_every_config_of_mmsegmentation_builds(path):
    cfg = Config.fromfile(path)
    dataset = DATASETS.get(cfg.train_dataloader.dataset.type)
    assert num_classes(repr(cfg.model.to_dict())) == len(dataset.METAINFO['classes'])
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        for transform in loader.dataset.pipeline:
            assert type(TRANSFORMS.build(transform)).__module__.startswith(('mmcv', 'mmseg.'))
    for hook in cfg.default_hooks.values():
        assert HOOKS.get(hook.type).__module__.startswith(('mmengine', 'mmseg.'))
    assert METRICS.get(cfg.test_evaluator.type).__name__ == 'IoUMetric'
    assert 'runner_type' not in cfg
    assert cfg.custom_imports.imports == ['mmseg_custom']


@pytest.mark.parametrize('path', FILES_OF_RUNS, ids=lambda path: path.stem)
def test_leaves_are_short(path):
    assert len(path.read_text().splitlines()) <= 15 * len(PLANS.get(path, 'x'))


def test_there_are_at_most_75_files():
    assert 0 < len(list(CONFIGS.rglob('*.py'))) <= 75


@pytest.mark.parametrize('stage', RECIPE)
def test_numbers_are_those_of_the_recipe(stage):
    cfg = Config.fromfile(CONFIGS / f'stage{stage}.py')
    epochs, batch, lr, weight_decay, patience, loss, scheduler, alpha, level = RECIPE[stage]
    assert cfg.train_cfg.max_epochs == epochs
    assert cfg.train_dataloader.batch_size == batch
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr, optimizer.weight_decay) == ('Adam', lr, weight_decay)
    assert cfg.optim_wrapper.clip_grad.max_norm == 1.0
    assert cfg.default_hooks.history.patience == patience
    assert cfg.model.decode_head.loss_decode.type == loss
    assert cfg.model.decode_head.loss_decode.get('alpha') == alpha
    assert cfg.param_scheduler.type == scheduler
    pipeline = list(cfg.train_dataloader.dataset.pipeline)
    assert pipeline == [*cfg.load, *cfg[level], *cfg.pack]
    assert cfg.val_dataloader.dataset.pipeline == [*cfg.load, *cfg.pack]
    assert cfg.load[-2].scale == (1024, 512)
    assert cfg.load_from == (f'work_dirs/cityscapes/stage{stage - 1}/winner.pth' if stage > 1 else None)
    assert cfg.default_hooks.fold_average.stage_dir == f'work_dirs/cityscapes/stage{stage}'


@pytest.mark.parametrize(('name', 'head'), BASELINES.items())
def test_baselines_train_on_all_of_train_for_the_epochs_of_the_plan(name, head):
    cfg = Config.fromfile(CONFIGS / 'baselines' / f'{name}.py')
    assert cfg.model.decode_head.type == head
    assert cfg.train_cfg.max_epochs == cfg.param_scheduler.T_max == sum(numbers[0] for numbers in RECIPE.values())
    assert cfg.default_hooks.history.patience is None
    assert cfg.load_from is None
    assert (cfg.train_dataloader.dataset.fold, cfg.val_dataloader.dataset.fold) == (None, None)
    assert cfg.train_dataloader.dataset.pipeline == [*cfg.load, *cfg.pack]
    assert cfg.default_hooks.fold_average.stage_dir == f'work_dirs/baselines/{name}'


def test_no_leaf_hides_logic():
    for path in FILES_OF_RUNS:
        for word in ('import ', 'for ', 'def ', 'lambda'):
            assert word not in Path(path).read_text(), path
