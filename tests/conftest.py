import gc
import runpy
import shutil
import sys
from pathlib import Path

import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmseg.visualization import SegLocalVisualizer
from tiny_stage import CONFIGS, STAGE

from mmseg_custom.config import load_run_config
from mmseg_custom.datasets.prepare import prepare
from mmseg_custom.engine.stage_runner import build_runner
from mmseg_custom.launchers.local_pool import LocalPool
from mmseg_custom.plan.plan import Plan
from mmseg_custom.plan.recipe import Recipe
from street_scenes import write_dataset

TOOLS = Path(__file__).resolve().parent.parent / 'tools'
LONGEST = (
    'test_killed_recipe.py',
    'test_recipe.py',
    'test_exact_resume.py',
    'test_iter_train_loop.py',
    'test_stage_runner.py',
    'test_report_page.py',
    'test_tools.py',
)


def pytest_collection_modifyitems(items):
    """The files that take longest begin, so that processes side by side end together."""
    items.sort(key=lambda item: (*LONGEST, item.path.name).index(item.path.name))


def pytest_collection_finish():
    """MMEngine collects garbage whenever it builds a data set: 0.25 s each time, were it to look at all modules."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def one_thread():
    """Tests beside each other on two cores are fastest, and their numbers the same, on one thread each."""
    torch.set_num_threads(1)
    init_default_scope('mmseg')


@pytest.fixture(autouse=True)
def own_visualizer_and_logger():
    """MMEngine keeps one of each a process: the visualizer goes on writing where the first run of a process was.

    The logger's file may have been closed by whatever has configured logging since, as the demo's web server does.
    """
    SegLocalVisualizer._instance_dict.clear()
    MMLogger._instance_dict.clear()


@pytest.fixture(scope='session')
def scenes(tmp_path_factory):
    """A data set of 10 + 4 tiny street scenes in the layout of Cityscapes."""
    root = tmp_path_factory.mktemp('scenes') / 'streets'
    write_dataset(root, train=10, val=4, height=32, width=64)
    return root


@pytest.fixture
def place(scenes, tmp_path, monkeypatch):
    """A folder to work in, with `data`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'data').symlink_to(scenes)
    return tmp_path


def write_tiny_recipe(folder):
    """Write the configs of a plan of two stages and three folds."""
    folder.mkdir()
    values = {'configs': CONFIGS, 'schedule': 'plateau', 'level': 'none', 'stage': 1, 'load_from': None}
    (folder / 'tiny_stage1.py').write_text(STAGE.format(**values, loss='LabelSmoothCrossEntropyLoss'))
    values.update(schedule='cosine', level='standard', stage=2, load_from='work_dirs/tiny/stage1/winner.pth')
    (folder / 'tiny_stage2.py').write_text(STAGE.format(**values, loss='CEDiceLoss') + 'num_folds = 3\n')
    return folder


@pytest.fixture
def tiny_recipe(place):
    """A folder to work in, with `data` and a plan of two stages and three folds in `recipe`."""
    return write_tiny_recipe(place / 'recipe')


@pytest.fixture(scope='session')
def stage1_files(scenes, tmp_path_factory):
    """The folder in which stage 1 of the tiny recipe was trained; once for all tests that begin behind it."""
    folder = tmp_path_factory.mktemp('stage1')
    (folder / 'data').symlink_to(scenes)
    config = write_tiny_recipe(folder / 'recipe') / 'tiny_stage1.py'
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        cfg = load_run_config(config)
        prepare(cfg)
        build_runner(cfg).train()
    return folder


@pytest.fixture
def after_stage1(tiny_recipe, stage1_files):
    """As `tiny_recipe`, and stage 1 is finished."""
    shutil.copytree(stage1_files / 'work_dirs', 'work_dirs')
    shutil.copy2(stage1_files / 'folds.json', 'folds.json')
    return tiny_recipe


@pytest.fixture(scope='session')
def recipe_files(scenes, tmp_path_factory):
    """The folder in which the whole tiny recipe was run, folds side by side; once for all tests that need it."""
    folder = tmp_path_factory.mktemp('recipe')
    (folder / 'data').symlink_to(scenes)
    lines = []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Recipe(Plan(write_tiny_recipe(folder / 'recipe')), LocalPool(2), lines.append).run()
    assert any('stage 2: winner' in line for line in lines)
    return folder


@pytest.fixture
def finished_recipe(tiny_recipe, recipe_files):
    """As `tiny_recipe`, and both stages are finished."""
    shutil.copytree(recipe_files / 'work_dirs', 'work_dirs')
    shutil.copy2(recipe_files / 'folds.json', 'folds.json')
    return tiny_recipe


@pytest.fixture
def run_tool(monkeypatch, capfd):
    """A function that runs a tool in this process, where all is imported; its exit code and what it prints."""
    monkeypatch.syspath_prepend(str(TOOLS))

    def run(name, *arguments):
        monkeypatch.setattr(sys, 'argv', [str(name), *map(str, arguments)])
        capfd.readouterr()
        code = 0
        try:
            runpy.run_path(str(TOOLS / name), run_name='__main__')
        except SystemExit as exit:
            assert isinstance(exit.code, int), exit.code
            code = exit.code
        return code, ''.join(capfd.readouterr())

    return run
