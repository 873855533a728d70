import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from mmseg_custom.config import load_run_config
from mmseg_custom.errors import StageError
from mmseg_custom.plan import disk_space as space


def test_a_run_needs_its_best_and_its_resume_points_and_one_of_each_more():
    assert space.run_bytes(weights=10, parameters=8, keep=2) == 2 * 10 + 3 * (10 + 2 * 8)


@pytest.fixture
def configs(tiny_recipe):
    return [load_run_config(tiny_recipe / 'tiny_stage2.py', fold=fold) for fold in (1, 2, 3)]


def needed(configs, jobs):
    return sum(space.needed_space(configs, jobs).values())


def test_stage_needs_its_runs_and_averages(configs):
    weights, parameters = space._model_bytes(configs[0])
    assert weights > parameters > 0
    run = space.run_bytes(weights, parameters, keep=2)
    finished = 2 * weights + 2 * parameters  # best weights, and the last state with Adam's two numbers a parameter
    assert needed(configs, jobs=1) == run + 2 * finished + 2 * weights
    assert needed(configs, jobs=3) == 3 * run + 2 * weights


def test_files_that_will_be_replaced_count_as_room(configs):
    before = needed(configs, 1)
    Path(configs[1].work_dir).mkdir(parents=True)
    (Path(configs[1].work_dir) / 'epoch_1.pth').write_bytes(bytes(1000))
    assert needed(configs, 1) == before - 1000


def test_exactly_enough_room_is_enough(configs, monkeypatch):
    free = needed(configs, 1)
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: SimpleNamespace(free=free))
    space.check_space(configs, 1)
    free -= 1
    with pytest.raises(StageError, match='Free space'):
        space.check_space(configs, 1)


def test_too_little_room_is_refused_with_figures(configs, monkeypatch):
    space.check_space(configs, 1)
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: SimpleNamespace(free=1500))
    with pytest.raises(StageError, match=r'1\.5 kB free.*3 run\(s\) to train, 1 at a time, need up to [\d.]+ [kM]B'):
        space.check_space(configs, 1)
