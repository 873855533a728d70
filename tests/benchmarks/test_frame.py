import sys

import pytest
import torch

from benchmarks.frame import Case, Contender, Trial, assert_close, time_in_turns
from benchmarks.options import Options
from benchmarks.peers.client import Peers
from benchmarks.rows.loss import build as build_loss
from benchmarks.run import all_cases, measure
from benchmarks.table import Result, duration, growth_table, main_table

ONE_THREAD = Options(threads=1)


def contender(name, role, turns, seconds):
    def work():
        turns.append(name)
        return seconds

    return Contender(name, role, work)


def case_of(trial, **kwargs):
    return Case('row', 'the work', lambda: trial, **kwargs)


def test_every_contender_comes_first_in_turn():
    turns = []
    trial = Trial(
        [contender('a', 'floor', turns, 1), contender('b', 'ours', turns, 2)], lambda: turns.append('check')
    )
    timings = time_in_turns(trial, rounds=2)
    assert turns == ['a', 'b', 'check', 'a', 'b', 'b', 'a']
    assert [timing.seconds for timing in timings] == [[1, 1], [2, 2]]


def test_nothing_is_timed_when_a_result_is_wrong():
    def check():
        raise AssertionError('off by one')

    turns = []
    result = measure(case_of(Trial([contender('a', 'ours', turns, 1)], check)), ('row', 0), ONE_THREAD, Peers(None))
    assert turns == ['a']
    assert 'FAILED: AssertionError: off by one' in main_table([result])


def test_tables_name_ratios_and_who_is_missing():
    contenders = [contender('floor', 'floor', [], 2.0), contender('fast', 'ours', [], 3.0)]
    contenders.append(Peers(None).contender('MONAI'))
    timings = time_in_turns(Trial(contenders, lambda: None), rounds=3)
    lines = main_table([Result(case_of(None), 1, timings)]).splitlines()
    cells = [[cell.strip() for cell in line.split('|')[3:7]] for line in lines[2:]]
    assert cells == [
        ['floor (floor)', '2 s', '0.67', '1.00'],
        ['fast (ours)', '3 s', '1.00', '1.50'],
        ['MONAI (peer)', 'not installed', '', ''],
    ]
    grown = [Result(case_of(None, axis='pixels', value=value), 1, timings) for value in (1, 2)]
    last = [cell.strip() for cell in growth_table(grown).splitlines()[-1].split('|')[1:-1]]
    assert last == ['row', 'pixels', '2', '3 s', '2 s', '1.50', '1.00']


def test_mean_is_shown_with_its_percentile():
    timings = time_in_turns(Trial([contender('a', 'ours', [], 0.004)], lambda: None), rounds=1)
    timings[0].seconds = [0.001] * 99 + [0.101]
    assert 'mean 2 ms, p99 101 ms' in main_table([Result(case_of(None, statistic='mean'), 1, timings)])


@pytest.mark.parametrize(('seconds', 'text'), [(None, ''), (2.5, '2.5 s'), (0.0123, '12.3 ms'), (4e-6, '4 us')])
def test_duration(seconds, text):
    assert duration(seconds) == text


def test_comparison_is_relative_to_the_largest_value():
    expected = torch.tensor([100.0, 1.0])
    assert_close('same', expected + 0.5, expected, 0.01)
    with pytest.raises(AssertionError, match=r'gradient: off by 2\.0e-02'):
        assert_close('gradient', expected + 2, expected, 0.01)


def test_rows_name_their_cases_without_building_them():
    rows = {case.row for _, case in all_cases(ONE_THREAD, Peers(None))}
    assert {'loss', 'decoder_loss', 'sample', 'loader', 'training_step', 'inference', 'inference_stream'} <= rows
    assert {'metric', 'validation', 'averaging', 'fold_start'} <= rows


@pytest.mark.parametrize('stride', [1, 4])
def test_loss_row_runs(stride):
    trial = build_loss(ONE_THREAD, Peers(None), False, stride=stride, batch=1, classes=3, height=32, width=32)
    timings = time_in_turns(trial, rounds=1)
    assert [timing.role for timing in timings] == ['floor', 'ours', 'twin', 'peer', 'peer', 'peer', 'peer']
    assert [bool(timing.seconds) for timing in timings] == [True] * 5 + [False] * 2


def test_a_peer_that_is_not_installed_says_so():
    peers = Peers(sys.executable)
    found = peers.contender('MONAI', batch=1, classes=3, height=8, width=8)
    peers.close()
    assert (found.measure, found.note) == (None, 'not installed')
