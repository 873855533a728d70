import sys

import pytest
from mmengine.logging import MMLogger
from mmseg.visualization import SegLocalVisualizer
from tiny_images import write_all

import mmseg_kfold
from mmseg_custom.cross_validation import command
from mmseg_custom.engine.stage_runner import build_runner
from mmseg_custom.errors import UserError
from mmseg_custom.launchers.pool import Ended, Pool


class ThisProcess(Pool):
    """Trains here, where the imports are paid for; what is no error of a user is the test's."""

    def execute(self, jobs, on_progress):
        return [self._run(job) for job in jobs]

    def _run(self, job):
        SegLocalVisualizer._instance_dict.clear()
        MMLogger._instance_dict.clear()
        cfg = job.args[0]
        cfg.resume = cfg.by_recipe = True
        try:
            build_runner(cfg).train()
        except UserError as error:
            return Ended(job.name, 1, str(error))
        return Ended(job.name, 0)


@pytest.fixture(scope='session')
def image_folders(tmp_path_factory):
    """Tiny data sets of every kind, once for all tests."""
    folder = tmp_path_factory.mktemp('images')
    write_all(folder)
    return folder


@pytest.fixture
def project(image_folders, tmp_path, monkeypatch):
    """A folder to work in, with `data`, as a user has one who installed the package: without a checkout."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'path', [*sys.path])
    (tmp_path / 'data').symlink_to(image_folders)
    return tmp_path


@pytest.fixture
def kfold(project, monkeypatch, capsys):
    """`mmseg-kfold run CONFIG --folds 2 ...`, trained in this process: gives what it prints.

    No report is drawn, which takes five times as long as the folds.
    """
    monkeypatch.setattr(command, 'LocalPool', lambda jobs: ThisProcess(1))
    monkeypatch.setattr(command, 'report_line', lambda *_: 'report: not drawn')

    def run(config, *options, overrides=()):
        given = [f'{key}={value}' for key, value in dict(overrides).items()]
        options = [*options, '--no-preflight', *(['--cfg-options', *given] if given else [])]
        mmseg_kfold.main(['run', str(config), '--folds', '2', '--work-dir', 'w', *options])
        return capsys.readouterr().out

    return run
