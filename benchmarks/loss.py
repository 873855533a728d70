"""Time and memory of the losses: `python benchmarks/loss.py --size 512 1024`.

Each row is forward and backward of CE + Dice as the recipe uses it (label smoothing 0.1), 10 % of the pixels ignored.
The floor is `F.cross_entropy` alone, without smoothing; where the logits have a quarter of the size, behind bilinear
upsampling. Values and gradients are compared with the plain implementation before anything is timed. The rows take
turns; shown are medians. Memory is the peak of one step in a process of its own: of the tensors, and by which the
process grows.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mmseg_custom.models import CEDiceLoss

IGNORED = 255
TOLERANCE = 1e-5
Loss = Callable[[Tensor, Tensor], Tensor]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Time and memory of the losses.')
    parser.add_argument('--size', type=int, nargs=2, default=(512, 1024), help='H and W of the labels')
    parser.add_argument('--batch', type=int, default=4)
    parser.add_argument('--classes', type=int, default=19)
    parser.add_argument('--threads', type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument('--repeats', type=int, default=9)
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--json', type=Path, help='keep the figures in this file')
    parser.add_argument('--memory-of', help=argparse.SUPPRESS)
    return parser.parse_args()


def say(line: str) -> None:
    print(line, flush=True)


def losses(upsampled: bool) -> dict[str, Loss]:
    """What is compared, the floor first."""

    def floor(logits: Tensor, target: Tensor) -> Tensor:
        if upsampled:
            logits = F.interpolate(logits, target.shape[1:], mode='bilinear', align_corners=False)
        return F.cross_entropy(logits, target, ignore_index=IGNORED)

    def ours(implementation: str) -> Loss:
        loss = CEDiceLoss(implementation=implementation)
        return lambda logits, target: loss.loss_and_parts(logits, target, align_corners=False)[0]

    return {'cross_entropy': floor, 'plain': ours('plain'), 'fused': ours('fused')}


def inputs(args: argparse.Namespace, upsampled: bool) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    height, width = args.size
    shape = (height // 4, width // 4) if upsampled else (height, width)
    logits = torch.randn(args.batch, args.classes, *shape, generator=generator).mul_(3)
    target = torch.randint(0, args.classes, (args.batch, height, width), generator=generator)
    target[:, : height // 10] = IGNORED
    return logits.to(args.device).requires_grad_(), target.to(args.device)


def step(loss: Loss, logits: Tensor, target: Tensor) -> tuple[float, Tensor, Tensor]:
    """Seconds, value and gradient."""
    logits.grad = None
    synchronize(logits)
    started = time.perf_counter()
    value = loss(logits, target)
    value.backward()
    synchronize(logits)
    return time.perf_counter() - started, value.detach(), logits.grad


def synchronize(tensor: Tensor) -> None:
    if tensor.is_cuda:
        torch.cuda.synchronize()


def check(rows: dict[str, Loss], logits: Tensor, target: Tensor) -> float:
    """The error of the fused gradient, relative to the largest entry of the plain one; too much of it ends here."""
    _, value, gradient = step(rows['fused'], logits, target)
    _, expected, plain = step(rows['plain'], logits, target)
    error = ((gradient - plain).abs().max() / plain.abs().max()).item()
    if error > TOLERANCE or abs(value - expected) > TOLERANCE * abs(expected):
        raise SystemExit(f'The fused loss is wrong: {value} instead of {expected}, gradient off by {error:.1e}.')
    return error


def peak_memory(args: argparse.Namespace, case: str) -> list[float]:
    """What :func:`measure_memory` gives in a process of its own."""
    command = [sys.executable, __file__, '--memory-of', case, '--device', args.device, '--threads', str(args.threads)]
    sizes = {'--size': args.size, '--batch': [args.batch], '--classes': [args.classes]}
    command += [str(word) for name, values in sizes.items() for word in (name, *values)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def measure_memory(args: argparse.Namespace) -> list[float]:
    """MB beyond the inputs at the peak of one step: of tensors, and by which the process grows."""
    place, name = args.memory_of.split(':')
    loss, upsampled = losses(place == 'upsampled')[name], place == 'upsampled'
    step(loss, *inputs(argparse.Namespace(**{**vars(args), 'size': (64, 64)}), upsampled))
    logits, target = inputs(args, upsampled)
    Path('/proc/self/clear_refs').write_text('5')  # Forgets the peak of the process so far.
    before = process_peak()
    step(loss, logits, target)
    grown = process_peak() - before
    torch.set_num_threads(1)  # The profiler sees one thread.
    return [tensor_peak(lambda: step(loss, logits, target)) / 1e6, grown / 1e6]


def tensor_peak(call: Callable[[], object]) -> float:
    """Bytes of the tensors that a call makes, at its peak."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        call()
        return torch.cuda.max_memory_allocated() - before
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        call()
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == '[memory]']
    changes = [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
    return max(accumulate(changes))


def process_peak() -> int:
    """Bytes of this process at its peak (Linux)."""
    status = dict(line.split(':', 1) for line in Path('/proc/self/status').read_text().splitlines())
    return int(status['VmHWM'].split()[0]) * 1024


def compare(args: argparse.Namespace, upsampled: bool) -> list[dict]:
    rows, batch = losses(upsampled), inputs(args, upsampled)
    place = 'upsampled' if upsampled else 'full size'
    error = check(rows, *batch)
    seconds: dict[str, list[float]] = {name: [] for name in rows}
    for _ in range(args.repeats):
        for name, loss in rows.items():
            seconds[name].append(step(loss, *batch)[0])
    floor = statistics.median(seconds['cross_entropy'])
    return [
        {
            'logits': place,
            'loss': name,
            'seconds': statistics.median(times),
            'ratio': statistics.median(times) / floor,
            'megabytes': peak_memory(args, f'{place}:{name}'),
            'gradient_error': error if name == 'fused' else None,
        }
        for name, times in seconds.items()
    ]


def main() -> None:
    args = parse_args()
    torch.set_num_threads(args.threads)
    if args.memory_of:
        return say(json.dumps(measure_memory(args)))
    load = os.getloadavg()[0]
    machine = (
        f'{platform.processor() or platform.machine()}, {args.threads} thread(s), load {load:.1f}, {args.device}'
    )
    say(f'{args.batch} x {args.classes} x {args.size[0]} x {args.size[1]}, torch {torch.__version__}, {machine}')
    results = [row for upsampled in (False, True) for row in compare(args, upsampled)]
    say(f'{"logits":12}{"loss":16}{"ms":>8}{"ratio":>8}{"MB":>8}{"RSS MB":>8}')
    for row in results:
        figures = f'{1e3 * row["seconds"]:8.0f}{row["ratio"]:8.2f}' + ''.join(
            f'{size:8.0f}' for size in row['megabytes']
        )
        say(f'{row["logits"]:12}{row["loss"]:16}{figures}')
    if args.json:
        args.json.write_text(json.dumps({'machine': machine, 'rows': results}, indent=1))


if __name__ == '__main__':
    main()
