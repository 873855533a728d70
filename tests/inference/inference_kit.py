"""A predictor whose answer is known: class 0 everywhere, two classes."""

import torch

from mmseg_custom.inference.labels import Labels
from mmseg_custom.inference.predictor import Predictor
from mmseg_custom.inference.preparation import Preparation

LABELS = Labels(('road', 'sky'), ((10, 20, 30), (40, 50, 60)), (7, 23))


class StripesNetwork:
    """Gives every pixel the same scores, and notes the sizes of its batches."""

    kind = 'logits'

    def __init__(self, scores=(1.0, 0.0)):
        self.scores = torch.tensor(scores)
        self.batches = []

    def __call__(self, samples):
        self.batches.append(len(samples))
        height, width = samples[0]['inputs'].shape[1:]
        return self.scores[None, :, None, None].expand(len(samples), -1, height, width)


def stripes_predictor():
    return Predictor(StripesNetwork(), Preparation([{'type': 'PackSegInputs'}]), LABELS)
