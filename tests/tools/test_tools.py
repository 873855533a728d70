import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mmseg_custom.io.checkpoints.checkpoint_file import load_weights, save_checkpoint_file
from mmseg_custom.launchers.local_pool import LocalPool
from mmseg_custom.plan.plan import Plan
from mmseg_custom.plan.recipe import Recipe

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


def run_script(name, *arguments):
    environment = {'PATH': f'{Path(sys.executable).parent}:/usr/bin:/bin'}
    command = ['bash', TOOLS / name, *map(str, arguments)]
    done = subprocess.run(command, text=True, capture_output=True, env=environment, timeout=300)
    return done.returncode, done.stdout + done.stderr


def test_test_py_scores_at_the_working_and_the_original_size(after_stage1, run_tool):
    config, checkpoint = after_stage1 / 'tiny_stage1.py', 'work_dirs/tiny/stage1/winner.pth'
    code, output = run_tool('test.py', config, checkpoint, '--original-size', '--show-dir', 'painted')
    assert code == 0, output
    assert 'mIoU:' in output
    assert len(list(Path().rglob('painted/**/*.png'))) == 4


def test_average_of_files_and_of_an_unfinished_stage(tmp_path, monkeypatch, run_tool):
    monkeypatch.chdir(tmp_path)
    for name, value in (('a.pth', 1.0), ('b.pth', 3.0)):
        save_checkpoint_file({'state_dict': {'w': torch.tensor([value])}}, name)
    code, output = run_tool('average_folds.py', 'a.pth', 'b.pth', '--out', 'c.pth')
    assert code == 0, output
    assert load_weights('c.pth')['w'] == 2.0
    code, output = run_tool('average_folds.py', 'a.pth', 'b.pth', '--out', 'a.pth')
    assert code == 1
    assert output.splitlines()[-1].startswith('a.pth is one of the inputs')
    Path('empty').mkdir()
    assert run_tool('average_folds.py', 'empty')[1].splitlines()[-1] == 'empty holds no finished run of a stage.'


def test_stage_folder_is_fused_anew(after_stage1, run_tool):
    Path('work_dirs/tiny/stage1/winner.pth').unlink()
    code, output = run_tool('average_folds.py', 'work_dirs/tiny/stage1')
    assert code == 0, output
    assert 'winner' in output
    assert Path('work_dirs/tiny/stage1/winner.pth').is_file()


def test_two_processes_train_and_score_together(after_stage1):
    options = ['--cfg-options', 'default_hooks.fold_average.stage_dir=work_dirs/pair']
    code, output = run_script(
        'dist_train.sh', after_stage1 / 'tiny_stage1.py', 2, '--work-dir', 'work_dirs/pair_run', *options
    )
    assert code == 0, output
    assert Path('work_dirs/pair/winner.pth').is_file()
    code, output = run_script('dist_test.sh', after_stage1 / 'tiny_stage1.py', 'work_dirs/pair/winner.pth', 2)
    assert code == 0, output
    assert 'mIoU:' in output


@pytest.mark.parametrize('call', [['tools/train.py', 'C'], ['-m', 'mmseg_kfold', 'report', 'F']])
def test_missing_stack_is_one_line(call, tmp_path):
    (tmp_path / 'mmengine.py').write_text("__version__ = '0.8.0'\n")
    environment = {'PYTHONPATH': str(tmp_path), 'PATH': '/usr/bin'}
    settings = {'cwd': TOOLS.parent, 'env': environment, 'timeout': 60}
    done = subprocess.run([sys.executable, *call], text=True, capture_output=True, **settings)
    assert done.returncode == 1
    message = done.stderr.strip()
    assert len(message.splitlines()) == 1
    assert 'mmseg-custom[onedl]' in message


def test_prepare_data_reports_and_is_repeatable(tiny_recipe, run_tool):
    config = tiny_recipe / 'tiny_stage2.py'
    code, output = run_tool('prepare_data.py', config)
    assert code == 0, output
    assert '10 training and 4 validation images' in output
    assert 'folds.json (written): 4, 3, 3 images' in output
    assert '(unchanged)' in run_tool('prepare_data.py', config)[1]


WRAPPED = """
own = dict(type='KFoldDataset', data_root='data', img_suffix=_base_.dataset.img_suffix, metainfo=_base_.metainfo,
    data_prefix=dict(img_path='leftImg8bit/{split}', seg_map_path='gtFine/{split}'),
    seg_map_suffix=_base_.dataset.seg_map_suffix, pipeline=load + _base_.pack)
train_dataloader = dict(batch_size=4, dataset=dict(_delete_=True, type='RepeatDataset', times=2, dataset=own))
"""


def test_wrapped_data_are_not_prepared_but_trained(tiny_recipe, run_tool):
    config = tiny_recipe / 'tiny_stage1.py'
    config.write_text(config.read_text().replace('train_dataloader = dict(', 'before = dict(') + WRAPPED)
    code, output = run_tool('prepare_data.py', config)
    assert (
        code == 1 and 'train_dataloader.dataset is RepeatDataset, and only a KFoldDataset can be prepared' in output
    )
    Recipe(Plan(tiny_recipe), LocalPool(1), lambda line: None).run(stages={1})
    assert Path('work_dirs/tiny/stage1/winner.pth').is_file()
