"""Synthetic street scenes in the layout of Cityscapes: a data set that needs no download."""

from mmseg_custom.datasets.street_scenes.labels import Label
from mmseg_custom.datasets.street_scenes.scene import render_scene
from mmseg_custom.datasets.street_scenes.writer import TRAIN_CITIES, VAL_CITIES, write_dataset

__all__ = ['TRAIN_CITIES', 'VAL_CITIES', 'Label', 'render_scene', 'write_dataset']
