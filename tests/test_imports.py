"""What a user of the package does not need is not imported with it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Compilers are for training, the others for commands that draw, export, or use a cluster.
ABSENT = {'torch._dynamo', 'torch._inductor', 'torch.onnx', 'onnx', 'onnxruntime', 'altair', 'vl_convert'}
ABSENT |= {'torch.utils.tensorboard', 'tensorboard', 'ray', 'optuna', 'matplotlib.pyplot', 'mmseg_custom.reports'}
# Ends a process where it would start its fork server, and says what of the stack is imported by then.
STOP_AT_SERVER = """
import json, os, sys
from multiprocessing import forkserver
def stop():
    print(json.dumps(sorted({'torch', 'mmengine', 'mmseg', 'mmseg_custom'} & set(sys.modules))), flush=True)
    os._exit(0)
forkserver.ensure_running = stop
"""
IMPORTED = 'import json, sys; import mmseg_custom; print(json.dumps(sorted(sys.modules)))'


def test_the_package_imports_no_compiler_and_no_renderer():
    done = subprocess.run([sys.executable, '-c', IMPORTED], text=True, capture_output=True, cwd=ROOT, check=True)
    modules = set(json.loads(done.stdout.splitlines()[-1]))
    assert {'mmseg.models', 'mmseg_custom.models'} < modules
    assert not modules & ABSENT


@pytest.mark.parametrize('command', [['-m', 'mmseg_kfold', 'run'], ['tools/run_recipe.py']], ids=['run', 'recipe'])
def test_the_fork_server_starts_before_anything_heavy_is_imported(command, tmp_path):
    (tmp_path / 'sitecustomize.py').write_text(STOP_AT_SERVER)
    environment = os.environ | {'PYTHONPATH': os.pathsep.join(map(str, (tmp_path, ROOT)))}
    done = subprocess.run(
        [sys.executable, *command, 'missing.py'], text=True, capture_output=True, cwd=ROOT, env=environment
    )
    assert json.loads(done.stdout) == []
