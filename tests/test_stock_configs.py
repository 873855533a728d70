from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.runner import Runner

CONFIGS = Path(__file__).resolve().parent.parent / 'configs'
PARTS = {'our_backbone': 'DilatedResNet', 'our_head': 'DeepLabV3PlusHead', 'our_loss': 'CEDiceLoss'}
SMALL = [dict(type='LoadImageFromFile'), dict(type='Resize', scale=(64, 32))]


@pytest.fixture(scope='module')
def train_ids(scenes, tmp_path_factory):
    """The street scenes with the label files that MMSegmentation's Cityscapes data set reads."""
    root = tmp_path_factory.mktemp('host') / 'cityscapes'
    table = np.full(256, 255, np.uint8)
    for raw, train in Config.fromfile(CONFIGS / '_base_/datasets/cityscapes.py').label_ids.items():
        table[raw] = train
    for file in (scenes / 'gtFine').rglob('*_labelIds.png'):
        path = root / file.relative_to(scenes).with_name(file.name.replace('_labelIds', '_labelTrainIds'))
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), cv2.LUT(cv2.imread(str(file), cv2.IMREAD_UNCHANGED), table))
    (root / 'leftImg8bit').symlink_to(scenes / 'leftImg8bit')
    return root


def shrink(cfg, data_root, work_dir):
    """Two iterations and one validation of 32 x 64 pixels, without a download; all else stays as it is."""
    cfg.work_dir, cfg.visualizer.name = str(work_dir), cfg.filename
    cfg.model.pretrained = None
    cfg.model.data_preprocessor.size = (32, 64)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.update(num_workers=0, persistent_workers=False)
        loader.dataset.data_root = str(data_root)
        loader.dataset.pipeline = [*SMALL, dict(type='LoadAnnotations'), dict(type='PackSegInputs')]
    steps = list(cfg.train_pipeline)
    steps[2].scale, steps[3].crop_size = (64, 32), (32, 64)
    cfg.train_dataloader.dataset.pipeline = steps
    cfg.train_cfg.update(max_iters=2, val_interval=2)
    cfg.default_hooks.checkpoint.save_last = False


@pytest.mark.parametrize('part', PARTS)
def test_stock_runner_trains_a_stock_config_with_our_part(part, train_ids, tmp_path):
    cfg = Config.fromfile(CONFIGS / 'stock' / f'deeplabv3plus_r18_{part}.py')
    shrink(cfg, train_ids, tmp_path)
    runner = Runner.from_cfg(cfg)
    model = runner.train()
    found = [type(part).__name__ for part in (model.backbone, model.decode_head, model.decode_head.loss_decode)]
    assert [name for name in found if name in PARTS.values()] == [PARTS[part]]
    scalars = runner.message_hub.log_scalars
    losses = scalars['train/loss'].data[0]
    assert len(losses) == 2 and np.isfinite(losses).all()
    assert 0 <= scalars['val/mIoU'].current() <= 100
