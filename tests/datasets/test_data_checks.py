"""What is known of the data before the first step: labels, files, class weights."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from mmseg.registry import DATASETS
from user_data import PIPELINE, config, settings, write_pair, write_pairs

from mmseg_custom.datasets.checks.label_survey import (
    LabelCounts,
    describe_labels,
    describe_single_class,
    survey_labels,
)
from mmseg_custom.datasets.checks.verify import examine
from mmseg_custom.datasets.class_colours import MetainfoError
from mmseg_custom.datasets.class_statistics import class_counts, statistics_file, write_statistics
from mmseg_custom.datasets.label_reader import LabelError, LabelReader
from mmseg_custom.datasets.prepare import prepare
from mmseg_custom.datasets.transforms import MapLabelIds
from mmseg_custom.hooks.data_check_hook import DataCheckHook

NAMES = [f'im{n}' for n in range(6)]
THREE = {
    'metainfo': {'classes': ('ground', 'box', 'sign')},
    'pipeline': [*PIPELINE[:2], dict(type='MapLabelIds', table={0: 0, 1: 1, 2: 2}, num_classes=3), PIPELINE[3]],
}
OBJECT_AS_255 = "The train labels hold 'ground' and 255 alone, and 255 is ignored: no pixel of box, and"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def look(cfg):
    """What the hook logs before the first step."""
    lines = []
    loaders = {name: SimpleNamespace(dataset=DATASETS.build(cfg[name].dataset)) for name in cfg if 'loader' in name}
    logger = SimpleNamespace(warning=lines.append)
    DataCheckHook().before_train(SimpleNamespace(cfg=cfg, logger=logger, val_loop=1, **loaders))
    return lines


def test_an_object_drawn_as_255_is_refused_and_a_table_takes_it():
    write_pairs('train', NAMES, ids=(0, 255))
    write_pairs('val', ['v'], ids=(0, 255))
    for check in (prepare, look):
        with pytest.raises(LabelError, match=OBJECT_AS_255):
            check(config())
    (fault,) = examine(config()).faults
    assert (fault.kind, fault.path) == ('one class alone', 'data/labels/train')
    mapped = [*PIPELINE[:2], dict(type='MapLabelIds', table={0: 0, 255: 1}, num_classes=2), PIPELINE[3]]
    cfg = config(pipeline=mapped)
    assert look(cfg) == prepare(cfg).notes == examine(cfg).notes == examine(cfg).faults == []
    label = DATASETS.build(settings(pipeline=mapped))[0]['data_samples'].gt_sem_seg.data
    assert label[0, 0].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


def test_255_for_a_class_says_that_ids_are_raw():
    step = MapLabelIds({0: 0, 255: 1}, 2)
    mapped = step({'gt_seg_map': np.array([[0, 255]], np.uint8), 'seg_map_path': 'x.png', 'ori_shape': (1, 2)})
    assert mapped['gt_seg_map'].tolist() == [[0, 1]]


def test_classes_that_train_lacks_and_ignored_pixels_are_named():
    write_pairs('train', NAMES, ids=(0, 1))
    write_pairs('val', ['v'], ids=(255, 2))
    write_pair('data/images/val/w.png', 'data/labels/val/w.png', 9, (255, 255))
    cfg = config(**THREE)
    expected = [
        '75% of the pixels of the val labels are ignored (they have no class)',
        'the train labels have no pixel of sign',
        'val has pixels of sign, which the train labels lack: what is never trained on gets an IoU of 0',
    ]
    assert prepare(cfg).notes == look(cfg) == examine(cfg).notes == expected


def test_counts_of_before_say_what_a_fold_lacks():
    write_pairs('train', NAMES, ids=(0, 1))
    write_pair('data/images/train/s.png', 'data/labels/train/s.png', 9, (0, 2))
    write_pairs('val', ['v'])
    cfg = config(**THREE)
    split = prepare(cfg).split
    file = statistics_file(prepare(cfg).fold_file)
    write_statistics(class_counts(cfg, split, file), 'median_frequency', file)
    with_sign = next(k for k, part in enumerate(split.folds, start=1) if 's' in part)
    for loader in ('train_dataloader', 'val_dataloader'):
        cfg[loader].dataset.fold = with_sign
    assert look(cfg)[0] == 'the train labels have no pixel of sign'


def test_a_sample_is_spread_and_all_is_read_before_a_class_is_called_alone():
    write_pairs('train', NAMES, ids=(0, 255))
    write_pair('data/images/train/im5.png', 'data/labels/train/im5.png', 5, (0, 1))
    dataset = DATASETS.build(settings(pipeline=[]))
    samples = [dataset.get_data_info(index) for index in range(6)]
    found = survey_labels(samples, LabelReader(settings()), at_most=3)
    assert (found.looked_at, found.pixels.tolist(), found.ignored) == (6, [144, 24], 120)
    write_pair('data/images/train/im2.png', 'data/labels/train/im2.png', 2, (0, 1))
    found = survey_labels(samples, LabelReader(settings()), at_most=3)
    assert (found.looked_at, found.text) == (3, '3 of 6 labels looked at')


def test_void_that_is_no_object_is_not_refused():
    assert describe_single_class(LabelCounts(np.array([9, 0]), 5, 0, 1, 1), ('a', 'b')) is None
    assert describe_single_class(LabelCounts(np.array([9, 1]), 5, 5, 1, 1), ('a', 'b')) is None
    assert describe_labels(None, None, ('a', 'b')) == []


def test_files_that_are_missing_end_a_training_before_its_first_step(tmp_path):
    write_pairs('train', NAMES)
    write_pairs('val', ['v'])
    (tmp_path / 'data/labels/train/im3.png').unlink()
    with pytest.raises(FileNotFoundError, match=r'1 images have no label, the first one data/labels/train/im3\.png'):
        look(config())
    assert look(config(on_bad_sample='skip')) == []


def test_class_weights_of_other_classes_are_refused(tmp_path):
    write_pairs('train', NAMES)
    write_pairs('val', ['v'])
    cfg = config()
    cfg.model = {'decode_head': {'loss_decode': [{'class_weight': 'weights.json'}]}}
    content = {'weights': [1, 2], 'classes': ['ground', 'box']}
    (tmp_path / 'weights.json').write_text(json.dumps(content))
    assert look(cfg) == []
    (tmp_path / 'weights.json').write_text(json.dumps({**content, 'classes': ['box', 'ground']}))
    for check in (prepare, look):
        with pytest.raises(MetainfoError, match=r"class_weight='weights\.json' .* \('box' is 'ground' here\)"):
            check(cfg)


@pytest.mark.parametrize(
    ('palette', 'message'), [([[0, 0, 0]], '2 classes and 1 colours'), ([[0, 0, 256]] * 2, '256')]
)
def test_colours_of_other_data_sets_are_looked_at_too(palette, message):
    metainfo = {'classes': ('ground', 'box'), 'palette': palette}
    stock = SimpleNamespace(dataset=SimpleNamespace(metainfo=metainfo))
    with pytest.raises(MetainfoError, match=message):
        DataCheckHook().before_train(SimpleNamespace(train_dataloader=stock, val_loop=None))
