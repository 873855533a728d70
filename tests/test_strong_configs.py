import itertools
import json
from fractions import Fraction
from functools import reduce
from operator import getitem
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.dataset import Compose
from test_schedules import rates

from mmseg_custom.config import load_run_config
from mmseg_custom.datasets.samplers.seeded_sampler import SampleKey, seed_sample
from mmseg_custom.ledger.fingerprint import differences
from mmseg_custom.plan.plan import Plan

ROOT = Path(__file__).resolve().parent.parent
STRONG, STUDIED = ROOT / 'configs/strong', ROOT / 'studies/switches'
RECIPES = ('camvid', 'cityscapes')
ITERS = 20  # of an epoch over all images


def strong(name):
    return load_run_config(STRONG / f'{name}.py')


def switched(name):
    return load_run_config(STUDIED / f'{name}.py')


def stages(recipe):
    plan = Plan(STRONG / recipe).stages
    assert [stage.number for stage in plan] == [1, 2, 3]
    return [load_run_config(stage.runs[0].config, fold=stage.runs[0].fold) for stage in plan]


def share(cfg):
    """Of the images that a run trains on."""
    data = cfg.train_dataloader.dataset
    return Fraction(data.folds.num_folds - 1, data.folds.num_folds) if data.fold else 1


def all_rates(cfg):
    epochs = rates(cfg, [1.0] * cfg.train_cfg.max_epochs, iters=int(ITERS * share(cfg)))
    return [rate for epoch in epochs for rate in epoch]


@pytest.mark.parametrize(('recipe', 'length', 'last'), [('camvid', 165, 0.31), ('cityscapes', 200, 0.0)])
def test_a_worker_follows_one_curve_as_long_as_the_one_run(recipe, length, last):
    single = strong(f'{recipe}_single')
    *_, poly = np.atleast_1d(single.param_scheduler)
    poly['end'] = length
    long = all_rates(single)
    parts = [all_rates(cfg) for cfg in stages(recipe)]
    joined = list(itertools.chain(*parts))
    assert len(joined) == len(long) and len(parts) == 3
    # MMSegmentation's poly ends at its last iteration, whatever the length: a curve that starts anew is at most one
    # iteration ahead of or behind the long one.
    around = zip(joined, [long[0], *long], [*long[1:], 0.0], strict=False)
    warm_up = ITERS
    for rate, before, after in list(around)[warm_up:]:
        assert after <= rate <= before
    assert joined[:warm_up] == pytest.approx(long[:warm_up])
    assert joined[-1] == pytest.approx(long[-1], rel=1e-3, abs=0)
    assert long[-1] / long[warm_up] == pytest.approx(last, rel=0.01, abs=0)


def test_sgd_poly_is_the_product_of_warm_up_and_poly():
    steps = all_rates(strong('cityscapes_single'))
    last = len(steps) - 1
    warm_up = np.linspace(0.01, 1, ITERS)
    for i, rate in enumerate(steps):
        assert rate == pytest.approx(0.01 * (warm_up[i] if i < ITERS else 1.0) * (1 - i / last) ** 0.9, abs=1e-12)


@pytest.mark.parametrize('recipe', RECIPES)
def test_one_run_and_the_stages_differ_in_nothing_but_the_plan(recipe):
    single = strong(f'{recipe}_single')
    for cfg in stages(recipe):
        for key in ('model', 'test_dataloader', 'randomness', 'custom_hooks'):
            assert cfg.get(key) == single.get(key), key
        assert cfg.train_dataloader.dataset.pipeline == single.train_dataloader.dataset.pipeline
        assert cfg.train_dataloader.batch_size == single.train_dataloader.batch_size
        assert {**cfg.optim_wrapper.optimizer, 'lr': 0} == {**single.optim_wrapper.optimizer, 'lr': 0}
    assert sum(share(cfg) * cfg.train_cfg.max_epochs for cfg in stages(recipe)) == single.train_cfg.max_epochs


@pytest.mark.parametrize('recipe', RECIPES)
def test_each_stage_starts_from_the_one_before(recipe):
    folder = f'work_dirs/strong_{recipe}/stage'
    for number, cfg in enumerate(stages(recipe), start=1):
        assert cfg.default_hooks.fold_average.stage_dir == f'{folder}{number}'
        assert cfg.load_from == (f'{folder}{number - 1}/winner.pth' if number > 1 else None)
        assert ('candidates' in cfg.default_hooks.fold_average) == (number > 1)


def two_classes(folder, size):
    """An image of two colours, red above and blue below, and its label."""
    width, height = size
    image = np.zeros((height, width, 3), np.uint8)
    image[: height // 2, :, 2], image[height // 2 :, :, 0] = 255, 255
    label = np.zeros((height, width), np.uint8)
    label[height // 2 :] = 1
    cv2.imwrite(str(folder / 'image.png'), image)
    cv2.imwrite(str(folder / 'label.png'), label)
    return {'img_path': f'{folder}/image.png', 'seg_map_path': f'{folder}/label.png', 'seg_fields': []}


def test_scale_crop_moves_image_and_label_alike(tmp_path):
    cfg = switched('scale_crop')
    steps = [step for step in cfg.train_pipeline if step.type not in ('PhotoMetricDistortion', 'PackSegInputs')]
    pipeline, sample, padded = Compose(steps), two_classes(tmp_path, (480, 360)), []
    for index in range(20):
        seed_sample(SampleKey(0, 0, index))
        found = pipeline({**sample, 'reduce_zero_label': False, 'seg_fields': []})
        image, label = found['img'], found['gt_seg_map']
        assert image.shape == (240, 320, 3) and label.shape == (240, 320)
        ignored = label == 255
        assert (image[ignored] == (104, 116, 124)).all()
        for colour, id_ in (((0, 0, 255), 0), ((255, 0, 0), 1)):
            of_colour = label[(image == colour).all(-1)]
            # OpenCV's nearest pixel is up to half a pixel off: one row of 120 where the colours meet.
            assert (of_colour != id_).sum() <= 320
        assert (image[~ignored][:, 1] == 0).all()
        padded.append(ignored.mean())
    assert 0 < np.count_nonzero(padded) < 20 and max(padded) < 0.76


@pytest.mark.parametrize('config', [STUDIED / 'scale_crop.py', STRONG / 'cityscapes_single.py'])
def test_scales_are_those_of_the_files(config):
    cfg = load_run_config(config)
    steps = {step.type: step for step in cfg.train_pipeline}
    working = next(step.scale for step in cfg.load if step.type == 'Resize')
    assert 'Resize' not in steps
    assert steps['RandomResize'].scale == steps['Pad'].size == working == steps['RandomCrop'].crop_size[::-1]
    assert cfg.train_pipeline[: len(cfg.read_image + cfg.read_label)] == cfg.read_image + cfg.read_label


# What each switch changes of configs/strong/base.py, and nothing else.
SWITCHES = {
    'scale_crop': {'train_dataloader.dataset.pipeline'},
    'sgd': {'optim_wrapper'},
    'batch_8': {'train_dataloader.batch_size'},
    'warm_up': {'param_scheduler'},
    'ohem': {'model.decode_head.loss_decode', 'model.decode_head.sampler'},
    'aux_head': {'model.auxiliary_head'},
    'deep_stem': {'model.backbone.deep_stem'},
    'class_balanced': {'train_dataloader.sampler'},
    'ema': {'custom_hooks'},
    'lovasz': {'model.decode_head.loss_decode'},
    'dice': {'model.decode_head.loss_decode.alpha'},
    'pretrained': {'model.backbone.init_cfg'},
    'original_size': {'val_dataloader.dataset.pipeline', 'test_dataloader.dataset.pipeline'},
}


def changes(cfg):
    base = strong('base')
    keys = ('model', 'train_dataloader', 'val_dataloader', 'test_dataloader', 'optim_wrapper', 'param_scheduler')
    keys += ('custom_hooks', 'train_cfg', 'randomness', 'load_from')
    parts = ({key: json.loads(json.dumps(one.get(key))) for key in keys} for one in (base, cfg))
    return {change.split(':')[0] for change in differences(*parts)}


@pytest.mark.parametrize('switch', SWITCHES)
def test_a_switch_changes_one_thing(switch):
    found, expected = changes(switched(switch)), SWITCHES[switch]
    assert found and all(any(f'{change}.'.startswith(f'{key}.') for key in expected) for change in found)
    assert {next(key for key in expected if f'{change}.'.startswith(f'{key}.')) for change in found} == expected
    assert switched(switch).default_hooks.fold_average.stage_dir == f'work_dirs/switches/{switch}'


def test_every_switch_is_there():
    assert {path.stem for path in STUDIED.glob('*.py')} == set(SWITCHES)


def test_strong_has_the_switches_that_were_worth_most():
    worth = ('dice', 'class_balanced', 'deep_stem')
    found = set().union(*(changes(switched(switch)) for switch in worth))
    assert changes(strong('camvid_single')) == found | {'train_cfg.max_epochs'}
    for switch in worth:
        alone, all_of_them = switched(switch), strong('camvid_single')
        for change in changes(alone):
            ours, theirs = (reduce(getitem, change.split('.'), cfg) for cfg in (all_of_them, alone))
            assert ours == theirs


def test_the_encoder_of_a_pretrained_start_learns_at_half_of_the_rate_from_all_sizes():
    cfg = Config.fromfile(STRONG / 'pretrained/pretrained_camvid_single.py')
    assert cfg.optim_wrapper.paramwise_cfg.custom_keys == {'backbone': {'lr_mult': 0.5}}
    (scales,) = [step for step in cfg.train_dataloader.dataset.pipeline if step['type'] == 'RandomResize']
    assert (scales.ratio_range, scales.scale) == ((0.75, 1.5), (320, 240))
    assert cfg.model.backbone.type == 'EfficientNetLite' and cfg.model.decode_head.in_channels == (24, 320)
