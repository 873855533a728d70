"""The table of hooks in CONTRIBUTING.md is the order in which a run calls them."""

import re
from pathlib import Path
from types import SimpleNamespace

from mmengine.config import Config
from mmengine.runner import Runner, get_priority
from mmseg.visualization import SegLocalVisualizer

ROOT = Path(__file__).resolve().parents[2]


def test_the_table_of_hooks_is_the_order_of_a_run():
    SegLocalVisualizer.get_instance('order')
    hooks = Config.fromfile(ROOT / 'configs/_base_/default_runtime.py').default_hooks
    hooks.fold_average.stage_dir = 'work_dirs/stage1'
    runner = SimpleNamespace(_hooks=[])
    runner.register_hook = lambda hook: Runner.register_hook(runner, hook)
    Runner.register_default_hooks(runner, dict(hooks))
    order = [(type(hook).__name__, get_priority(hook.priority)) for hook in runner._hooks]
    assert len(order) == len(hooks) + 1  # MMEngine adds RuntimeInfoHook.
    rows = re.findall(r'^\| `(\w+Hook)` \| (\d+) \|', (ROOT / 'CONTRIBUTING.md').read_text(), re.M)
    assert [(name, int(priority)) for name, priority in rows] == order
