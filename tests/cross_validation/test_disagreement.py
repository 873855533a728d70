"""Errors found by disagreement on images that no fold was trained on, against all pixels at once."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.runner import Runner
from mmseg.utils import register_all_modules
from untrained_run import FOLDER, write, write_images, write_run

from mmseg_custom.cross_validation.stored_run import read_stage
from mmseg_custom.out_of_fold.disagreement import (
    ALONE,
    BY_DISAGREEMENT,
    BY_OWN,
    TOGETHER,
    DisagreementError,
    errors_found_text,
    find_errors_by_disagreement,
)
from mmseg_custom.out_of_fold.predict import network_of


@pytest.fixture
def folds(tmp_path, monkeypatch):
    register_all_modules()
    monkeypatch.chdir(tmp_path)
    write_images()
    write_run()
    return read_stage(FOLDER)


def new_images(folds):
    rng = np.random.default_rng(7)
    for folder in ('new/images', 'new/labels'):
        Path(folder).mkdir(parents=True)
    for name in 'ab':
        write(f'new/images/{name}.png', rng.integers(0, 256, (48, 64, 3)).astype(np.uint8))
        write(f'new/labels/{name}.png', rng.choice([0, 1, 2, 255], (48, 64)).astype(np.uint8))
    held_out = folds[0].cfg.val_dataloader
    leaf = {**held_out.dataset.dataset, 'data_root': 'new', 'pipeline': held_out.dataset.pipeline}
    for fold in folds:
        fold.cfg.test_dataloader = {**held_out, 'dataset': leaf}
    return Runner.build_dataloader(folds[0].cfg.test_dataloader)


def auroc(scores, wrong):
    high, low = scores[wrong][:, None], scores[~wrong][None]
    return ((high > low).double() + 0.5 * (high == low).double()).mean().item()


@torch.no_grad()
def test_numbers_are_those_of_all_pixels(folds):
    models, chances, labels = [network_of(fold) for fold in folds], ([], []), []
    for batch in new_images(folds):
        for model, kept in zip(models, chances, strict=True):
            samples = model.test_step(batch)
            kept += [sample.seg_logits.data.softmax(0).flatten(1) for sample in samples]
        labels += [sample.gt_sem_seg.data.flatten() for sample in samples]
    label = torch.cat(labels)
    first, second = (torch.cat(one, 1)[:, label != 255].double() for one in chances)
    label = label[label != 255]
    mean = (first + second) / 2
    apart = torch.special.entr(mean).sum(0) - (torch.special.entr(first) + torch.special.entr(second)).sum(0) / 2
    found = find_errors_by_disagreement(folds, lambda line: None)
    wrong = mean.argmax(0) != label
    assert found.images == 2 and not found.seen
    assert found.auroc[TOGETHER, BY_DISAGREEMENT] == pytest.approx(auroc(apart, wrong), abs=0.005)
    own = [auroc(1 - one.amax(0), one.argmax(0) != label) for one in (first, second)]
    assert found.auroc[ALONE, BY_OWN] == pytest.approx(np.mean(own), abs=0.005)
    assert '*' not in errors_found_text(found)


def test_images_that_were_trained_on_are_marked_and_without_images_it_is_refused(folds):
    with pytest.raises(DisagreementError, match=r'--holdout 0\.1'):
        find_errors_by_disagreement(folds, print)
    folds[0].cfg.test_dataloader = folds[0].cfg.val_dataloader
    assert '*' in errors_found_text(find_errors_by_disagreement(folds, lambda line: None))
