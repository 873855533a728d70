"""Whose names the weights of a file have: what trainers wrap a model in comes off, and nothing is guessed."""

import pytest
import torch

from mmseg_custom.io.checkpoints.checkpoint_file import CheckpointError, weights_of

NAMES = ('backbone.conv.weight', 'decode_head.bias')
MMENGINE = {'mmengine_version': '0.10.7'}


def weights(prefix='', value=1.0, **others):
    return {f'{prefix}{name}': torch.full((2,), value) for name in NAMES} | others


COUNT = torch.tensor(3)
FILES = {
    'plain': weights(),
    'DistributedDataParallel': {'state_dict': weights('module.')},
    'torch.compile': {'model': weights('_orig_mod.')},
    'compiled in DistributedDataParallel': {'net': weights('module._orig_mod.')},
    'a compiled part': weights() | {'backbone._orig_mod.conv.weight': weights().pop(NAMES[0])},
    'Lightning': {'state_dict': weights('model.'), 'pytorch-lightning_version': '2.4.0', 'epoch': 3},
    'AveragedModel': weights('module.', n_averaged=COUNT),
    'average of MMEngine': {'ema_state_dict': weights('module.', steps=COUNT)},
    'average of timm': {'state_dict_ema': weights('module.'), 'epoch': 3, 'metric': 0.5},
    'nested': {'ema': {'module': weights('model.module.')}},
    'published': {'model_state_dict': weights('module.')},
    'beside its config': {'model': {'type': 'EncoderDecoder'}, 'state_dict': weights(), 'best': torch.tensor(0.5)},
    'EMAHook': {'state_dict': weights(), 'ema_state_dict': weights('module.', 9.0, steps=COUNT), 'meta': MMENGINE},
}
FILES['a compiled part'].pop(NAMES[0])


@pytest.mark.parametrize('names', [None, NAMES], ids=['without a model', 'for a model'])
@pytest.mark.parametrize('content', FILES.values(), ids=FILES)
def test_prefixes_and_entries_come_off(content, names):
    found = weights_of(content, 'a.pth', names)
    assert {name: value.tolist() for name, value in found.items()} == {name: [1.0, 1.0] for name in NAMES}


def test_for_a_model_any_prefix_goes_that_holds_all_of_it():
    lightning = weights('segmentor.', **{'criterion.weight': torch.ones(3)})
    assert weights_of(lightning, 'a.pth', NAMES).keys() == set(NAMES)
    assert weights_of(lightning, 'a.pth').keys() == lightning.keys()  # Nobody knows what the model is.


def test_a_model_whose_own_names_look_like_a_wrapper_keeps_them():
    own = weights('model.')
    assert weights_of(own, 'a.pth', own.keys()).keys() == own.keys()
    written_by_us = {'state_dict': own, 'meta': MMENGINE}
    assert weights_of(written_by_us, 'a.pth').keys() == own.keys()


AMBIGUOUS = [
    ({'state_dict': weights(), 'state_dict_ema': weights()}, r"one entry: \['state_dict', 'state_dict_ema'\]"),
    ({'model': weights(), 'net': weights()}, r"more than one entry: \['model', 'net'\]"),
    (weights('model.') | weights('ema_model.'), r"under the prefixes \['ema_model\.', 'model\.'\]"),
    (weights('_orig_mod.') | weights(), 'are the same without'),
]


@pytest.mark.parametrize('names', [None, NAMES], ids=['without a model', 'for a model'])
@pytest.mark.parametrize(('content', 'message'), AMBIGUOUS)
def test_what_is_ambiguous_is_named(content, message, names):
    with pytest.raises(CheckpointError, match=rf'a\.pth has .*{message}'):
        weights_of(content, 'a.pth', names)


def test_teacher_and_student_are_ambiguous_for_their_model():
    with pytest.raises(CheckpointError, match=r"\['student\.', 'teacher\.'\]"):
        weights_of(weights('teacher.') | weights('student.'), 'a.pth', NAMES)


def test_a_part_of_a_model_is_found_behind_wrappers_alone():
    """Of a whole segmentor a backbone takes nothing that it was not told to."""
    found = weights_of(weights('module.'), 'a.pth', ['conv.weight'], whole=False)
    assert found.keys() == set(NAMES)
    assert weights_of(weights('module.'), 'a.pth', [NAMES[0], 'backbone.new'], whole=False).keys() == set(NAMES)
