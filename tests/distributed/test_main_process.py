"""What one process does for all, in two processes."""

import pytest
import torch
from mmengine.dist import all_reduce_dict, get_rank
from ranks import run_ranks

from mmseg_custom.engine.distributed.main_process import lead, on_main_process


def ranks_that_called():
    called = []
    answer = on_main_process(lambda: called.append(get_rank()) or 'answer')
    return called, answer


def shared_work():
    orders = []

    def share(order):
        orders.append(order)
        numbers = {'sum': torch.tensor(float(order))}
        all_reduce_dict(numbers, 'sum')
        return numbers['sum'].item()

    return orders, lead(lambda ask: [ask(3), ask(4)], share)


def failing_main():
    def fail(ask):
        ask(1)
        raise ValueError('disk full')

    return lead(fail, lambda order: None)


def failing_share():
    def share(order):
        raise ValueError(f'rank {get_rank()}')

    return lead(lambda ask: ask(1), share)


def test_only_the_main_process_calls_and_all_get_the_answer():
    assert run_ranks(ranks_that_called) == [([0], 'answer'), ([], 'answer')]


def test_all_do_their_share():
    assert run_ranks(shared_work) == [([3, 4], [6.0, 8.0])] * 2


def test_its_error_ends_all_of_them():
    assert run_ranks(failing_main) == [
        'ValueError: disk full',
        'MainProcessError: The main process has failed: disk full',
    ]


def test_an_error_of_the_shared_work_is_everyones_own():
    assert run_ranks(failing_share) == ['ValueError: rank 0', 'ValueError: rank 1']


def test_a_single_process_needs_none_of_it():
    assert lead(lambda ask: ask(2) + 1, lambda order: 10 * order) == 21
    with pytest.raises(ZeroDivisionError):
        on_main_process(lambda: 1 / 0)
