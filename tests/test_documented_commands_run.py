"""Every command of README and docs, run in the order of the pages, with a tiny network on a few tiny images."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from threading import Timer

import cv2
import numpy as np
import pytest
from documented import ROOT, calls, documented_commands

from street_scenes import write_dataset

RUN = ('tools/', 'mmseg-kfold ', 'tensorboard ', 'make quickstart')
EXAMPLE = ROOT / 'docs/getting_started'
NOT_RUN = {
    'make test': 'installs, and runs this test',
    'make test-official': 'installs, and builds mmcv for a quarter of an hour',
    'make test-lowest': 'installs, and downloads an older PyTorch of 5 GB',
    'make test-slow': 'installs, and runs this test',
    'make test-mutants': 'installs, and takes hours',
    "make test-mutants MUTANTS='mmseg_custom.io.lease*' SAMPLE=60": 'installs, and takes long',
    'make test-mutants SAMPLE=1000000': 'installs, and takes hours',
    'make test-faults': 'installs, and takes hours; tests/faults runs a short campaign',
    'pip install -e .': 'installs',
    "pip install -e '.[onedl]'": 'installs',
    "pip install 'mmseg-custom[export]'": 'installs',
    "pip install 'mmseg-custom[ray]'": 'installs',
    'tools/run_recipe.py PLAN --launcher ray': 'starts a cluster; tests/launchers/test_ray_pool.py has one',
    'tools/run_recipe.py configs --launcher ray --ray-address FIRST:6379': 'needs that cluster',
    'tools/slurm_stage.sh PARTITION NAME PLAN 1 2 3': 'needs Slurm; tests/tools/test_slurm_real.py has one',
    'tools/slurm_stage.sh PARTITION JOB_NAME PLAN STAGE...': 'needs Slurm; as above',
    'tools/slurm_train.sh PARTITION JOB_NAME CONFIG --fold K': 'needs Slurm; tests/tools has a stand-in',
}
NETWORK = {
    'model.backbone.depth': '10',
    'model.backbone.base_channels': '4',
    'model.decode_head.in_channels': '(4,32)',
    'model.decode_head.aspp_channels': '8',
    'model.decode_head.c1_channels': '4',
    'model.decode_head.channels': '8',
    'train_cfg.max_epochs': '1',
    **{f'{loader}_dataloader.dataset.pipeline.3.scale': '(64,32)' for loader in ('train', 'val', 'test')},
    **{f'{loader}_dataloader.num_workers': '0' for loader in ('train', 'val', 'test')},
    **{f'{loader}_dataloader.persistent_workers': 'False' for loader in ('train', 'val', 'test')},
}
# What is added to a call of these tools. The others know from the ledger what a recipe was trained with.
SMALLER = {
    'tools/make_streets.py': ['--train', '10', '--val', '4', '--height', '32', '--width', '64'],
    'tools/run_recipe.py': ['--stages', '1-2'],
    'tools/kfold.py': ['--max-iters', '2', '--val-interval', '1'],
}
TRAINED_WITH_OPTIONS = ('run_recipe.py', 'train.py', 'test.py', 'dist_train.sh', 'dist_test.sh')
# What is removed before: the page says that other options are another experiment.
STARTED_ANEW = {'tools/run_recipe.py configs/camvid.py --stages 1-2': 'work_dirs/camvid*'}
# The plan of the test ends behind its second stage.
LAST_STAGE = (('streets/stage5', 'streets/stage2'), ('streets_stage5', 'streets_stage2'))
ENDLESS = {'tools/demo.py': ' at http://', 'tensorboard': 'http://'}
PATIENCE = 300  # seconds a command may take


@pytest.fixture
def project(tmp_path):
    """A folder with the project's tools, configs and studies, and data elsewhere."""
    for name in ('tools', 'configs', 'studies', 'docs'):
        (tmp_path / name).symlink_to(ROOT / name)
    write_dataset(tmp_path / 'elsewhere/cityscapes', train=10, val=4, height=32, width=64)
    write_camvid(tmp_path / 'elsewhere/camvid')
    write_shapes(tmp_path / 'data/shapes')
    for name in ('my_config.py', 'shapes.py'):
        shutil.copy(EXAMPLE / name, tmp_path)
    return tmp_path


def write_camvid(folder):
    """A data set of noise in the layout of docs/how_to/own_data.md."""
    generator = np.random.default_rng(0)
    for split, count in (('train', 12), ('val', 4)):
        for kind in ('images', 'labels'):
            (folder / kind / split).mkdir(parents=True)
        for number in range(count):
            image = generator.integers(0, 256, (32, 64, 3), np.uint8)
            cv2.imwrite(str(folder / f'images/{split}/{number}.jpg'), image)
            label = np.kron(generator.integers(0, 11, (4, 8), np.uint8), np.ones((8, 8), np.uint8))
            cv2.imwrite(str(folder / f'labels/{split}/{number}.png'), label)


def write_shapes(folder):
    """Twenty images of five sites in the layout of docs/getting_started/cross_validate.md."""
    generator = np.random.default_rng(0)
    for kind in ('images', 'labels'):
        (folder / kind).mkdir(parents=True)
    for site, number in ((site, number) for site in range(1, 6) for number in range(1, 5)):
        label = np.kron(generator.integers(0, 3, (3, 4), np.uint8), np.ones((16, 16), np.uint8))
        image = np.stack([label * 90, 255 - label * 70, label * 50], axis=2) + generator.integers(0, 9, (48, 64, 3))
        cv2.imwrite(str(folder / f'images/site{site}_{number:02d}.jpg'), image.astype(np.uint8))
        cv2.imwrite(str(folder / f'labels/site{site}_{number:02d}.png'), label)


def smaller(words):
    """A call that does the same in seconds: of an option that comes twice the last one counts."""
    for last, trained in LAST_STAGE:
        words = [word.replace(last, trained) for word in words]
    options = []
    if Path(words[0]).name in TRAINED_WITH_OPTIONS:
        given = {word.partition('=')[0] for word in words}
        options = [f'{key}={value}' for key, value in NETWORK.items() if key not in given]
        options = options if '--cfg-options' in words else ['--cfg-options', *options]
    if '--int8' in words and '--force' not in words:
        options = ['--force']  # What is this small may be slower in int8.
    return [*words, *options, *SMALLER.get(words[0], [])]


def calls_of(command):
    """The calls of a documented command; those of `make quickstart` are what it runs behind the installation."""
    if command != 'make quickstart':
        return calls(command)
    rule = re.search(r'^quickstart:.*\n((?:\t.*\n)+)', (ROOT / 'Makefile').read_text(encoding='utf-8'), re.MULTILINE)
    lines = rule[1].replace('$(BIN)/python', '').replace('$(BIN)/', '').replace('$(JOBS)', '2').splitlines()
    return [shlex.split(line) for line in lines]


def run(words, project):
    """Run a call; returns what it printed and its exit code if it went wrong, else nothing."""
    start = {'.py': [sys.executable], '.sh': ['bash']}.get(Path(words[0]).suffix, [])
    path = f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}'
    process = subprocess.Popen(
        [*start, *smaller(words)],
        cwd=project,
        env={**os.environ, 'PATH': path, 'OMP_NUM_THREADS': '1', 'PYTHONUNBUFFERED': '1'},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    watch = Timer(PATIENCE, process.kill)
    watch.start()
    printed = ''
    for line in process.stdout:
        printed += line
        if words[0] in ENDLESS and ENDLESS[words[0]] in line:
            process.terminate()
    code = process.wait()
    watch.cancel()
    well = ENDLESS[words[0]] in printed if words[0] in ENDLESS else code == 0
    return '' if well else f'{printed[-2000:]}\nexit code {code}'


def test_every_command_is_run_or_excused():
    commands = documented_commands()
    assert set(NOT_RUN) <= set(commands)
    assert not [command for command in commands if not command.startswith(RUN) and command not in NOT_RUN]


@pytest.mark.slow
def test_documented_commands_run(project):
    for package in ('gradio', 'onnx', 'onnxruntime', 'vl_convert', 'tensorboard'):
        pytest.importorskip(package, reason='a documented command needs it')
    failures = []
    for command, page in documented_commands().items():
        for start, folders in STARTED_ANEW.items():
            for folder in project.glob(folders) if command.startswith(start) else ():
                shutil.rmtree(folder)
        for words in calls_of(command) if command.startswith(RUN) and command not in NOT_RUN else ():
            printed = run(words, project)
            if printed:
                failures.append(f'{page}: {" ".join(words)}\n{printed}')
    assert not failures, '\n\n'.join(failures)
