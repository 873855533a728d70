import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmseg.visualization import SegLocalVisualizer
from tiny_stage import CONFIGS, STAGE

from street_scenes import write_dataset


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


@pytest.fixture
def tiny_recipe(place):
    """A folder to work in, with `data` and a plan of two stages and three folds in `recipe`."""
    folder = place / 'recipe'
    folder.mkdir()
    values = {'configs': CONFIGS, 'schedule': 'plateau', 'level': 'none', 'stage': 1, 'load_from': None}
    (folder / 'tiny_stage1.py').write_text(STAGE.format(**values, loss='LabelSmoothCrossEntropyLoss'))
    values.update(schedule='cosine', level='standard', stage=2, load_from='work_dirs/tiny/stage1/winner.pth')
    (folder / 'tiny_stage2.py').write_text(STAGE.format(**values, loss='CEDiceLoss') + 'num_folds = 3\n')
    return folder
