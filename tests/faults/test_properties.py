"""What holds for every input, tried on generated ones; the same ones in every run."""

import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mmseg.registry import MODELS

from mmseg_custom.averaging import average_state_dicts
from mmseg_custom.datasets.folds.fold_file import split_folds
from mmseg_custom.datasets.transforms import MapLabelIds
from mmseg_custom.evaluation.submission_writer import invert_table
from mmseg_custom.io.checkpoints.checkpoint_file import save_checkpoint_file
from mmseg_custom.ledger.stage_ledger import StageLedger

# Without the written cases of earlier runs: every run tries the same.
# Nor are there limits of time: beside other processes making an example takes as long as it takes.
few = settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
seeds = st.integers(0, 2**32 - 1)
weights = st.lists(st.floats(-1e6, 1e6, width=32), min_size=3, max_size=3)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@few
@given(count=st.integers(4, 60), num_folds=st.integers(2, 8), seed=seeds, group_by=st.sampled_from([None, 'city']))
def test_folds_are_a_balanced_partition_whatever_the_order(count, num_folds, seed, group_by):
    cities = min(9, count // 2)
    names = [f'city{number % cities}/{number:03}' for number in range(count)]
    groups = {name.partition('/')[0] for name in names} if group_by else names
    num_folds = min(num_folds, len(groups))
    folds = split_folds(names, num_folds, seed, group_by)
    assert sorted(name for fold in folds for name in fold) == sorted(names)
    assert folds == split_folds(names[::-1], num_folds, seed, group_by)
    sizes = [len(fold) for fold in folds]
    assert min(sizes) > 0
    largest = -(-count // cities) if group_by else 1
    assert max(sizes) - min(sizes) <= largest


@few
@given(values=weights, copies=st.integers(1, 7), counter=st.integers(0, 2**62))
def test_average_of_equals_is_the_same(values, copies, counter):
    state = {'w': torch.tensor(values), 'n': torch.tensor(counter)}
    average = average_state_dicts([state] * copies)
    assert torch.equal(average['w'], state['w'])
    assert average['n'] == counter


@few
@given(st.lists(weights, min_size=1, max_size=6))
def test_average_lies_between_and_is_the_exact_mean_of_the_folds(folds):
    average = average_state_dicts([{'w': torch.tensor(values)} for values in folds])['w']
    members = torch.tensor(folds)
    assert (average >= members.amin(0)).all()
    assert (average <= members.amax(0)).all()
    exact = [math.fsum(column) / len(folds) for column in zip(*members.tolist(), strict=True)]
    assert torch.allclose(average.double(), torch.tensor(exact, dtype=torch.float64), rtol=2**-23, atol=1e-6)
    turned = average_state_dicts([{'w': torch.tensor(values)} for values in folds[::-1]])['w']
    assert torch.allclose(average, turned, rtol=2**-22, atol=1e-6)


@pytest.mark.parametrize('loss', ['CEDiceLoss', 'SoftDiceLoss', 'LabelSmoothCrossEntropyLoss'])
@few
@given(seed=seeds, classes=st.integers(2, 5))
def test_loss_ignores_pixels_and_knows_no_class_order(loss, seed, classes):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(1, classes, 4, 5, generator=generator, requires_grad=True)
    target = torch.randint(0, classes, (1, 4, 5), generator=generator)
    ignored = torch.rand(1, 4, 5, generator=generator) < 0.3
    target[ignored] = 255
    criterion = MODELS.build({'type': loss})
    value = criterion(logits, target, ignore_index=255)
    value.backward()
    assert (logits.grad.movedim(1, -1)[ignored] == 0).all()
    order = torch.randperm(classes, generator=generator)
    renamed = torch.where(ignored, 255, order.argsort()[target.clamp(max=classes - 1)])
    torch.testing.assert_close(criterion(logits[:, order], renamed, ignore_index=255), value, rtol=1e-5, atol=1e-6)


@few
@given(raw_ids=st.lists(st.integers(-1, 254), min_size=3, max_size=12, unique=True), seed=seeds)
def test_ids_mapped_back_and_forth_are_the_same_classes(raw_ids, seed):
    table = {raw: train if train < 5 else 255 for train, raw in enumerate(raw_ids)}
    classes = min(5, len(raw_ids))
    stored = np.array(raw_ids, np.int64) % 256
    label = np.random.RandomState(seed % 2**32).choice(stored, (6, 7)).astype(np.uint8)
    to_train = MapLabelIds(table, classes, ids='raw')
    train = to_train.transform({'gt_seg_map': label.copy(), 'seg_map_path': 'a.png'})['gt_seg_map']
    known = train != 255
    raw = invert_table(table)[train]
    assert np.array_equal(raw[known], label[known])
    back = to_train.transform({'gt_seg_map': raw * known + label * ~known, 'seg_map_path': 'a.png'})['gt_seg_map']
    assert np.array_equal(back, train)


@few
@given(st.dictionaries(st.text().filter(lambda key: key not in ('version', 'checksum')), plain, max_size=4))
def test_ledger_gives_back_what_was_entered(entry):
    with tempfile.TemporaryDirectory() as folder:
        ledger = StageLedger(folder)
        save_checkpoint_file({'w': torch.zeros(1)}, Path(folder) / 'best.pth')
        ledger.record('fold1', entry, Path(folder) / 'best.pth')
        read = ledger.entry('fold1')
    read.pop('version')
    assert read == entry
