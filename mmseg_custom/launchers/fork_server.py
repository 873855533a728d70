"""Imported by the fork server of :class:`~mmseg_custom.launchers.local_pool.LocalPool` alone.

Each run is a fork of that server: what is imported here costs a run nothing. A signal to a whole process group asks
the runs to stop; the server that hands on their exit codes has to outlive them. Each run takes the signals up again,
see :func:`~mmseg_custom.launchers.worker.joined_pool`.
"""

import gc
import signal
from contextlib import suppress
from importlib import import_module

from mmseg_custom.engine.stop_signals import STOP_SIGNALS

# What a run would import on the way: 3 s a run. The last one is for run_recipe.py, which each process reads again.
LATE_IMPORTS = (
    'mmseg_custom.launchers.worker',
    'mmseg.evaluation',
    'mmseg.visualization',
    'matplotlib.backends.backend_agg',
    'torch._dynamo',
    'torch.utils.cpp_extension',
    'torch.utils.tensorboard',
    'yapf.yapflib.yapf_api',
    'mmseg_custom.reports.live_table',
)

for _number in STOP_SIGNALS:
    signal.signal(_number, signal.SIG_IGN)
for _name in LATE_IMPORTS:
    with suppress(ImportError):
        import_module(_name)
# MMEngine collects garbage whenever it builds a data set: 0.2 s each time, were it to look at all modules.
gc.collect()
gc.freeze()
