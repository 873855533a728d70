"""Hours, bytes and limits of a plan on many GPUs: `python benchmarks/scaling.py --gpus 1 8 64 --images 1000000`.

A calculation from measured parts, no measurement. Every part is an option, and its help says where the default is
from. The model, explained in `docs/explanation/scaling.md`: folds side by side, the GPUs that are left within the
folds, stages one after the other.
"""

import argparse
import math
from dataclasses import dataclass, field, fields
from typing import Any

from prettytable import PrettyTable, TableStyle

ONE_FOLD = 1


def part(default: float, source: str) -> Any:
    """A field with its default, and where that is from."""
    return field(default=default, metadata={'source': source})


@dataclass(frozen=True)
class Parts:
    """What a plan is made of; times of a GPU are those of one."""

    images: int = part(2975, 'in the train split (Cityscapes)')
    val_images: int = part(500, 'in the official val split (Cityscapes)')
    folds: int = part(5, 'of every stage but the first (the recipe)')
    stages: int = part(5, 'the recipe')
    first_epochs: int = part(10, 'of the first stage, which has no folds (the recipe)')
    epochs: int = part(20, 'of the other stages (the recipe)')
    batch: int = part(8, 'images a step, over all GPUs of a fold (the recipe)')
    step_seconds: float = part(0.026, 'a trained image (ASSUMED: 3 x 512 GFLOP, counted, at 60 TFLOP/s)')
    forward_share: float = part(0.333, 'of that for a scored image (counted)')
    sync_seconds: float = part(0.005, 'latency of a step on several GPUs (ASSUMED)')
    link: float = part(25e9, 'bytes/s that a GPU sends in an all-reduce (ASSUMED: 200 Gbit/s)')
    model_bytes: float = part(107e6, 'of a state dict, 26.7 million parameters (counted)')
    image_bytes: float = part(2.1e6, 'of a packed sample, 512 x 1024 x (3 + 1) (counted)')
    load_seconds: float = part(0.02, 'of a core for a packed, augmented sample (ASSUMED; PNG files: 0.1)')
    cores: int = part(8, 'for loading beside each GPU (ASSUMED)')
    server: float = part(5e9, 'bytes/s of the shared file system (ASSUMED)')
    fold_seconds: float = part(0.8, 'of a fold beside its training (measured: benchmarks/fold_start.py)')
    average_seconds: float = part(0.9, 'averaging 5 folds, reading them included (measured on 2 CPU cores)')

    @property
    def image_seconds(self) -> float:
        """Of a GPU for a trained image, waiting for its loader included."""
        return max(self.step_seconds, self.load_seconds / self.cores)

    @property
    def resume_bytes(self) -> float:
        """Of a resume point: the weights, and two numbers of Adam beside each."""
        return 3 * self.model_bytes


@dataclass(frozen=True)
class Cost:
    """Seconds, bytes between GPUs, bytes to and from the file server."""

    seconds: float
    between: float
    served: float

    def __add__(self, other: 'Cost') -> 'Cost':
        sums = (getattr(self, item.name) + getattr(other, item.name) for item in fields(self))
        return Cost(*sums)


def gpus_a_fold(parts: Parts, gpus: int, folds: int) -> int:
    """How many of ``gpus`` a fold gets when the folds share them; each has as many images a step as the others."""
    room = max(1, gpus // folds)
    return max(n for n in range(1, parts.batch + 1) if parts.batch % n == 0 and n <= room)


def step(parts: Parts, gpus: int) -> float:
    """Seconds of a training step of one fold on ``gpus``: its images, then a ring all-reduce of all gradients."""
    images = parts.batch / gpus * parts.image_seconds
    exchange = parts.sync_seconds + 2 * (gpus - 1) / gpus * parts.model_bytes / parts.link
    return images + (exchange if gpus > 1 else 0)


def stage(parts: Parts, gpus: int, folds: int, epochs: int) -> Cost:
    """A stage; one fold has no part of its own and is scored on val."""
    own = parts.val_images if folds == ONE_FOLD else parts.images / folds
    trained = parts.images if folds == ONE_FOLD else parts.images - own
    each, scored = gpus_a_fold(parts, gpus, folds), parts.forward_share * parts.image_seconds
    steps = epochs * trained / parts.batch
    fold = steps * step(parts, each) + (epochs * own + parts.val_images) * scored / each + parts.fold_seconds
    fuse = 0 if folds == ONE_FOLD else 3 * parts.val_images * scored + parts.average_seconds
    read = epochs * (trained + own) + parts.val_images
    served = folds * (read * parts.image_bytes + epochs * (parts.resume_bytes + parts.model_bytes))
    seconds = max(math.ceil(folds / gpus) * fold, served / parts.server) + fuse
    return Cost(seconds, folds * steps * 2 * (each - 1) * parts.model_bytes, served)


def plan(parts: Parts, gpus: int) -> Cost:
    """All stages, one after the other."""
    rest = [stage(parts, gpus, parts.folds, parts.epochs)] * (parts.stages - 1)
    return sum(rest, stage(parts, gpus, ONE_FOLD, parts.first_epochs))


def limits(parts: Parts) -> dict[str, float]:
    """The number of GPUs up to which a stage with folds gets faster, by what ends it."""
    shares = range(2, parts.batch + 1)
    half = [n for n in shares if step(parts, n) > 2 * parts.batch / n * parts.image_seconds]
    return {
        'folds side by side, one GPU each': parts.folds,
        'the batch, one image a GPU': parts.folds * parts.batch,
        'exchange takes half of a step': parts.folds * half[0] if half else math.inf,
        'the file server': parts.server * parts.image_seconds / parts.image_bytes,
    }


def holds_up(parts: Parts, gpus: int) -> str:
    """What keeps this many GPUs from being faster in a stage with folds."""
    each, cost = gpus_a_fold(parts, gpus, parts.folds), stage(parts, gpus, parts.folds, parts.epochs)
    used = min(gpus, parts.folds) * each
    if cost.served / parts.server >= 0.99 * cost.seconds:
        return 'the file server'
    if gpus < parts.folds:
        last = parts.folds % gpus
        return f'the last round has {last} fold(s)' if last else 'the GPUs'
    if used < gpus:
        return f'{gpus - used} idle: {parts.folds} folds x {each}' + (', the batch' if each == parts.batch else '')
    return 'the GPUs' if each == 1 else 'exchange between the GPUs of a fold'


def disk(parts: Parts) -> tuple[float, float]:
    """Bytes of the packed data, and of a run at its fullest: the folds of the last stage under way."""
    outcome = (parts.folds + 2) * parts.model_bytes
    run = 3 * parts.resume_bytes + 2 * parts.model_bytes
    data = (parts.images + parts.val_images) * parts.image_bytes
    return data, parts.stages * outcome + parts.folds * run


def table(parts: Parts, gpus: list[int]) -> str:
    """A line a number of GPUs."""
    header = ['GPUs', 'hours', 'efficiency', 'TB between GPUs', 'TB from files', 'GB/s from files', 'held up by']
    rows, one = PrettyTable(header), plan(parts, 1).seconds
    rows.align, rows.align['held up by'] = 'r', 'l'
    rows.set_style(TableStyle.MARKDOWN)
    for number in gpus:
        cost = plan(parts, number)
        figures = [cost.seconds / 3600, one / number / cost.seconds, cost.between / 1e12, cost.served / 1e12]
        rate = cost.served / cost.seconds / 1e9
        form = [f'{figures[0]:.1f}', f'{figures[1]:.0%}', *(f'{value:.2f}' for value in (*figures[2:], rate))]
        rows.add_row([number, *form, holds_up(parts, number)])
    return rows.get_string()


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--gpus', type=int, nargs='+', default=[1, 5, 8, 40, 64], help='numbers of GPUs')
    for item in fields(Parts):
        text = f'{item.metadata["source"]}; default {item.default:g}'
        parser.add_argument(f'--{item.name.replace("_", "-")}', type=item.type, default=item.default, help=text)
    return parser.parse_args()


def say(line: str) -> None:
    print(line, flush=True)


def main() -> None:
    args = parse_args()
    parts = Parts(**{item.name: getattr(args, item.name) for item in fields(Parts)})
    data, runs = disk(parts)
    say(f'{parts.images} images, {parts.stages} stages, {parts.folds} folds, batch {parts.batch}\n')
    say(table(parts, args.gpus))
    say(f'\ndisk: {data / 1e12:.3f} TB of packed data, {runs / 1e9:.1f} GB of weights and resume points')
    say('a stage with folds gets faster up to this many GPUs:')
    for name, number in sorted(limits(parts).items(), key=lambda limit: limit[1]):
        say(f'  {"never" if math.isinf(number) else round(number):>6}  {name}')


if __name__ == '__main__':
    main()
