"""Synthetic street scenes in the layout of Cityscapes: a data set that needs no download."""

from street_scenes.labels import Label
from street_scenes.scene import render_scene
from street_scenes.writer import TRAIN_CITIES, VAL_CITIES, write_dataset

__all__ = ['TRAIN_CITIES', 'VAL_CITIES', 'Label', 'render_scene', 'write_dataset']
