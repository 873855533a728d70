import os
from multiprocessing import forkserver
from pathlib import Path

from mmseg_custom.launchers.local_pool import LocalPool
from mmseg_custom.plan.plan import Plan
from mmseg_custom.plan.recipe import Recipe
from mmseg_kfold.fork_server import start_fork_server

OWN_MODULE = """
from pathlib import Path
from mmengine.hooks import Hook
from mmseg.registry import HOOKS

@HOOKS.register_module()
class OwnHook(Hook):
    def before_train(self, runner):
        Path('trained_with_own_module').touch()
"""


def test_a_run_imports_what_its_config_asks_for(tiny_recipe, monkeypatch):
    monkeypatch.syspath_prepend(str(tiny_recipe))
    (tiny_recipe / 'own_module.py').write_text(OWN_MODULE)
    with (tiny_recipe / 'tiny_stage1.py').open('a') as file:
        file.write("custom_imports = dict(imports=['mmseg_custom', 'own_module'])\n")
        file.write("custom_hooks = [dict(type='OwnHook')]\ntrain_cfg = dict(max_epochs=1)\n")
    Recipe(Plan(tiny_recipe), LocalPool(1), print).run(stages={1})
    assert Path('trained_with_own_module').exists()


def test_runs_import_the_checkout_that_started_them(monkeypatch):
    monkeypatch.setenv('PYTHONPATH', 'theirs')
    monkeypatch.setattr(forkserver, 'ensure_running', lambda: None)
    for _ in range(2):
        start_fork_server()
    assert os.environ['PYTHONPATH'].split(os.pathsep) == [str(Path(__file__).resolve().parents[2]), 'theirs']
