import collections
import pickle

import numpy as np
import pytest
import torch

from mmseg_custom.io.checkpoints.checkpoint_file import (
    CheckpointError,
    hash_weights,
    load_checkpoint_file,
    load_weights,
    plain_data,
    save_checkpoint_file,
)


class Payload:
    def __reduce__(self):
        return (pytest.fail, ('a payload was executed',))


def test_nothing_in_a_file_is_executed(tmp_path):
    torch.save({'state_dict': {'w': torch.ones(1)}, 'meta': Payload()}, tmp_path / 'bad.pth')
    with pytest.raises(CheckpointError, match=r'bad\.pth is damaged or holds more'):
        load_checkpoint_file(tmp_path / 'bad.pth')


def test_damage_and_absence_are_named(tmp_path):
    path = tmp_path / 'cut.pth'
    save_checkpoint_file({'w': torch.ones(1000)}, path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(CheckpointError, match=r'cut\.pth is damaged'):
        load_checkpoint_file(path)
    path.write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(CheckpointError):
        load_checkpoint_file(path)
    with pytest.raises(FileNotFoundError, match=r'none\.pth'):
        load_checkpoint_file(tmp_path / 'none.pth')


def test_config_text_is_dropped_and_other_meta_kept(tmp_path):
    save_checkpoint_file({'meta': {'config': 'import os', 'epoch': 3}, 'state_dict': {}}, tmp_path / 'a.pth')
    assert load_checkpoint_file(tmp_path / 'a.pth')['meta'] == {'epoch': 3}


def test_weights_of_plain_and_wrapped_files(tmp_path):
    weights = {'w': torch.arange(3.0)}
    for name, content in (('plain', weights), ('wrapped', {'state_dict': weights, 'meta': {}})):
        save_checkpoint_file(content, tmp_path / name)
        assert torch.equal(load_weights(tmp_path / name)['w'], weights['w'])
    save_checkpoint_file({'epoch': 3}, tmp_path / 'none')
    with pytest.raises(CheckpointError, match='no state dict'):
        load_weights(tmp_path / 'none')


def test_checksum_is_of_names_types_shapes_and_values():
    weights = {'a': torch.tensor([1.0, 2.0]), 'b': torch.tensor(3)}
    same = {'b': torch.tensor(3), 'a': torch.tensor([1.0, 2.0])}
    assert hash_weights(weights) == hash_weights(same)
    others = [
        {'a': torch.tensor([[1.0, 2.0]]), 'b': torch.tensor(3)},
        {'a': torch.tensor([1.0, 2.0 + 1e-6]), 'b': torch.tensor(3)},
        {'a': torch.tensor([1.0, 2.0]), 'c': torch.tensor(3)},
        {'a': torch.tensor([1.0, 2.0]), 'b': torch.tensor(3, dtype=torch.int32)},
    ]
    assert hash_weights(weights) not in {hash_weights(other) for other in others}


def test_plain_data_loads_safely(tmp_path):
    value = plain_data(
        {
            'eta': np.float64(1.5),
            'classes': ('a', 'b'),
            'buffer': collections.deque(),
            3: [np.int64(2)],
            'none': None,
        }
    )
    assert value == {'eta': 1.5, 'classes': ('a', 'b'), 'buffer': None, 3: [2], 'none': None}
    save_checkpoint_file(value, tmp_path / 'a.pth')
    assert load_checkpoint_file(tmp_path / 'a.pth') == value


def test_mapped_tensors_are_those_of_the_file(tmp_path):
    weights = {'w': torch.arange(5000.0), 'n': torch.tensor(3)}
    save_checkpoint_file({'state_dict': weights}, tmp_path / 'a.pth')
    assert hash_weights(load_weights(tmp_path / 'a.pth', mmap=True)) == hash_weights(weights)


def test_the_first_tensor_that_is_not_finite_is_named(tmp_path):
    large = torch.full((2,), 1.7e308, dtype=torch.float64)
    save_checkpoint_file({'a': large, 'b': torch.tensor([1.0, float('inf')]), 'c': large / 0}, tmp_path / 'a.pth')
    with pytest.raises(CheckpointError, match=r'a\.pth is of a diverged training: b has NaN'):
        load_weights(tmp_path / 'a.pth')
    save_checkpoint_file({'a': large}, tmp_path / 'b.pth')
    assert load_weights(tmp_path / 'b.pth').keys() == {'a'}


def test_tied_parameters_and_stock_metadata_load(tmp_path):
    layer = torch.nn.BatchNorm2d(2)
    state = layer.state_dict()
    torch.save({'state_dict': state, 'tied': [state['weight'], layer.weight]}, tmp_path / 'a.pth')
    assert hash_weights(load_weights(tmp_path / 'a.pth')) == hash_weights(state)
