"""What is said of a trial that fails."""

import pytest

from mmseg_custom.preflight.trial_error import TrialError, explained

MODEL = dict(
    type='EncoderDecoder',
    pretrained=None,
    backbone=dict(type='MixVisionTransformer', init_cfg=dict(type='Pretrained', checkpoint='https://x/mit.pth')),
    decode_head=[dict(type='FCNHead', init_cfg=dict(type='Normal')), dict(type='FCNHead', pretrained='a.pth')],
)


@pytest.mark.parametrize(
    ('error', 'way'),
    [
        (
            FileNotFoundError('a.pth can not be found'),
            r'--cfg-options model\.backbone\.init_cfg=None model\.decode_head\.1\.pretrained=None\)',
        ),
        (RuntimeError('Please install mmcv-full for point_sample ops'), 'operations that mmcv brings compiled'),
        (ModuleNotFoundError("No module named 'mmcv._ext'"), 'operations that mmcv brings compiled'),
        (ModuleNotFoundError("No module named 'timm'"), 'Install the package that is missing'),
        (
            RuntimeError('The size of tensor a (7) must match the size of b (6) at non-singleton dimension 3'),
            'of 32 or 64',
        ),
        (
            RuntimeError('The size of tensor a (3) must match the size of b (9) at non-singleton dimension 1'),
            'If tools',
        ),
        (RuntimeError('Given input size: (576x7x7). Output size is too small'), 'multiple of 32 or 64'),
    ],
)
def test_a_failure_names_the_way_out(error, way):
    with (
        pytest.raises(TrialError, match=f'^Training cannot start: {type(error).__name__}: .*{way}'),
        explained('Training cannot start', MODEL),
    ):
        raise error
