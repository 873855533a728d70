"""What of a config cannot go together is told before anything is built."""

import pytest
from mmengine.config import Config

from mmseg_custom.config import ConfigError
from mmseg_custom.cross_validation.config_checks import check_config
from mmseg_custom.cross_validation.user_config import read_user_config

GOOD = {
    'model': {'type': 'mmseg.EncoderDecoder'},
    'train_dataloader': {'num_workers': 2, 'persistent_workers': True, 'sampler': {'type': 'InfiniteSampler'}},
    'train_cfg': {'type': 'IterBasedTrainLoop', 'max_iters': 5},
    'optim_wrapper': {'type': 'OptimWrapper'},
}


def test_a_stock_config_passes():
    check_config(Config(GOOD))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'optim_wrapper': None}, 'has no optim_wrapper: it cannot be trained'),
        ({'runner_type': 'OwnRunner'}, "runner_type='OwnRunner' has no folds"),
        ({'model': {'type': 'DepthEstimator'}}, r"model\.type='DepthEstimator' gives depths .* tools/train\.py"),
        (
            {'train_cfg': {'type': 'mmengine.EpochBasedTrainLoop'}},
            'no end with .*type=DefaultSampler',
        ),
        ({'train_cfg': {'by_epoch': True, 'max_epochs': 2}}, 'no end with an InfiniteSampler'),
        (
            {'val_dataloader': {'num_workers': 0, 'persistent_workers': True}},
            'val_dataloader: persistent_workers',
        ),
        ({'train_dataloader': {'prefetch_factor': 4}}, r'prefetch_factor=4 .*train_dataloader\.prefetch_factor=None'),
    ],
)
def test_what_cannot_work_is_named(change, message):
    with pytest.raises(ConfigError, match=message):
        check_config(Config({**GOOD, **change}))


@pytest.mark.parametrize(
    ('text', 'options', 'message'),
    [
        ('x = 1 / 0', {}, r'own\.py cannot be read: ZeroDivisionError: division by zero\.'),
        (
            'from mmseg.models import Nope\nmodel = dict(type=Nope)',
            {},
            r'own\.py cannot be read: ImportError: Failed to import Nope from mmseg\.models',
        ),
        ('_base_ = "gone.py"', {}, r'own\.py cannot be read: .*gone\.py'),
        ("custom_imports = dict(imports=['mmdet.models'])", {}, r'needs mmdet \(for mmdet\.models\), which is not'),
        ("x = [dict(a=dict(type='mmpretrain.ConvNeXt'))]", {}, r'needs mmpretrain \(for mmpretrain\.ConvNeXt\)'),
        (
            "custom_imports = dict(imports=['no_such_module_here'])",
            {},
            'no_such_module_here.* cannot be imported',
        ),
        ("custom_imports = dict(imports='faulty')", {}, r'ZeroDivisionError: division by zero.*looked for where you'),
        ('x = [1, 2]', {'x.7.y': 3}, r'--cfg-options x\.7\.y=3 does not fit the config: KeyError'),
    ],
)
def test_a_config_that_cannot_be_read_is_told_in_one_line(tmp_path, monkeypatch, text, options, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / 'own.py').write_text(text)
    (tmp_path / 'faulty.py').write_text('1 / 0')
    with pytest.raises(ConfigError, match=message) as caught:
        read_user_config('own.py', options)
    assert '\n' not in str(caught.value)
