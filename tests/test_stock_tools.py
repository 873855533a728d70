"""MMSegmentation's own entry points run our configs and checkpoints."""

import os
import subprocess
import sys
from pathlib import Path

import mmseg
import numpy as np
import pytest
from mmseg.apis import MMSegInferencer, inference_model, init_model

ROOT = Path(__file__).resolve().parent.parent
STOCK_TOOLS = Path(mmseg.__path__[0]) / '.mim' / 'tools'
WINNER = 'work_dirs/tiny/stage1/winner.pth'


def stock_tool(name, *arguments):
    environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
    done = subprocess.run(
        [sys.executable, STOCK_TOOLS / name, *map(str, arguments)], text=True, capture_output=True, env=environment
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def config(tiny_recipe):
    return tiny_recipe / 'tiny_stage1.py'


def test_stock_train_runs_a_stage(config):
    code, output = stock_tool('train.py', config)
    assert code == 0, output[-3000:]
    assert Path(WINNER).is_file()


def test_stock_test_scores_it(after_stage1, run_tool, monkeypatch):
    monkeypatch.setenv('LOCAL_RANK', '0')  # Else the tool sets it, for all tests behind this one.
    code, output = run_tool(STOCK_TOOLS / 'test.py', after_stage1 / 'tiny_stage1.py', WINNER)
    assert code == 0, output[-3000:]
    assert 'mIoU:' in output


def test_init_model_inference_model_and_inferencer(after_stage1):
    config = after_stage1 / 'tiny_stage1.py'
    image = next(Path('data/leftImg8bit/val').glob('*/*.png'))
    model = init_model(str(config), WINNER, device='cpu')
    result = inference_model(model, str(image))
    classes = result.pred_sem_seg.data
    assert classes.shape == (1, 32, 64)
    assert classes.max() < 19
    assert len(model.dataset_meta['classes']) == 19
    inferencer = MMSegInferencer(model=str(config), weights=WINNER, device='cpu')
    predictions = inferencer(str(image), show=False, return_datasamples=False)['predictions']
    assert np.array_equal(predictions, classes[0].numpy())
