"""What one model that learns from the folds is worth: `python studies/one_model.py --data data/camvid`.

For each seed, by `mmseg-kfold run --refit --distill` on studies/one_model_config.py: leak-free folds by blocks of
frames, then two models on all images at one model's cost, one by the labels alone, one that also learns each image
from the fold that has not seen it. The control is taught by folds that have seen the image. A whole drive is held out
of everything and scores them. An interrupted call goes on where it stopped.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import mmseg_custom  # noqa: F401 (registers everything)
from benchmarks.machine import describe_machine
from mmseg_custom.evaluation.bootstrap import resampled_miou
from mmseg_custom.evaluation.score import ENSEMBLE
from mmseg_custom.evaluation.scores import scores_of
from mmseg_custom.fusion.weight_scorer import VAL, ScoringOrder, WeightScorer
from mmseg_custom.hooks.distillation_hook import Teachers
from mmseg_custom.io.checkpoints.checkpoint_file import load_weights
from mmseg_custom.io.files import write_json

CONFIG = ROOT / 'studies/one_model_config.py'
RESULT = ROOT / 'studies/results/one_model/result.json'
ONE_RUN, DISTILLED, SEEN = 'one run', 'cross-fitted distillation', 'distillation, image seen'
FOLDER_OF = {ONE_RUN: 'refit', DISTILLED: 'distill', SEEN: 'distill_seen'}
FOLDS = 'mean fold'
PAIRS = (
    (ENSEMBLE, ONE_RUN),
    (DISTILLED, ONE_RUN),
    (SEEN, ONE_RUN),
    (DISTILLED, SEEN),
    (DISTILLED, ENSEMBLE),
)
RESAMPLES = 2000


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', type=Path, default=ROOT / 'data/camvid', help='as docs/how_to/own_data.md has it')
    parser.add_argument('--work-dir', type=Path, default=ROOT / 'work_dirs/one_model')
    parser.add_argument('--held-out', default='0001TP', help='the drive that scores')
    parser.add_argument('--seeds', type=int, nargs='+', default=[42, 43, 44])
    parser.add_argument('--steps', type=int, default=380, help='of each training, batches of 8')
    parser.add_argument('--folds', type=int, default=4)
    parser.add_argument('--jobs', type=int, default=1)
    return parser.parse_args()


def write_lists(args: argparse.Namespace, folder: Path) -> None:
    """The names of the images that are trained on, and of those that score."""
    names = sorted(file.stem for file in (args.data / 'images/train').iterdir())
    held_out = [name for name in names if name.startswith(args.held_out)]
    folder.mkdir(parents=True, exist_ok=True)
    for file, some in (('held_out', held_out), ('train', [name for name in names if name not in held_out])):
        (folder / f'{file}.txt').write_text('\n'.join(some) + '\n')


def train(args: argparse.Namespace, seed: int) -> Path:
    """Folds, the one run, the student and the control of a seed; returns their folder."""
    folder = args.work_dir / f'seed{seed}'
    command = [sys.executable, ROOT / 'tools/kfold.py', 'run', CONFIG, '--work-dir', folder, '--seed', seed]
    folds = ['--folds', args.folds, '--group-by', 'block', '--block-size', 20, '--jobs', args.jobs]
    call([*command, *folds, '--refit', '--distill'])
    call([sys.executable, ROOT / 'tools/train.py', write_control(folder), '--resume'])
    return folder


def write_control(folder: Path) -> Path:
    """The config of a student whose teachers have seen their images: each but the one that has not, in turns."""
    cfg = Config.fromfile(folder / 'plan/distill/distill_stage1.py')
    hook = next(hook for hook in cfg.custom_hooks if hook['type'] == 'DistillationHook')
    teachers = Teachers.read(hook.teachers)
    count = len(teachers.weights)
    turned = {path: (number + 1) % count for path, number in teachers.images.items()}
    place = folder / FOLDER_OF[SEEN]
    hook.teachers = str(place / 'teachers.json')
    Teachers(teachers.weights, teachers.digests, turned).write(hook.teachers)
    cfg.work_dir = str(folder / 'runs' / FOLDER_OF[SEEN])
    cfg.default_hooks.fold_average.stage_dir = str(place)
    path = folder / 'plan/distill_seen/distill_seen_stage1.py'
    path.parent.mkdir(exist_ok=True)
    cfg.dump(path)
    return path


def call(command: list) -> None:
    """Run a command that goes on where it was interrupted."""
    subprocess.run(list(map(str, command)), check=True, env=os.environ | {'PYTHONPATH': str(ROOT)})


def matrices_of(folder: Path) -> dict[str, Tensor]:
    """The confusion matrix of each held-out image for every model of a seed."""
    files = {name: next((folder / place).glob('*.pth')) for name, place in FOLDER_OF.items()}
    folds = {file.stem: file for file in sorted((folder / 'stage1').glob('fold*.pth'))}
    weights = {name: load_weights(file) for name, file in {**files, **folds}.items()}
    init_default_scope('mmseg')
    cfg = Config.fromfile(folder / 'plan/distill_seen/distill_seen_stage1.py')
    cfg.test_evaluator = {'type': 'SegmentationMetric'}  # It keeps the matrix of each image.
    scored = WeightScorer(cfg).together(ScoringOrder(weights, ensemble=tuple(folds)))
    return {name: one.matrices[VAL] for name, one in scored.items()}


def seeds_and_images(of_seed: Mapping[int, Tensor], resamples: int = RESAMPLES) -> np.ndarray:
    """The mean mIoU over seeds, of seeds and images drawn again and again, (R,); the same draws for every model."""
    drawn = np.stack([resampled_miou(matrices, resamples).numpy() for matrices in of_seed.values()])
    chosen = np.random.default_rng(1).integers(len(drawn), size=(resamples, len(drawn)))
    return drawn[chosen, np.arange(resamples)[:, None]].mean(1)


def compare(found: Mapping[int, Mapping[str, Tensor]]) -> dict:
    """Scores a seed, and the differences with their intervals over seeds and images."""
    first = next(iter(found.values()))
    score = {name: {seed: miou(one[name]) for seed, one in found.items()} for name in first}
    draws = {name: seeds_and_images({seed: one[name] for seed, one in found.items()}) for name in first}
    gains = {
        f'{after} - {before}': {
            'mean': round(float(np.mean([score[after][seed] - score[before][seed] for seed in found])), 2),
            'interval': [round(end, 2) for end in np.percentile(draws[after] - draws[before], [2.5, 97.5]).tolist()],
        }
        for after, before in PAIRS
    }
    folds = [name for name in first if name.startswith('fold')]
    mean_fold = {seed: float(np.mean([score[name][seed] for name in folds])) for seed in found}
    kept = {FOLDS: mean_fold, **{name: score[name] for name in (ENSEMBLE, *FOLDER_OF)}}
    rounded = {name: {seed: round(value, 2) for seed, value in values.items()} for name, values in kept.items()}
    return {'mIoU': rounded, 'gains': gains}


def miou(matrices: Tensor) -> float:
    return scores_of(matrices.sum(0))['mIoU']


def main() -> None:
    args = parse_args()
    os.environ.setdefault('OMP_NUM_THREADS', '1')
    torch.set_num_threads(1)
    args.data, args.work_dir = args.data.resolve(), args.work_dir.resolve()
    lists = args.work_dir / 'lists'
    write_lists(args, lists)
    os.environ |= {'STUDY_DATA': str(args.data), 'STUDY_LISTS': str(lists), 'STUDY_STEPS': str(args.steps)}
    found = {seed: matrices_of(train(args, seed)) for seed in args.seeds}
    settings = {key: getattr(args, key) for key in ('held_out', 'steps', 'folds')}
    result = {**settings, **compare(found), 'machine': describe_machine('cpu', 1)}
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    write_json(result, RESULT)
    print(json.dumps(result, indent=1))


if __name__ == '__main__':
    main()
