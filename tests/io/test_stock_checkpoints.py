"""Checkpoints of MMEngine's own runner, with all that it keeps beside the weights, of every version since 0.7."""

import argparse
import collections
import pathlib
import threading

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer
from mmengine.optim.scheduler import MultiStepLR, OneCycleLR

from mmseg_custom.io.checkpoints.checkpoint_file import (
    CheckpointError,
    check_resume_point,
    load_checkpoint_file,
    load_weights,
)
from mmseg_custom.io.checkpoints.stand_ins import stand_ins

WEIGHTS = {'decode_head.weight': torch.arange(3.0)}


def stock_checkpoint():
    """What `CheckpointHook` writes: NumPy's scores and logs, schedulers with functions, a palette as array."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    schedulers = [MultiStepLR(optimizer, milestones=[2, 2]), OneCycleLR(optimizer, eta_max=0.1, total_steps=5)]
    hub = {
        'log_scalars': collections.OrderedDict({'train/loss': HistoryBuffer([0.5, 0.25], [1, 1])}),
        'runtime_info': collections.OrderedDict(best_score=np.float64(61.5), iter=np.int64(6), done=np.bool_(True)),
        'resumed_keys': collections.OrderedDict({'train/loss': True, 'best_score': True}),
    }
    meta = {
        'epoch': 0,
        'iter': 6,
        'mmengine_version': '0.7.0',
        'dataset_meta': {
            'classes': ('a', 'b'),
            'palette': np.array([[0, 1], [2, 3]], dtype=np.uint8, order='F'),
            'empty': np.array([]),
            'names': np.array(['é']),
            'more': ConfigDict(a=ConfigDict(b=1)),
            'big': np.array([258], dtype='>u2'),
        },
    }
    states = [scheduler.state_dict() for scheduler in schedulers]
    return {
        'meta': meta,
        'state_dict': WEIGHTS,
        'message_hub': hub,
        'optimizer': optimizer.state_dict(),
        'param_schedulers': states,
    }


def write(content, path, numpy_1=False):
    """Save as PyTorch does, with the module names of NumPy 1 or 2."""
    torch.save(content, path)
    if numpy_1:
        from payloads import replace_records

        old = {'data.pkl': lambda header: header.replace(b'numpy._core.', b'numpy.core.')}
        replace_records(path, old)


@pytest.fixture(autouse=True)
def record_editor(monkeypatch):
    monkeypatch.syspath_prepend(str(pathlib.Path(__file__).parents[1] / 'faults'))


@pytest.mark.parametrize('numpy_1', [False, True], ids=['NumPy 2', 'NumPy 1'])
def test_all_but_the_log_is_there_in_built_in_types(tmp_path, numpy_1):
    path = tmp_path / 'iter_6.pth'
    write(stock_checkpoint(), path, numpy_1)
    assert (b'numpy.core.' in path.read_bytes()) == numpy_1
    check_resume_point(path)
    loaded = load_checkpoint_file(path)
    assert loaded['message_hub'] == {
        'log_scalars': {},
        'runtime_info': {'best_score': 61.5, 'iter': 6, 'done': True},
        'resumed_keys': {'train/loss': True, 'best_score': True},
    }
    assert loaded['meta']['dataset_meta'] == {
        'classes': ('a', 'b'),
        'palette': [[0, 1], [2, 3]],
        'empty': [],
        'names': ['é'],
        'more': {'a': {'b': 1}},
        'big': [258],
    }
    assert type(loaded['message_hub']['runtime_info']['best_score']) is float
    milestones, cycle = loaded['param_schedulers']
    assert milestones['milestones'] == {2: 2}
    assert 'anneal_func' not in cycle and cycle['total_steps'] == 5
    assert torch.equal(load_weights(path)['decode_head.weight'], torch.arange(3.0))


def test_what_other_trainers_put_beside_the_weights_drops_out(tmp_path):
    folders = collections.defaultdict(list, out=[pathlib.PosixPath('/tmp/runs')])
    torch.save({'state_dict': WEIGHTS, 'args': argparse.Namespace(lr=0.1), 'folders': folders}, tmp_path / 'a.pth')
    loaded = load_checkpoint_file(tmp_path / 'a.pth')
    assert loaded.keys() == {'state_dict', 'meta', 'folders'} and loaded['folders'] == {'out': [None]}


def test_nothing_of_the_class_that_a_file_names_runs(tmp_path, monkeypatch):
    """Although a script has allowed PyTorch to: that list holds for the whole process."""
    torch.save(stock_checkpoint(), tmp_path / 'a.pth')
    monkeypatch.setattr(HistoryBuffer, '__setstate__', lambda *_: pytest.fail('a method of the class was run'))
    with torch.serialization.safe_globals([HistoryBuffer, np.dtype, getattr]):
        before = set(torch.serialization.get_safe_globals())
        load_weights(tmp_path / 'a.pth')
        assert set(torch.serialization.get_safe_globals()) == before >= {HistoryBuffer, np.dtype, getattr}


def test_the_stand_ins_are_there_for_the_load_alone(tmp_path):
    torch.save(stock_checkpoint(), tmp_path / 'a.pth')
    before = set(torch.serialization.get_safe_globals())
    loads = [threading.Thread(target=load_weights, args=(tmp_path / 'a.pth',)) for _ in range(8)]
    for load in loads:
        load.start()
    for load in loads:
        load.join()
    with pytest.raises(RuntimeError, match='stop'), stand_ins():
        raise RuntimeError('stop')
    assert set(torch.serialization.get_safe_globals()) == before


def test_a_long_log_is_no_reason_to_refuse(tmp_path):
    """160,000 steps of twelve scalars are 38 MB in the header, which had to be below 8."""
    content = stock_checkpoint()
    values = np.random.default_rng(0).random(160_000)
    for number in range(4):
        content['message_hub']['log_scalars'][f'train/{number}'] = HistoryBuffer(values, np.ones(160_000))
    torch.save(content, tmp_path / 'a.pth')
    assert (tmp_path / 'a.pth').stat().st_size > 8 * 2**20
    assert load_weights(tmp_path / 'a.pth').keys() == WEIGHTS.keys()


@pytest.mark.parametrize('name', ['numpy.random', 'mmengine.config.config'])
def test_other_names_of_the_same_packages_are_refused(tmp_path, name):
    value = {'numpy.random': np.random.default_rng(0), 'mmengine.config.config': ConfigDict}[name]
    torch.save({'state_dict': WEIGHTS, 'meta': {'x': value}}, tmp_path / 'a.pth')
    with pytest.raises(CheckpointError, match=r'neither a tensor nor plain data|without|not plain|operation'):
        load_checkpoint_file(tmp_path / 'a.pth')
