"""The parameter average of checkpoint files of the full network."""

import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.frame import Case, Contender, Measure, Trial, timed
from benchmarks.network import build_network
from benchmarks.options import Options
from benchmarks.peers.client import Peers
from mmseg_custom.averaging import average_state_dicts
from mmseg_custom.fusion.average_files import average_files
from mmseg_custom.io.checkpoints.checkpoint_file import load_weights

CHUNK = 1 << 20


def cases(options: Options, peers: Peers) -> Iterator[Case]:
    for files in (5, 20):
        yield _case(options, files, memory=True)
    for files in (2, 5, 10, 20):
        yield _case(options, files, axis='folds', value=files, rounds=3)


def _case(options: Options, files: int, **kwargs: object) -> Case:
    work = f'average of {files} checkpoints of the full network, warm files'
    return Case('averaging', work, lambda: build(options, files, 'axis' in kwargs), **{'rounds': 5, **kwargs})


def build(options: Options, files: int, growth: bool) -> Trial:
    folder = tempfile.TemporaryDirectory(prefix='checkpoints-')
    weights = build_network(options).cpu().state_dict()
    paths = [write_checkpoint(Path(folder.name) / f'{number}.pth', weights, number) for number in range(files)]
    output = Path(folder.name) / 'average.pth'
    works = {
        ('reading the files', 'floor'): lambda: [read_through(path) for path in paths],
        ('load_weights, average_state_dicts', 'ours'): partial(average_mapped, paths),
        ('tools/average_folds.py, with file and checksums', 'option'): lambda: average_files(paths, output),
        ('torch.load of all, float64 sum', 'twin'): partial(average_loaded, paths),
    }
    kept = [item for item in works.items() if not growth or item[0][1] in ('floor', 'ours')]
    contenders = [Contender(name, role, _keeping(folder, timed(work))) for (name, role), work in kept]
    return Trial(contenders, lambda: check(paths))


def _keeping(folder: tempfile.TemporaryDirectory, measure: Measure) -> Measure:
    """The measure, which holds the folder of its files as long as it lives."""

    def call() -> float:
        assert folder
        return measure()

    return call


def write_checkpoint(path: Path, weights: dict[str, Tensor], number: int) -> Path:
    """Write the weights, other ones for every number."""
    generator = torch.Generator().manual_seed(number)
    for value in weights.values():
        if value.is_floating_point():
            value.add_(torch.randn(value.shape, generator=generator), alpha=0.01)
    torch.save({'state_dict': weights, 'meta': {}}, path)
    return path


def read_through(path: Path) -> None:
    buffer = bytearray(CHUNK)
    with path.open('rb', buffering=0) as file:
        while file.readinto(buffer):
            pass


def average_mapped(paths: Sequence[Path]) -> dict[str, Tensor]:
    return average_state_dicts([load_weights(path, mmap=True) for path in paths])


def average_loaded(paths: Sequence[Path]) -> dict[str, Tensor]:
    """All files in memory, and a sum in float64 beside them."""
    states = [torch.load(path, weights_only=True)['state_dict'] for path in paths]
    average = {}
    for key, first in states[0].items():
        if first.is_floating_point():
            average[key] = (sum(state[key].double() for state in states) / len(states)).to(first.dtype)
        else:
            average[key] = first
    return average


def check(paths: Sequence[Path]) -> None:
    """The same numbers, to the last bit."""
    average, expected = average_mapped(paths), average_loaded(paths)
    differing = [key for key, value in expected.items() if not torch.equal(average[key], value)]
    assert average.keys() == expected.keys() and not differing, f'the averages differ in {differing[:3]}'
