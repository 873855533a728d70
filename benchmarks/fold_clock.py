"""Notes when the parts of a run begin and end: a hook for `benchmarks/fold_start.py`."""

import json
import os
import time
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

EVENTS = (
    'before_run',
    'before_train',
    'before_train_epoch',
    'after_train_epoch',
    'before_val',
    'before_val_epoch',
    'after_val_epoch',
    'after_train',
    'after_run',
)


@HOOKS.register_module()
class FoldClock(Hook):
    """Writes when each event was reached to ``clock_<side>.json``: its name, the time, and CPU seconds till then.

    The first line is the start of the process. Times are seconds since the start of the system.

    Args:
        side: ``'first'`` or ``'last'``: before or behind what the other hooks do at an event, by ``priority``.
    """

    def __init__(self, side: str) -> None:
        self.side = side
        self.marks: list[tuple[str, float, float]] = [('start', start_of_process(), 0.0)]
        for event in EVENTS:
            setattr(self, event, self._marker(event))

    def _marker(self, event: str) -> Any:
        def mark(runner: Runner, *args: Any, **kwargs: Any) -> None:
            self.marks.append((f'{event} {self.side}', time.clock_gettime(time.CLOCK_BOOTTIME), time.process_time()))
            if event == 'after_run' and is_main_process():
                Path(runner.work_dir, f'clock_{self.side}.json').write_text(json.dumps(self.marks))

        return mark


def start_of_process() -> float:
    """When this process was started, to a hundredth of a second (Linux)."""
    return int(Path('/proc/self/stat').read_text().rpartition(')')[2].split()[19]) / os.sysconf('SC_CLK_TCK')
