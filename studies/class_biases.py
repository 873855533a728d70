"""Does one bias a class, fitted on out-of-fold logits, gain mIoU? `python studies/class_biases.py RUN_FOLDER...`.

Each is a finished `mmseg-kfold run` whose config has a val split that no fold was trained on. Biases are added to the
logits, fitted on all out-of-fold images for the val split, on those of the other folds for the out-of-fold images.
Three ways: `fitted` (coordinate ascent on the pooled mIoU), `prior` (minus the logarithm of how often a class is
labelled), `scaled prior` (that times one fitted number).
"""

import argparse
import sys
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from mmengine.runner import Runner
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mmseg_custom.cross_validation.stored_run import TrainedFold, read_stage
from mmseg_custom.evaluation.bootstrap import gain_interval
from mmseg_custom.evaluation.confusion_matrix import confusion_matrix
from mmseg_custom.evaluation.scores import iou_per_class, scores_of
from mmseg_custom.io.files import write_json
from mmseg_custom.out_of_fold.predict import network_of

RESULTS = Path(__file__).resolve().parent / 'results' / 'class_biases'
EVERY = 4  # Rows and columns of pixels that are looked at: neighbours say the same.
FIT_EVERY = 4  # Of these pixels, the ones that biases are fitted on.
VOID = 255
STEPS = torch.arange(-60, 61) / 20  # A bias that is tried: up to 3 nats each way.
ROUNDS = 5  # Over all classes; the last ones change little.
SCALES = torch.arange(0, 21) / 20  # Of the prior.

Images = list[tuple[Tensor, Tensor]]  # Logits (C, N) and label (N,) of each.
Fit = Callable[[Tensor, Tensor], Tensor]  # Of logits (C, N) and label (N,), to biases (C,).


def fitted(logits: Tensor, label: Tensor) -> Tensor:
    """Biases by coordinate ascent on the mIoU: all steps of a class are tried at once, by where it would win."""
    biases = torch.zeros(len(logits))
    for _ in range(ROUNDS):
        for kind in range(len(logits)):
            moved = logits + biases[:, None]
            moved[kind] = -torch.inf
            rival, second = moved.max(0)
            matrices = _by_step(rival - logits[kind], second, label, kind, len(logits))
            biases[kind] = STEPS[iou_per_class(matrices).nanmean(-1).argmax()]
    return biases - biases.mean()


def _by_step(needed: Tensor, second: Tensor, label: Tensor, kind: int, classes: int) -> Tensor:
    """The confusion matrix at each of ``STEPS``, of the bias at which a class wins and of what wins before."""
    first = torch.bucketize(needed, STEPS, right=True)  # The first step that is above what is needed.
    cells = (first * classes + label) * classes + second
    left = torch.bincount(cells, minlength=(len(STEPS) + 1) * classes**2).view(-1, classes, classes)
    won = left[:-1].cumsum(0)
    matrices = left.sum(0) - won
    matrices[:, :, kind] += won.sum(2)
    return matrices


def prior(logits: Tensor, label: Tensor) -> Tensor:
    """Minus the logarithm of the share of the pixels that a class has (Menon et al. 2021)."""
    return -(torch.bincount(label, minlength=len(logits)).clamp_min(1) / len(label)).log()


def scaled_prior(logits: Tensor, label: Tensor) -> Tensor:
    """The same times the number with the best mIoU."""
    whole = prior(logits, label)
    scores = [float(iou_per_class(_matrix(logits, label, scale * whole)).nanmean()) for scale in SCALES]
    return SCALES[int(torch.tensor(scores).argmax())] * whole


WAYS: dict[str, Fit] = {'fitted': fitted, 'prior': prior, 'scaled prior': scaled_prior}


def _matrix(logits: Tensor, label: Tensor, biases: Tensor) -> Tensor:
    predicted = (logits + biases[:, None]).max(0).indices
    return confusion_matrix(predicted, label, len(logits), VOID)


def images_of(fold: TrainedFold, loader_cfg: dict[str, Any]) -> Images:
    """The logits of a fold on a grid of the labelled pixels of a loader's images."""
    model = network_of(fold)
    return [_on_grid(sample) for batch in Runner.build_dataloader(loader_cfg) for sample in model.test_step(batch)]


def _on_grid(sample: Any) -> tuple[Tensor, Tensor]:
    label = sample.gt_sem_seg.data[0, ::EVERY, ::EVERY].flatten().long()
    logits = sample.seg_logits.data[:, ::EVERY, ::EVERY].flatten(1).float()
    return logits[:, label != VOID], label[label != VOID]


def together(folds: list[Images]) -> Images:
    """The logarithm of the mean probability of all folds, of the same images."""
    grouped = zip(*folds, strict=True)
    return [(torch.stack([one.softmax(0) for one, _ in same]).mean(0).log(), same[0][1]) for same in grouped]


def _pixels(images: Iterable[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    logits, labels = zip(*((logits[:, ::FIT_EVERY], label[::FIT_EVERY]) for logits, label in images), strict=True)
    return torch.cat(logits, 1), torch.cat(labels)


def gain(images: Images, biases: list[Tensor]) -> dict[str, Any]:
    """Scores without and with the biases of each image, and the paired interval of the difference in mIoU."""
    before, after = (
        torch.stack([_matrix(*image, scale * own) for image, own in zip(images, biases, strict=True)])
        for scale in (0, 1)
    )
    found: dict[str, Any] = {'interval': [round(end, 2) for end in gain_interval(before, after)]}
    for when, matrix in (('before', before.sum(0)), ('after', after.sum(0))):
        scores = scores_of(matrix)
        found[when] = {key: round(scores[key], 2) for key in ('mIoU', 'aAcc')}
        found[when]['IoU'] = [round(value, 1) for value in iou_per_class(matrix).tolist()]
    return {'gain': round(found['after']['mIoU'] - found['before']['mIoU'], 2), **found}


@torch.no_grad()
def measure(folder: Path) -> dict[str, Any]:
    """All gains of a run."""
    folds = read_stage(folder)
    held_out = [images_of(fold, fold.cfg.val_dataloader) for fold in folds]
    val = {fold.name: images_of(fold, fold.cfg.test_dataloader) for fold in folds}
    val['ensemble'] = together([*val.values()])
    classes = list(folds[0].held_out.metainfo['classes'])
    all_images = list(chain(*held_out))
    found: dict[str, Any] = {'images': {'out of fold': len(all_images), 'val': len(val['ensemble'])}, 'ways': {}}
    for way, fit in WAYS.items():
        of_all = fit(*_pixels(all_images))
        others = [fit(*_pixels(chain(*held_out[:at], *held_out[at + 1 :]))) for at in range(len(folds))]
        own = [biases for biases, images in zip(others, held_out, strict=True) for _ in images]
        found['ways'][way] = {
            'biases': dict(zip(classes, (round(value, 2) for value in of_all.tolist()), strict=True)),
            'out of fold': gain(all_images, own),
            'val': {name: gain(images, [of_all] * len(images)) for name, images in val.items()},
        }
        print(folder.name, way, {what: one['gain'] for what, one in found['ways'][way]['val'].items()}, flush=True)
    return found


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folders', nargs='+', type=Path)
    for one in parser.parse_args().folders:
        write_json(measure(one), RESULTS / f'{one.name}.json')
