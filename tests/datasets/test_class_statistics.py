import json
import math
import runpy
import shutil
import sys
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmseg_custom.datasets import class_statistics
from mmseg_custom.datasets.class_statistics import (
    ClassCounts,
    class_counts,
    class_weights,
    format_table,
    missing_classes,
    statistics_file,
    write_statistics,
)
from mmseg_custom.datasets.class_weight_files import with_class_weights
from mmseg_custom.datasets.label_reader import LabelError
from mmseg_custom.datasets.prepare import prepare
from mmseg_custom.models import CEDiceLoss, LabelSmoothCrossEntropyLoss, SoftDiceLoss
from mmseg_custom.models.losses.calls import LossError

TOOLS = Path(__file__).resolve().parents[2] / 'tools'
# One image of 4 + 4 pixels in part 1, one of 12 in part 2, and a class that never occurs.
COUNTS = ClassCounts('key', ['road', 'car', 'bus'], [[4, 4, 0], [12, 0, 0]], [[8, 8, 0], [12, 0, 0]])
FILE = Path('folds_class_statistics.json')


@pytest.fixture
def cfg(tiny_recipe, scenes, tmp_path):
    """A config over a copy of the scenes, every training label half road and half building."""
    (tmp_path / 'data').unlink()
    shutil.copytree(scenes, tmp_path / 'data')
    ids = np.full((32, 64), 7, np.uint8)
    ids[:, 32:] = 11
    for path in labels():
        assert cv2.imwrite(str(path), ids)
    return Config.fromfile(tiny_recipe / 'tiny_stage2.py')


def labels():
    return sorted(Path('data/gtFine/train').glob('*/*.png'))


def test_weights_worked_by_hand():
    # Frequencies 16 / 20 and 4 / 8, their median 0.65; shares 0.8, 0.2 and 0.
    assert class_weights(COUNTS) == [0.8125, 1.3, 1.0]
    expected = [1 / math.log(1.82), 1 / math.log(1.22), 1 / math.log(1.02)]
    assert class_weights(COUNTS, 'inverse_log') == pytest.approx(expected, rel=1e-4)
    assert class_weights(COUNTS, 'inverse_log')[2] == 50.498
    nothing = ClassCounts('key', ['road'], [[0], [0]], [[0], [0]])
    with pytest.raises(LabelError, match='--verify'):
        class_weights(nothing)


def test_parts_without_a_class_are_named():
    assert missing_classes(COUNTS) == [
        'the train split has no pixel of bus',
        'only part 1 has pixels of car: fold 1 never trains on it',
        'part 2 has no pixel of car: fold 2 has no score for it',
    ]


def test_table_has_every_number():
    head, road, car, bus = format_table(COUNTS, class_weights(COUNTS)).splitlines()
    assert head.split() == ['class', 'pixels', 'share', 'weight', 'part', '1', 'part', '2']
    assert road.split() == ['road', '16', '80.000%', '0.8125', '50.000%', '100.000%']
    assert car.split() == ['car', '4', '20.000%', '1.3', '50.000%', '0.000%']
    assert bus.split() == ['bus', '0', '0.000%', '1', '0.000%', '0.000%']


@pytest.mark.parametrize('workers', [1, 2])
def test_pixels_are_counted_by_part_after_the_mapping(cfg, workers):
    split = prepare(cfg).split
    ids = np.full((32, 64), 4, np.uint8)  # Raw id 4 is ignored, 26 is class 13.
    ids[:3, :10] = 26
    odd_one = next(path for path in labels() if split.folds[1][0] in str(path))
    assert cv2.imwrite(str(odd_one), ids)
    split = prepare(cfg, renew=True).split
    assert [len(part) for part in split.folds] == [4, 3, 3]
    counts = class_counts(cfg, split, FILE, workers)
    pixels = np.zeros((3, 19), int)
    pixels[:, [0, 2]] = [[4 * 1024], [2 * 1024], [3 * 1024]]
    areas = 2 * pixels
    pixels[1, 13] = areas[1, 13] = 30
    assert counts.fold_pixels == pixels.tolist()
    assert counts.fold_areas == areas.tolist()
    assert counts.pixels.tolist() == pixels.sum(0).tolist()


def test_cache_holds_until_data_folds_or_mapping_change(cfg, monkeypatch):
    counted = []
    count = class_statistics.count_label
    monkeypatch.setattr(class_statistics, 'count_label', lambda *args, **kw: counted.append(0) or count(*args, **kw))

    def labels_read():
        counted.clear()
        split = prepare(cfg, renew=True).split
        write_statistics(class_counts(cfg, split, FILE), 'inverse_log', FILE)
        return len(counted)

    assert [labels_read(), labels_read()] == [10, 0]
    label = labels()[0]
    label.write_bytes(label.read_bytes() + b'\0')
    assert [labels_read(), labels_read()] == [10, 0]
    cfg.train_dataloader.dataset.folds.seed = 7
    assert [labels_read(), labels_read()] == [10, 0]
    mapper = next(step for step in cfg.train_dataloader.dataset.pipeline if step['type'] == 'MapLabelIds')
    mapper['table'] = {**mapper['table'], 11: 255}
    assert [labels_read(), labels_read()] == [10, 0]
    assert json.loads(FILE.read_text())['pixels'] == [10 * 1024] + [0] * 18


def test_labels_that_cannot_be_counted_are_named(cfg):
    split = prepare(cfg).split
    path = labels()[0]
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    with pytest.raises(LabelError, match=f'{path.name} cannot be read.*--verify'):
        class_counts(cfg, split, FILE)
    assert cv2.imwrite(str(path), np.full((32, 64), 99, np.uint8))
    with pytest.raises(LabelError, match=r'\{99: 2048\}'):
        class_counts(cfg, split, FILE)


@pytest.fixture
def file(tmp_path):
    write_statistics(COUNTS, 'median_frequency', tmp_path / 'weights.json')
    return str(tmp_path / 'weights.json')


@pytest.mark.parametrize(
    'loss', [partial(CEDiceLoss, 1.0), partial(CEDiceLoss, 0.0), LabelSmoothCrossEntropyLoss, SoftDiceLoss]
)
def test_weights_of_the_file_reach_both_terms(loss, file):
    generator = torch.Generator().manual_seed(0)
    batch = torch.randn(2, 3, 4, 4, generator=generator), torch.randint(3, (2, 4, 4), generator=generator)
    settings = with_class_weights({'decode_head': [{'loss_decode': {'class_weight': file}}]})
    from_file = loss(**settings['decode_head'][0]['loss_decode'])(*batch)
    assert from_file == loss(class_weight=[0.8125, 1.3, 1.0])(*batch)
    assert from_file != loss()(*batch)


def test_a_file_that_does_not_fit_is_named(file, tmp_path):
    (tmp_path / 'list.json').write_text('[1, 2]')
    for name in ('nowhere.json', 'list.json'):
        settings = with_class_weights({'class_weight': str(tmp_path / name)})
        with pytest.raises(LossError, match=rf'{name}.*--class-weights'):
            CEDiceLoss(**settings)


def test_tool_writes_a_file_that_the_config_takes(cfg, tiny_recipe, monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, 'argv', ['prepare_data.py', str(config), '--class-weights', *arguments])
        runpy.run_path(str(TOOLS / 'prepare_data.py'), run_name='__main__')
        return capsys.readouterr().out.splitlines()

    monkeypatch.syspath_prepend(TOOLS)
    config = tiny_recipe / 'tiny_stage2.py'
    lines = run('--workers', '1')
    key = 'model.decode_head.loss_decode.class_weight='
    pasted = next(line for line in lines if line.startswith(key)).removeprefix(key)
    assert json.loads(pasted) == [1.0] * 19
    assert sum(line.startswith('warning: ') and 'motorcycle' in line for line in lines) == 1
    run('--workers', '1', '--weighting', 'inverse_log')
    content = json.loads(statistics_file(Path('folds.json')).read_text())
    assert content['weighting'] == 'inverse_log'
    assert content['weights'] == [round(1 / math.log(1.52), 4) if k in (0, 2) else 50.498 for k in range(19)]
