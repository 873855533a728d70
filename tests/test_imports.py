"""What a user of the package does not need is not imported with it."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Compilers are for training, the others for commands that draw, export, or use a cluster.
ABSENT = {'torch._dynamo', 'torch._inductor', 'torch.onnx', 'onnx', 'onnxruntime', 'altair', 'vl_convert'}
ABSENT |= {'torch.utils.tensorboard', 'tensorboard', 'ray', 'optuna', 'matplotlib.pyplot', 'mmseg_custom.reports'}
IMPORTED = 'import json, sys; import mmseg_custom; print(json.dumps(sorted(sys.modules)))'


def test_the_package_imports_no_compiler_and_no_renderer():
    done = subprocess.run([sys.executable, '-c', IMPORTED], text=True, capture_output=True, cwd=ROOT, check=True)
    modules = set(json.loads(done.stdout.splitlines()[-1]))
    assert {'mmseg.models', 'mmseg_custom.models'} < modules
    assert not modules & ABSENT
