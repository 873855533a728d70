"""Label errors beside cleanlab, their growth, and what of an out-of-fold pass is the network.

    python benchmarks/label_errors.py                     # the first two, on made-up predictions
    python benchmarks/label_errors.py --run work_dirs/my_config_kfold    # the third, of a finished `mmseg-kfold run`

Each side has a process of its own and one thread. Memory is the peak beyond what imports hold; on a machine that does
something else too, processor time says more than the clock.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mmseg_custom.cross_validation.stored_run import predictions_folder
from mmseg_custom.evaluation.kept_predictions import ALL, MAPS, RECORDS, Index, KeptPredictions, Maps
from mmseg_custom.evaluation.pixel_probabilities import LEVELS, as_levels
from mmseg_custom.io.processes import peak_memory
from mmseg_custom.label_errors.confident_learning import label_quality, sum_by_class

BESIDE = {(120, 160, 11): (100, 300, 1000), (360, 480, 19): (100, 300)}  # Images by height, width and classes.
GROWTH, SMALL = (100, 1000, 10000), (60, 80, 11)
DISTINCT = 50  # The others are copies of these: time and memory do not depend on what is in them.
COARSE, DETAIL = (4, 6), (6, 9)  # Grids of what is there, and of what is predicted beside it.
DOUBT, SURE = 0.3, 6  # Weight of the latter, and of the logits: a tenth of the pixels is contradicted, as on CamVid.
BOUNDARY, LEAST = 3, 100  # As `mmseg-kfold label-errors` has them.
SMALL_LEAST = 20  # Of small images, for which 100 pixels are much.


def write_predictions(folder: Path, images: int, shape: tuple[int, int, int], probabilities: bool) -> None:
    """Keep made-up predictions in the form of `mmseg-kfold out-of-fold`: regions, and doubts about some of them."""
    kept = KeptPredictions(predictions_folder(folder, 1))
    names = [f'image{number:05}' for number in range(images)]
    for number, name in enumerate(names):
        if number < DISTINCT:
            _write_one(kept, name, np.random.default_rng(number), shape, probabilities)
        else:
            _copy_one(kept, names[number % DISTINCT], name, probabilities)
    kept.write_index(Index([f'class {k}' for k in range(shape[2])], [[k, k, k] for k in range(shape[2])], names))


def _write_one(kept: KeptPredictions, name: str, rng: Any, shape: tuple[int, int, int], probabilities: bool) -> None:
    height, width, classes = shape
    there, beside = (
        cv2.resize(rng.normal(size=(*grid, classes)), (width, height), interpolation=cv2.INTER_CUBIC)
        for grid in (COARSE, DETAIL)
    )
    powers = np.exp(SURE * (there + DOUBT * beside))
    levels = as_levels(powers / powers.sum(2, keepdims=True)).transpose(2, 0, 1)
    label, predicted = there.argmax(2).astype(np.uint8), levels.argmax(0).astype(np.uint8)
    given = np.take_along_axis(levels, label[None].astype(np.int64), 0)[0]
    matrix = np.bincount(label.ravel() * np.int64(classes) + predicted.ravel(), minlength=classes**2)
    kept.write(
        Maps(label, predicted, given, levels.max(0)),
        np.ascontiguousarray(levels) if probabilities else None,
        name=name,
        image=f'{name}.jpg',
        label=f'{name}.png',
        made_of={},
        predicted_by='fold1',
        seen=False,
        counts=[[cell // classes, cell % classes, int(matrix[cell])] for cell in np.flatnonzero(matrix).tolist()],
        probability_sums=sum_by_class(given / LEVELS, label, classes).tolist(),
        quality=label_quality(given / LEVELS),
    )


def _copy_one(kept: KeptPredictions, source: str, name: str, probabilities: bool) -> None:
    for kind in (*MAPS, ALL) if probabilities else MAPS:
        shutil.copyfile(kept.path(kind, source), kept.path(kind, name))
    kept.path(RECORDS, name).write_text(json.dumps(asdict(replace(kept.record(source), name=name)), indent=1))


@contextmanager
def measured(found: dict[str, Any], what: str) -> Iterator[None]:
    """Enter seconds by the clock and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    yield
    found[f'{what}_clock'] = time.perf_counter() - clock
    found[f'{what}_processor'] = time.process_time() - processor


def by_cleanlab(folder: Path) -> dict[str, Any]:
    """Its filter and its rank on one array of all probabilities; reading that is not in its time."""
    from cleanlab.segmentation.filter import find_label_issues
    from cleanlab.segmentation.rank import get_label_quality_scores

    found: dict[str, Any] = {'imports': peak_memory()}
    kept = KeptPredictions(predictions_folder(folder, 1))
    names = kept.index().names
    labels = np.stack([kept.maps(kept.record(name)).label for name in names]).astype(np.int64)
    first = np.load(kept.path(ALL, names[0]))['probabilities']
    probabilities = np.empty((len(names), *first.shape), np.float32)
    for whole, name in zip(probabilities, names, strict=True):
        np.divide(np.load(kept.path(ALL, name))['probabilities'], LEVELS, out=whole, dtype=np.float32)
    with measured(found, 'work'):
        errors = find_label_issues(labels, probabilities, n_jobs=1, verbose=False)
        get_label_quality_scores(labels, probabilities, n_jobs=1, verbose=False)
    return found | {'errors': int(errors.sum())}


def by_us(folder: Path) -> dict[str, Any]:
    """What cleanlab does, and the components: with all reading, and what the out-of-fold pass counts already."""
    from mmseg_custom.label_errors.search import Search

    found: dict[str, Any] = {'imports': peak_memory()}
    kept = KeptPredictions(predictions_folder(folder, 1))
    with measured(found, 'work'):
        index = kept.index()
        for name in index.names:
            maps = kept.maps(kept.record(name))
            sum_by_class(maps.given / np.float32(LEVELS), maps.label, len(index.classes))
            label_quality(maps.given / np.float32(LEVELS))
        errors = Search(BOUNDARY, LEAST).run(kept, index.names, lambda name, classes: None)
    return found | {'errors': errors.pixels}


def by_the_command(folder: Path) -> dict[str, Any]:
    """`mmseg-kfold label-errors`."""
    from mmseg_custom.out_of_fold.label_errors_command import find_label_errors

    found: dict[str, Any] = {'imports': peak_memory()}
    options = {'verdicts': None, 'boundary': BOUNDARY, 'min_size': SMALL_LEAST, 'shown': 300}
    with measured(found, 'work'):
        find_label_errors(Namespace(folder=str(folder), stage=1, **options), lambda line: None)
    lines = (folder / 'label_errors/stage1/components.csv').read_text().count('\n')
    return found | {'components': lines - 1}


def of_a_pass(folder: Path) -> dict[str, Any]:
    """The first fold of a run: its network on the batches, MMSegmentation's test step on them, the whole pass."""
    import torch
    from mmengine.runner import Runner

    from mmseg_custom.cross_validation.predictors import choose_predictors
    from mmseg_custom.cross_validation.stored_run import read_stage
    from mmseg_custom.out_of_fold.predict import OutOfFoldPass, network_of

    torch.set_num_threads(1)
    part = choose_predictors(read_stage(folder))[0]
    model, loader = network_of(part.predictor), Runner.build_dataloader(part.predictor.cfg.val_dataloader)
    batches = list(loader)
    found: dict[str, Any] = {'images': len(part.names)}
    prepared = [model.data_preprocessor(batch) for batch in batches]
    with torch.no_grad():
        model(**prepared[0], mode='tensor')
        with measured(found, 'network'):
            for batch in prepared:
                model(**batch, mode='tensor')
        with measured(found, 'test_step'):
            for batch in batches:
                model.test_step(batch)
    del batches, prepared
    with tempfile.TemporaryDirectory() as kept:
        start = peak_memory()
        with measured(found, 'pass'):
            OutOfFoldPass(KeptPredictions(kept), None, lambda line: None).run([part])
    return found | {'imports': start}


CHILDREN: dict[str, Callable[[Path], dict[str, Any]]] = {
    'cleanlab': by_cleanlab,
    'here': by_us,
    'command': by_the_command,
    'pass': of_a_pass,
}


def in_a_process(what: str, folder: Path) -> dict[str, Any]:
    """What one of ``CHILDREN`` gives, with its peak beyond the imports."""
    environment = os.environ | {'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT)}
    command = [sys.executable, __file__, '--child', what, '--run', str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr[-4000:])
    return json.loads(done.stdout.splitlines()[-1])


def compare(shape: tuple[int, int, int], images: int) -> None:
    """Print a line of cleanlab beside this project."""
    with tempfile.TemporaryDirectory() as temporary:
        write_predictions(Path(temporary), images, shape, probabilities=True)
        sides = {what: in_a_process(what, Path(temporary)) for what in ('cleanlab', 'here')}
    size = f'{images} images of {shape[1]}x{shape[0]}, {shape[2]} classes'
    for what, found in sides.items():
        print(f'{size:42}{what:10}{_times(found, "work")}{_memory(found)}, {found["errors"]} pixels', flush=True)


def grow(images: int) -> None:
    """Print a line of the command on so many small images."""
    with tempfile.TemporaryDirectory() as temporary:
        write_predictions(Path(temporary), images, SMALL, probabilities=False)
        found = in_a_process('command', Path(temporary))
    each = 1000 * found['work_processor'] / images
    size = f'{images} images of {SMALL[1]}x{SMALL[0]}, {found["components"]} components'
    print(f'{size:42}command   {_times(found, "work")}{_memory(found)}, {each:.1f} ms an image', flush=True)


def split_pass(folder: Path) -> None:
    """Print what of a pass is the network."""
    found = in_a_process('pass', folder.resolve())
    for what in ('network', 'test_step', 'pass'):
        each = 1000 * found[f'{what}_processor'] / found['images']
        share = found[f'{what}_processor'] / found['pass_processor']
        print(f'{what:10}{_times(found, what)}, {each:.0f} ms an image, {100 * share:.0f} % of the pass')


def _times(found: dict[str, Any], what: str) -> str:
    return f'{found[f"{what}_processor"]:8.2f} s of the processor, {found[f"{what}_clock"]:.2f} s by the clock'


def _memory(found: dict[str, Any]) -> str:
    return f', {(found["peak"] - found["imports"]) / 1e6:.0f} MB'


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--run', type=Path, help='folder of a finished run: split its out-of-fold pass')
    parser.add_argument('--child', choices=CHILDREN, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(CHILDREN[args.child](args.run) | {'peak': peak_memory()}))
    elif args.run:
        split_pass(args.run)
    else:
        for shape, counts in BESIDE.items():
            for images in counts:
                compare(shape, images)
        for images in GROWTH:
            grow(images)


if __name__ == '__main__':
    main()
