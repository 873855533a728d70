from pathlib import Path

import pytest
from mmengine.config import Config
from mmseg.registry import DATASETS, HOOKS, MODELS, TRANSFORMS

CONFIGS = Path(__file__).resolve().parent.parent / 'configs'
LEAVES = sorted(path for path in CONFIGS.rglob('*.py') if '_base_' not in path.parts)

# epochs, batch, lr, weight decay, patience, loss, scheduler, alpha, transforms of the level (RECIPE, stages 1 to 5)
RECIPE = {
    1: (10, 4, 1e-3, 1e-4, 10, 'LabelSmoothCrossEntropyLoss', 'ReduceOnPlateauLR', None, 'none'),
    2: (20, 8, 2e-4, 5e-4, 8, 'CEDiceLoss', 'CosineAnnealingLR', 0.6, 'none'),
    3: (20, 8, 1e-4, 5e-4, 6, 'CEDiceLoss', 'CosineRestartLR', 0.6, 'none'),
    4: (20, 4, 5e-5, 1e-3, 6, 'CEDiceLoss', 'ReduceOnPlateauLR', 0.6, 'standard'),
    5: (20, 8, 5e-5, 1e-3, 5, 'CEDiceLoss', 'CosineAnnealingLR', 0.5, 'advanced'),
}


def test_the_recipes_are_there():
    names = {path.relative_to(CONFIGS).as_posix() for path in LEAVES}
    for recipe in ('', 'streets/streets_'):
        assert f'{recipe}stage1.py' in names
        folds = {f'{recipe}stage{stage}_fold{fold}.py' for stage in (2, 3, 4, 5) for fold in (1, 2, 3, 4, 5)}
        assert folds <= names


@pytest.mark.parametrize('path', LEAVES, ids=lambda path: path.stem)
def test_every_config_builds(path):
    cfg = Config.fromfile(path)
    model = MODELS.build(cfg.model)
    assert model.num_classes == len(cfg.metainfo.classes)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        for transform in loader.dataset.pipeline:
            TRANSFORMS.build(transform)
        assert DATASETS.get(loader.dataset.type) is not None
    for name, hook in cfg.default_hooks.items():
        assert HOOKS.get(hook.type) is not None, name
    assert cfg.train_dataloader.dataset.fold == cfg.val_dataloader.dataset.fold
    assert cfg.test_dataloader.dataset.fold is None


@pytest.mark.parametrize('path', LEAVES, ids=lambda path: path.stem)
def test_leaves_are_short(path):
    assert len(path.read_text().splitlines()) <= 15


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


def test_no_leaf_hides_logic():
    for path in LEAVES:
        for word in ('import ', 'for ', 'def ', 'lambda'):
            assert word not in Path(path).read_text(), path
