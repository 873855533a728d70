from pathlib import Path

import pytest

from mmseg_custom.config import ConfigError, load_run_config
from mmseg_custom.inference.labels import invert_table, labels_of_config

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'


def test_cityscapes_ids_are_those_of_its_evaluator():
    scripts = pytest.importorskip('cityscapesscripts.helpers.labels')
    labels = labels_of_config(load_run_config(CONFIGS / 'stage2.py'))
    theirs = sorted((label for label in scripts.labels if 0 <= label.trainId < 255), key=lambda label: label.trainId)
    assert len(theirs) == 19
    assert labels.file_ids == tuple(label.id for label in theirs)
    assert labels.classes == tuple(label.name for label in theirs)
    assert labels.palette == tuple(label.color for label in theirs)


def test_table_is_inverted_to_the_first_id_and_only_if_each_class_has_one():
    assert invert_table({7: 0, 9: 1, 8: 0, -1: 255}, 2) == (7, 9)
    assert invert_table({-1: 0}, 1) == (255,)
    assert invert_table({7: 0}, 2) is None


def test_stock_data_set_brings_its_own_classes():
    labels = labels_of_config(load_run_config(CONFIGS / 'stock/deeplabv3plus_r18.py'))
    assert labels.classes[:2] == ('road', 'sidewalk')


def test_classes_without_colours_are_refused(config):
    cfg = load_run_config(config)
    cfg.test_dataloader.dataset.metainfo.palette = [[1, 2, 3]]
    with pytest.raises(ConfigError, match='19 classes and 1 colours'):
        labels_of_config(cfg)
