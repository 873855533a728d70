"""What the rows are told of the command line; passed on to processes of their own as JSON."""

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Options:
    """The settings that every row may look at.

    Attributes:
        device: Where networks and losses run.
        threads: Of PyTorch and OpenCV.
        quick: Small sizes: shows that everything runs, not how fast.
        rounds: Turns of every contender, at most.
        full: What takes long, too: large batches, compilation, bfloat16 where it is emulated.
        checkpoint: Trained weights of the full network, in place of random ones; ``None`` has none.
        scaling: How cost grows, too.
        data: Folder of the street scenes that the rows on data read; made when it is not there.
    """

    device: str = 'cpu'
    threads: int = len(os.sched_getaffinity(0))
    quick: bool = False
    rounds: int = 1000
    full: bool = False
    checkpoint: str | None = None
    scaling: bool = True
    data: str = str(ROOT / 'data' / 'benchmark_streets')
