"""How many threads a job is given, so that jobs side by side do not wait for each other's."""

import os

from mmseg_custom.io.memory import num_cores

THREADS = 'OMP_NUM_THREADS'


def threads_of_job(jobs: int) -> dict[str, str]:
    """The environment of one of some jobs side by side: its share of the processor's cores.

    Empty for a job alone, which has all of them as PyTorch takes them, and where the user has said how many threads
    there are to be. ``env_cfg.num_threads`` of a config counts before it.
    """
    return {} if jobs == 1 or os.environ.get(THREADS) else {THREADS: str(max(1, num_cores() // jobs))}
