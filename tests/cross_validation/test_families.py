"""Configs of MMSegmentation in two folds by one command: each ends in a table, or in a sentence before a step."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from families import FEW_STEPS, FINISHED, QUICK, SLOW, TABLE

from mmseg_custom.io.files import read_json


def cases():
    slow = [pytest.param(case, id=case.family, marks=pytest.mark.slow) for case in SLOW]
    return [*(pytest.param(case, id=case.family) for case in QUICK), *slow]


@pytest.mark.parametrize('case', cases())
def test_a_config_of_each_family_ends_in_a_table_or_a_sentence(kfold, capsys, case):
    if case.ends != TABLE:
        if any(find_spec(package) for package in ('mmdet', 'mmpretrain', 'dsdl')):
            pytest.skip('what such configs need is installed')
        with pytest.raises(SystemExit):
            kfold(f'mmseg::{case.config}', *FEW_STEPS, overrides=case.options)
        assert re.search(case.ends, capsys.readouterr().err)
        assert not Path('w').exists()
        return
    told = kfold(f'mmseg::{case.config}', *FEW_STEPS, overrides=case.options)
    assert TABLE in told and FINISHED not in told
    found = read_json('w/stage1/out_of_fold.json')
    assert [fold['name'] for fold in found['folds']] == ['fold1', 'fold2']
    assert sum(fold['images'] for fold in found['folds']) == found['images'] >= 8
    again = kfold(f'mmseg::{case.config}', *FEW_STEPS, overrides=case.options)
    assert FINISHED in again and again.partition(TABLE)[1:] == told.partition(TABLE)[1:]
    assert all(0 <= found['pooled'][score] <= 100 for score in ('mIoU', 'aAcc'))
