"""Imported by the fork server of :class:`~mmseg_custom.stages.local_pool.LocalPool` alone.

A signal to a whole process group asks the runs to stop; the server that hands on their exit codes has to outlive
them.
Each run takes the signals up again, see :func:`~mmseg_custom.stages.worker.joined_pool`.
"""

import signal

from mmseg_custom.engine.stop_signals import STOP_SIGNALS

for _number in STOP_SIGNALS:
    signal.signal(_number, signal.SIG_IGN)
