"""Weights to predict with, and a predictor whose answer is known: class 0 everywhere, two classes."""

import torch
from mmseg.registry import MODELS

from mmseg_custom.config import load_run_config
from mmseg_custom.inference.labels import Labels
from mmseg_custom.inference.predictor import Predictor
from mmseg_custom.inference.preparation import Preparation
from mmseg_custom.io.checkpoints.checkpoint_file import save_checkpoint_file

LABELS = Labels(('road', 'sky'), ((10, 20, 30), (40, 50, 60)), (7, 23))


class StripesNetwork:
    """Gives every pixel the same scores, and notes the sizes of its batches."""

    kind, threshold = 'logits', None

    def __init__(self, scores=(1.0, 0.0)):
        self.scores = torch.tensor(scores)
        self.batches = []

    def __call__(self, samples):
        self.batches.append(len(samples))
        height, width = samples[0]['inputs'].shape[1:]
        return self.scores[None, :, None, None].expand(len(samples), -1, height, width)

    def probabilities(self, samples):
        return self(samples).softmax(1)

    def classes(self, samples):
        return self(samples).argmax(1).byte()


def stripes_predictor():
    return Predictor(StripesNetwork(), Preparation([{'type': 'PackSegInputs'}]), LABELS)


def save_random_weights(config, path, seed=0, cfg_options=None):
    """Weights that tell classes apart: those of PyTorch, with the classifier enlarged."""
    torch.manual_seed(seed)
    model = MODELS.build(load_run_config(config, cfg_options=cfg_options).model)
    model.decode_head.conv_seg.weight.data.normal_(0, 1)
    save_checkpoint_file({'meta': {}, 'state_dict': model.state_dict()}, path)
    return path
