"""Calibration from counts in bins is what it is from all pixels."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from mmseg_custom.evaluation.calibration import BINS, ONE, TEMPERATURES, Bins, CalibrationCounts, calibrate


def image(seed, pixels=400, classes=4, scale=1.0):
    """Logits (C, 1, N) and labels that follow their softmax, a tenth of them void."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (classes, pixels))
    chances = np.exp(logits) / np.exp(logits).sum(0)
    label = np.array([rng.choice(classes, p=column) for column in chances.T])
    label[rng.random(pixels) < 0.1] = 255
    return torch.from_numpy(scale * logits)[:, None], torch.from_numpy(label)[None]


def direct(logits, label, temperature):
    """NLL of a pixel in nats and ECE in percent, pixel by pixel."""
    kept = label.numpy().ravel() != 255
    scores = logits.numpy().reshape(len(logits), -1)[:, kept] / temperature
    given = label.numpy().ravel()[kept]
    chances = np.exp(scores) / np.exp(scores).sum(0)
    nll = -np.log(chances[given, np.arange(len(given))]).mean()
    best, right = chances.max(0), chances.argmax(0) == given
    edges, error = np.linspace(0, 1, BINS + 1), 0.0
    for low, high in pairwise(edges):
        inside = (best >= low) & (best < high)
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - best[inside].mean())
    return nll, 100 * error


def test_four_pixels_by_hand():
    chances = torch.tensor([[0.9, 0.9, 0.4, 0.6], [0.1, 0.1, 0.6, 0.4]])
    counts = CalibrationCounts.of(chances.log()[:, None], torch.tensor([[0, 1, 1, 0]]))
    bins = Bins.of([(counts, ONE)])
    assert TEMPERATURES[ONE] == 1 and bins.pixels.sum() == 4
    assert bins.ece == pytest.approx(40)  # 0.9 said, one of two right; 0.6 said, both right.
    assert bins.mean_nll == pytest.approx(-(math.log(0.9) + math.log(0.1) + 2 * math.log(0.6)) / 4)


@pytest.mark.parametrize('at', [0, ONE, 30, len(TEMPERATURES) - 1])
def test_bins_give_the_numbers_of_the_pixels(at):
    pictures = [image(seed) for seed in range(3)]
    total = Bins.of([(CalibrationCounts.total(CalibrationCounts.of(*one) for one in pictures), at)])
    nll, ece = direct(*(torch.cat(parts, -1) for parts in zip(*pictures, strict=True)), TEMPERATURES[at])
    assert total.mean_nll == pytest.approx(nll) and total.ece == pytest.approx(ece)


def test_logits_twice_too_large_have_temperature_two():
    found = calibrate({f'fold{k}': CalibrationCounts.of(*image(k, 8000, scale=2.0)) for k in range(3)})
    assert found.temperature == pytest.approx(2, rel=0.1)
    assert found.after.ece < found.before.ece / 2 and found.after.mean_nll < found.before.mean_nll


def test_a_fold_is_judged_by_the_temperature_of_the_others():
    counts = {'a': CalibrationCounts.of(*image(0, 4000, scale=4.0)), 'b': CalibrationCounts.of(*image(1, 4000))}
    own = {name: one.best() for name, one in counts.items()}
    found = calibrate(counts)
    assert own['a'] > own['b'] + 8 and found.of_folds == {name: TEMPERATURES[at] for name, at in own.items()}
    swapped = Bins.of([(counts['a'], own['b']), (counts['b'], own['a'])])
    assert found.after.ece == swapped.ece and found.after.nll == swapped.nll
    alone = calibrate({'a': counts['a']})
    assert alone.after.nll == counts['a'].nll.min() and alone.temperature == TEMPERATURES[own['a']]


def test_large_images_count_by_every_nth_pixel_and_void_ones_not_at_all():
    logits, label = image(5, 1000)
    known = (label[0] != 255).nonzero()[:, 0]
    some = known[:: -(-len(known) // 100)]
    thinned = CalibrationCounts.of(logits, label, most=100)
    assert 50 < len(some) <= 100 and thinned.pixels[ONE].sum() == len(some)
    alone = CalibrationCounts.of(logits[..., some], label[:, some])
    assert all(np.allclose(value, vars(alone)[name]) for name, value in vars(thinned).items())
    nothing = CalibrationCounts.of(logits, torch.full_like(label, 255))
    assert not nothing.pixels.any() and Bins.of([(nothing, ONE)]).ece == 0


def test_counts_are_read_as_they_were_written():
    counts = CalibrationCounts.of(*image(0))
    again = CalibrationCounts.from_bytes(counts.to_bytes())
    assert all(np.array_equal(value, vars(again)[name]) for name, value in vars(counts).items())
