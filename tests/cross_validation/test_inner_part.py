"""`--select inner`: weights are chosen on a part of the training images, and scored on the held-out fold."""

from pathlib import Path

import pytest
from mmseg.registry import DATASETS
from own_config import write_own_config

from mmseg_custom.config import load_run_config
from mmseg_custom.datasets import FoldError
from mmseg_custom.datasets.folds.fold_file import FoldSplit
from mmseg_custom.datasets.folds.inner_part import inner_part
from mmseg_custom.io.files import read_json
from mmseg_custom.ledger.held_out_counts import counts_file, read_counts


def split(*parts):
    spec = {'num_folds': len(parts), 'seed': 0, 'group_by': r'^(\w)', 'block_size': None, 'fingerprint': ''}
    return FoldSplit(**spec, folds=[[f'{group}{number}' for group in part for number in range(2)] for part in parts])


def test_it_takes_whole_groups_of_what_a_fold_trains_on():
    folds = split('ab', 'cd', 'efg')
    for fold, (others, smallest) in enumerate((('cdefg', 2), ('abefg', 2), ('abcd', 2)), start=1):
        found = inner_part(folds, fold, 0.1)
        assert len(found) == smallest and len({name[0] for name in found}) == 1
        assert {name[0] for name in found} <= set(others)
    assert len(inner_part(folds, 1, 0.5)) == 6  # Of 10 images.
    with pytest.raises(FoldError, match='the 2 images that fold 1 trains on are one group'):
        inner_part(split('a', 'b'), 1, 0.1)


def test_a_run_trains_chooses_and_is_scored_on_images_of_their_own(kfold):
    options = ['--select', 'inner', '--monitor', 'aAcc', '--max-iters', '4', '--val-interval', '2']
    printed = kfold(write_own_config(), *options)
    assert '+' not in next(line for line in printed.splitlines() if line.startswith('Out of fold: '))
    for fold in (1, 2):
        cfg = load_run_config('w/plan/stage1.py', fold=fold)
        settings = (cfg.train_dataloader.dataset, cfg.val_dataloader.dataset)
        trained, chosen = (set(DATASETS.build(one).names) for one in settings)
        entry = read_json(f'w/stage1/fold{fold}.json')
        scored = {Path(path).stem for path in read_counts(counts_file('w/stage1', f'fold{fold}')).paths}
        assert (len(trained), len(chosen), len(scored)) == (3, 1, 4)
        assert not (trained & chosen or trained & scored or chosen & scored)
        best = max(entry['history'], key=lambda record: record['aAcc'])
        assert (entry['best']['iter'], entry['best']['aAcc']) == (best['iter'], best['aAcc'])
