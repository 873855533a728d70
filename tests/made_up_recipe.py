"""Ledgers and an examination as a recipe would leave them, without training."""

import math

import cv2
import numpy as np

from mmseg_custom.io.files import read_json, write_bytes, write_json
from mmseg_custom.ledger.ledger_record import LEDGER_VERSION
from mmseg_custom.ledger.stage_ledger import StageLedger, names_of_runs
from mmseg_custom.reports.findings.examination import CACHE_FILE, CACHE_VERSION
from mmseg_custom.reports.findings.sample_images import Sample, data_uri

CITYSCAPES = [
    *('road', 'sidewalk', 'building', 'wall', 'fence', 'pole', 'light', 'sign', 'vegetation', 'terrain', 'sky'),
    *('person', 'rider', 'car', 'truck', 'bus', 'train', 'motorcycle', 'bicycle'),
]
TRAIN = {'split': 'train'}


def scores(value, classes):
    spread = np.linspace(-20, 20, len(classes)) if len(classes) > 1 else [0.0]
    per_class = {f'IoU.{name}': float(value + offset) for name, offset in zip(classes, spread, strict=True)}
    return {'mIoU': value, 'fwIoU': value + 10, 'aAcc': value + 20, 'mAcc': value + 5, **per_class}


def write_recipe(folder, stages=2, folds=3, epochs=4, classes=CITYSCAPES, unfinished=(), config=None):
    """Stage 1 has no folds; of the last stage, ``unfinished`` runs and the outcome are left out."""
    before = None
    for number in range(1, stages + 1):
        names = names_of_runs(folds if number > 1 else None)
        missing = unfinished if number == stages else ()
        ledger = StageLedger(folder / f'stage{number}')
        entries = {
            name: entry(number, name, len(names), epochs, classes, before) for name in names if name not in missing
        }
        for name, value in entries.items():
            write_bytes(b'weights', ledger.weights_path(name))
            write_json({'version': LEDGER_VERSION, **value, 'config': config}, ledger.folder / f'{name}.json')
        if not missing:
            before = fuse(ledger, entries, classes)
    return folder


def entry(stage, name, num_folds, epochs, classes, before):
    position = int(name[-1]) if name != 'full' else 1
    records = [record(stage, position, epoch, epochs) for epoch in range(1, epochs + 1)]
    parents = [{'file': before[0], 'weights': before[1]}] if before else []
    return {
        'stage': f'stage{stage}',
        'fold': None if name == 'full' else position,
        'num_folds': None if name == 'full' else num_folds,
        'config_hash': f'{stage}{position}' * 32,
        'seed': 42,
        'weights': f'{stage}{position}' * 32,
        'best': {**records[-1], 'part': TRAIN, 'seen': stage > 1},
        'val': scores(30.0 + 2 * stage + position / 2, classes),
        'history': records,
        'lineage': {'parents': parents, 'seen': [TRAIN]},
        'seconds': 90.0,
        'peak_memory': 2_340_000_000,
        'versions': {'torch': '2.13.0', 'mmengine': '0.10.12', 'mmseg': '1.4.2'},
    }


def record(stage, position, epoch, epochs):
    rate = 1e-3 / stage * (1 + math.cos(math.pi * ((epoch - 1) % 10) / 10)) / 2
    value = 25.0 + 2 * stage + position + 5 * epoch / epochs
    return {
        'epoch': epoch,
        'seconds': 9.0,
        'lr': rate,
        'train_loss': 3.0 / (stage + epoch),
        'val_loss': 3.5 / (stage + epoch),
        'mIoU': value,
        'fwIoU': value + 10,
    }


def fuse(ledger, entries, classes):
    stage, names = int(ledger.folder.name[5:]), list(entries)
    groups = {'best_fold': names[-1:], 'all_folds': names, 'top2': names[:2]} if len(names) > 1 else {'full': names}
    candidates = {
        name: {
            'ingredients': ingredients,
            'file': f'{name}.pth',
            'weights': f'{stage}{name}',
            'val': scores(32.0 + 2 * stage + len(ingredients) / 3, classes),
            'lineage': {'parents': [], 'seen': [TRAIN]},
        }
        for name, ingredients in groups.items()
    }
    winner = 'all_folds' if 'all_folds' in groups else 'full'
    outcome = {
        'runs': {name: value['weights'] for name, value in entries.items()},
        'candidates': candidates,
        'winner': winner,
        'weights': candidates[winner]['weights'],
    }
    write_bytes(b'weights', ledger.winner_path)
    write_json({'version': LEDGER_VERSION, 'stage': ledger.folder.name, **outcome}, ledger.folder / 'stage.json')
    return f'work_dirs/made_up/stage{stage}/winner.pth', outcome['weights']


def write_examination(folder, weights, classes=CITYSCAPES, side=64):
    """What an examination of the winner with these weights would have kept."""
    generator = np.random.default_rng(0)
    matrix = generator.integers(0, 20_000, (len(classes), len(classes))) * (1 + 30 * np.eye(len(classes), dtype=int))
    palette = generator.integers(0, 256, (len(classes), 3)).tolist()
    samples = [vars(sample(generator, k, side)) for k in range(6)]
    content = {
        'version': CACHE_VERSION,
        'weights': weights,
        'classes': list(classes),
        'palette': palette,
        'matrix': matrix.tolist(),
        'scores': {f'image{k}.png': 10.0 * k for k in range(6)},
        'best': samples[3:][::-1],
        'worst': samples[:3],
    }
    write_json(content, folder / CACHE_FILE)


def sample(generator, number, side):
    def noise():
        pixels = generator.integers(0, 256, (side, 2 * side, 3)).astype(np.uint8)
        return data_uri(cv2.imencode('.png', pixels)[1].tobytes(), 'png')

    return Sample(f'image{number}.png', 10.0 * number, noise(), noise(), noise(), noise())


def add_path(folder, stage, values, bn=''):
    """Give a fused stage the candidates of a path, with intervals of 2 points, and one that may equal the winner."""
    path = folder / f'stage{stage}' / 'stage.json'
    outcome = read_json(path)
    template = outcome['candidates']['all_folds']
    classes = [key.removeprefix('IoU.') for key in template['val'] if key.startswith('IoU.')]
    names = {0: 'initial', 1: f'all_folds{bn}'}
    for t, value in values.items():
        low_high = {'val': [value - 1, value + 1]}
        found = {**template, 'val': scores(value, classes), 'interval': low_high}
        holder = outcome if t == 0 else outcome['candidates']
        holder[names.get(t, f'path_{t:g}{bn}')] = found
    outcome['candidates']['best_fold']['behind_winner'] = {'val': [-0.5, 1.5]}
    write_json(outcome, path)


def rows_of(figure, key):
    """The rows of a figure's data that have this key."""
    tables = [rows for view in figure.views.values() for rows in view['datasets'].values()]
    return [row for rows in tables for row in rows if key in row]
