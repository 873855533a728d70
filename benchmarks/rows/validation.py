"""Scoring: counting the pixels of one image, and what a whole pass costs beyond the network."""

from collections.abc import Callable, Iterator

import cv2
import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmseg.evaluation import IoUMetric
from torch import Tensor

from benchmarks.frame import Case, Contender, Trial, timed
from benchmarks.inputs import IGNORED
from benchmarks.network import CLASSES, batch_of, build_network, labels_of
from benchmarks.options import Options
from benchmarks.peers.client import Peers
from mmseg_custom.evaluation import SegmentationMetric, confusion_matrix
from mmseg_custom.evaluation.confusion_matrix import count_by_bincount


def cases(options: Options, peers: Peers) -> Iterator[Case]:
    size = (256, 512) if options.quick else (1024, 2048)
    yield _matrix_case(options, size, rounds=15)
    yield Case(
        'validation',
        f'one image through network and metric, label {size[0]}x{size[1]}',
        lambda: build_pass(options),
        rounds=5,
    )
    for shift in (2, 1, 0):
        grown = (size[0] >> shift, size[1] >> shift)
        yield _matrix_case(options, grown, axis='pixels', value=grown[0] * grown[1])
    for load in (0, 1):
        yield _matrix_case(options, size, axis='busy processes', value=load, load=load)


def _matrix_case(options: Options, size: tuple[int, int], **kwargs: object) -> Case:
    work = f'confusion matrix of an image, {size[0]}x{size[1]}, {CLASSES} classes'
    return Case('metric', work, lambda: build_matrix(options, size, 'axis' in kwargs), **kwargs)


def build_matrix(options: Options, size: tuple[int, int], growth: bool) -> Trial:
    target = labels_of(size).to(options.device)
    prediction = torch.where(target == IGNORED, 0, (target + (torch.rand(size) < 0.2).to(target)) % CLASSES)
    counters = {
        ('calcHist of bytes', 'floor'): histogram_of_bytes(prediction, target),
        ('confusion_matrix', 'ours'): lambda: confusion_matrix(prediction, target, CLASSES),
        ('count_by_bincount', 'twin'): lambda: count_by_bincount(prediction, target, CLASSES, IGNORED),
        ('mmseg IoUMetric', 'peer'): lambda: IoUMetric.intersect_and_union(prediction, target, CLASSES, IGNORED),
        ('np.add.at, as published', 'peer'): lambda: count_one_by_one(prediction, target),
    }
    kept = [item for item in counters.items() if not growth or item[0][1] != 'twin']
    contenders = [Contender(name, role, timed(count, options.device)) for (name, role), count in kept]
    return Trial(contenders, lambda: check_matrix(prediction, target))


def histogram_of_bytes(prediction: Tensor, target: Tensor) -> Callable[[], np.ndarray]:
    """OpenCV's two-dimensional histogram, of arrays that are bytes already."""
    pair = [values.byte().cpu().numpy() for values in (target, prediction)]
    ranges = [0, 256, 0, CLASSES]
    return lambda: cv2.calcHist(pair, [0, 1], None, [256, CLASSES], ranges)


def count_one_by_one(prediction: Tensor, target: Tensor) -> np.ndarray:
    valid = (target != IGNORED).cpu().numpy()
    matrix = np.zeros((CLASSES, CLASSES), np.int64)
    np.add.at(matrix, (target.cpu().numpy()[valid], prediction.cpu().numpy()[valid]), 1)
    return matrix


def check_matrix(prediction: Tensor, target: Tensor) -> None:
    """All ways of counting give the same."""
    matrix = confusion_matrix(prediction, target, CLASSES).cpu()
    assert np.array_equal(matrix, count_one_by_one(prediction, target)), 'confusion_matrix miscounts'
    counts = count_by_bincount(prediction, target, CLASSES, IGNORED)[:-1].view(CLASSES, CLASSES).cpu()
    assert torch.equal(matrix, counts), 'count_by_bincount miscounts'
    assert np.array_equal(histogram_of_bytes(prediction, target)()[:CLASSES], matrix), 'calcHist miscounts'
    intersection = IoUMetric.intersect_and_union(prediction, target, CLASSES, IGNORED)[0]
    assert torch.equal(intersection.long(), matrix.diagonal()), 'IoUMetric counts other pixels'


def build_pass(options: Options) -> Trial:
    """One image; labels at twice the working size, as in the score at the original size."""
    model, batch = build_network(options).eval(), batch_of(options, images=1, label_scale=2)
    ours, theirs = SegmentationMetric(), IoUMetric()
    for metric in (ours, theirs):
        metric.dataset_meta = {'classes': [str(number) for number in range(CLASSES)]}

    def network() -> Tensor:
        with torch.inference_mode():
            return model(**model.data_preprocessor(batch), mode='tensor')

    def whole(metric: BaseMetric) -> None:
        with torch.no_grad():
            samples = [sample.to_dict() for sample in model.test_step(batch)]
        metric.results.clear()
        metric.process(batch, samples)

    works = {
        ('network alone', 'floor'): network,
        ('SegmentationMetric', 'ours'): lambda: whole(ours),
        ('mmseg IoUMetric', 'peer'): lambda: whole(theirs),
    }
    contenders = [Contender(name, role, timed(work, options.device)) for (name, role), work in works.items()]
    return Trial(contenders, lambda: check_pass(lambda: whole(ours), lambda: whole(theirs), ours, theirs))


def check_pass(
    run_ours: Callable[[], None], run_theirs: Callable[[], None], ours: SegmentationMetric, theirs: IoUMetric
) -> None:
    """Both metrics count the same pixels right."""
    run_ours()
    run_theirs()
    assert torch.equal(ours.results[0].matrix.diagonal(), theirs.results[0][0].long()), 'the metrics disagree'
