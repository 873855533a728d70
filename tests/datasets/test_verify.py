import runpy
import shutil
import sys
from pathlib import Path

import pytest
from injected_faults import INJECTIONS, ignored_label, image, label, missing_label, name
from mmengine.config import Config

from mmseg_custom.datasets.checks.pair_checks import PairCheck
from mmseg_custom.datasets.checks.skip_list import read_skip_list, write_skip_list
from mmseg_custom.datasets.checks.verify import describe_faults, find_odd_sizes, verify
from mmseg_custom.datasets.label_reader import LabelError

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


@pytest.fixture
def cfg(tiny_recipe, scenes, tmp_path):
    """A config over a copy of the scenes that a test may damage."""
    (tmp_path / 'data').unlink()
    shutil.copytree(scenes, tmp_path / 'data')
    return Config.fromfile(tiny_recipe / 'tiny_stage2.py')


def test_a_clean_set_has_no_fault(cfg):
    seen = []
    assert verify(cfg, on_progress=lambda done, total: seen.append((done, total))) == []
    assert seen == [(done, 14) for done in range(1, 15)]
    assert describe_faults([]) == 'no fault'


@pytest.mark.parametrize('inject', INJECTIONS, ids=lambda inject: inject.__name__)
def test_every_fault_is_found_once_and_leaving_its_image_out_heals_it(cfg, inject):
    kind, path, detail, skip = inject()
    (fault,) = verify(cfg)
    assert (fault.kind, fault.path, fault.skip) == (kind, str(path), skip)
    assert fault.detail.startswith(detail)
    if skip:
        write_skip_list([skip], 'skip.txt')
        cfg.train_dataloader.dataset.skip_list = 'skip.txt'
        assert verify(cfg) == []


def test_processes_find_what_one_finds_and_the_summary_counts_it(cfg):
    for inject in (missing_label, ignored_label):
        inject()
    image(0).write_bytes(b'')
    faults = verify(cfg, workers=2)
    assert faults == verify(cfg)
    lines = describe_faults(faults).splitlines()
    assert lines[0] == f'empty file: {image(0)}: 0 bytes'
    assert lines[-1] == '3 faults: 1 empty file, 1 missing label, 1 wholly ignored'


def test_the_faultless_one_of_two_equal_images_is_kept(cfg):
    shutil.copy(image(2), image(3))
    label(2).unlink()
    assert [(fault.kind, fault.skip) for fault in verify(cfg)] == [
        ('duplicate image', name(2)),
        ('missing label', name(2)),
    ]


def test_labels_without_a_table_are_read_as_train_ids(cfg):
    cfg.train_dataloader.dataset.pipeline = [dict(type='LoadAnnotations')]
    assert {fault.kind for fault in verify(cfg)} == {'unknown label ids'}
    cfg.train_dataloader.dataset.pipeline = []
    with pytest.raises(LabelError, match='no LoadAnnotations'):
        verify(cfg)


def test_no_size_is_odd_where_none_prevails():
    checks = [PairCheck(f'train/{side}', '', (side, side), None, []) for side in (1, 1, 2, 3)]
    assert not list(find_odd_sizes(checks))
    assert not list(find_odd_sizes([]))


def run_tool(monkeypatch, *arguments):
    """The exit code of prepare_data.py, run in this process."""
    monkeypatch.syspath_prepend(TOOLS)
    monkeypatch.setattr(sys, 'argv', ['prepare_data.py', *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(TOOLS / 'prepare_data.py'), run_name='__main__')
    return stop.value.code


def test_tool_exits_with_1_and_its_fix_list_makes_it_0(cfg, tiny_recipe, monkeypatch, capsys):
    config = tiny_recipe / 'tiny_stage2.py'
    arguments = [config, '--workers', 1, '--verify']
    assert run_tool(monkeypatch, *arguments) == 0
    missing_label()
    ignored_label()
    assert run_tool(monkeypatch, *arguments, '--skip-list', 'skip.txt') == 1
    output = capsys.readouterr()
    assert f'missing label: {image(3)}: no {label(3)}\n' in output.out
    assert 'train_dataloader.dataset.skip_list=skip.txt' in output.out
    assert '/14' not in output.err
    assert read_skip_list('skip.txt') == {name(3), name(1, 'val')}
    with_list = ['--cfg-options', 'train_dataloader.dataset.skip_list=skip.txt']
    assert run_tool(monkeypatch, *arguments, *with_list) == 0
    assert run_tool(monkeypatch, *arguments, '--skip-list', 'skip.txt', *with_list) == 1
    assert len(read_skip_list('skip.txt')) == 2
    assert run_tool(monkeypatch, config, '--skip-list', 'skip.txt') == 2
    assert not Path('folds.json').exists()
