"""The tools as a user calls them, in this process."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from inference_kit import save_random_weights
from test_readers import write_video

from mmseg_custom.io.checkpoints.checkpoint_file import load_weights
from mmseg_custom.ledger.stage_ledger import StageLedger


@pytest.fixture
def inputs(tmp_path, image):
    """A folder with pictures of the same name, a broken one and a video."""
    folder = tmp_path / 'in'
    for name in ('x.png', 'deep/x.png'):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / name), image)
    (folder / 'broken.jpg').write_bytes(b'broken')
    write_video(folder / 'clip.mp4')
    return folder


def test_predict_finishes_the_rest_and_names_what_failed(run_tool, config, checkpoint, inputs):
    code, output = run_tool(
        'predict.py', config, checkpoint, inputs, '--out', 'out', '--save', 'overlay', 'color', 'ids', 'raw',
        '--ids', 'label', '--batch-size', '3',
    )  # fmt: skip
    assert code == 1 and output.endswith('1 of 4 inputs failed; the others are in out.\n'), output
    assert 'broken.jpg: no image' in output
    written = sorted(path.relative_to('out').as_posix() for path in Path('out').rglob('*') if path.is_file())
    frames = [f'{kind}/clip.mp4/{k:06d}.{end}' for kind, end in (('ids', 'png'), ('raw', 'npz')) for k in range(6)]
    stills = [f'{name}.{end}' for name in ('deep/x', 'x') for end in ('jpg', 'png', 'npz')]
    kinds = {'jpg': ['overlay'], 'png': ['color', 'ids'], 'npz': ['raw']}
    pictures = [f'{kind}/{still}' for still in stills for kind in kinds[still.rpartition('.')[2]]]
    assert written == sorted([*frames, *pictures, 'overlay/clip.mp4', 'color/clip.mp4'])
    ids = np.unique(cv2.imread('out/ids/x.png', cv2.IMREAD_UNCHANGED))
    assert len(ids) > 3 and set(ids) <= {7, 8, 11, 12, 13, 17, 19, *range(20, 29), 31, 32, 33}


def test_export_then_predict_without_the_checkpoint(run_tool, config, checkpoint, image):
    pytest.importorskip('onnx', reason='needs the extra [export]')
    pytest.importorskip('onnxruntime', reason='needs the extra [export]')
    cv2.imwrite('x.png', image)
    assert run_tool('predict.py', config, checkpoint, 'x.png', '--out', 'torch', '--save', 'ids')[0] == 0
    code, output = run_tool('export.py', config, checkpoint, '--out', 'm.onnx')
    assert code == 0, output
    assert '64 x 32: largest logit difference' in output and '40 x 24: ' in output
    checkpoint.unlink()
    assert run_tool('predict.py', 'm.onnx', 'x.png', '--out', 'onnx', '--save', 'ids')[0] == 0
    assert Path('torch/ids/x.png').read_bytes() == Path('onnx/ids/x.png').read_bytes()


def test_models_of_a_recipe_need_neither_config_nor_overrides(run_tool, config, image):
    options = {'model.decode_head.channels': 12}
    weights = save_random_weights(config, Path('wide.pth'), cfg_options=options)
    record = {'config': str(config), 'num_folds': None, 'cfg_options': {'model.decode_head.channels': '12'}}
    StageLedger('stage1').record('full', record, weights)
    cv2.imwrite('x.png', image)
    assert run_tool('predict.py', 'stage1/full.pth', 'x.png', '--out', 'own', '--save', 'ids')[0] == 0
    assert run_tool('predict.py', config, 'stage1', 'x.png', '--out', 'named', '--save', 'ids')[0] == 0
    told = ['--cfg-options', 'model.decode_head.channels=12']
    assert run_tool('predict.py', config, weights, 'x.png', '--out', 'told', '--save', 'ids', *told)[0] == 0
    own, named, told = (Path(f'{folder}/ids/x.png').read_bytes() for folder in ('own', 'named', 'told'))
    assert own == named == told
    wrong = ['--cfg-options', 'model.decode_head.channels=8']
    code, output = run_tool('predict.py', 'stage1/full.pth', 'x.png', '--out', 'wrong', *wrong)
    assert code == 1 and 'architecture' in output


def test_every_wrong_call_ends_in_one_line(run_tool, config, checkpoint):
    wrong = {
        ('predict.py', checkpoint, 'x.png', '--out', 'out'): 'name its config before it',
        ('predict.py', config, '--out', 'out'): 'Name a model and',
        ('predict.py', config, checkpoint, '--out', 'out'): 'Name a model and',
        ('predict.py', config, checkpoint, 'x.png', '--out', 'out'): '1 of 1 inputs failed',
        ('predict.py', config, 'gone.pth', 'x.png', '--out', 'out'): 'gone.pth does not exist',
        ('demo.py', 'gone'): 'no such file',
        ('demo.py', config): 'Name at least one model',
    }
    for arguments, message in wrong.items():
        code, output = run_tool(*arguments)
        assert code == 1 and message in output.splitlines()[-1], (arguments, output)
        assert 'Traceback' not in output
    assert load_weights(checkpoint)


@pytest.mark.parametrize(
    ('tool', 'package', 'extra'), [('demo.py', 'gradio', 'demo'), ('export.py', 'onnx', 'export')]
)
def test_missing_package_is_one_line(tool, package, extra, run_tool, config, checkpoint, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    options = ['--out', 'm.onnx'] if tool == 'export.py' else []
    code, output = run_tool(tool, config, checkpoint, *options)
    assert code == 1 and output.splitlines()[-1].startswith(f'{package} cannot be imported')
    assert f'mmseg-custom[{extra}]' in output
