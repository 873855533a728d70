"""What the table says is what MMSegmentation's IoUMetric makes of the predictions in PNG files."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.runner import Runner
from mmseg.evaluation import IoUMetric
from mmseg.registry import MODELS
from own_config import ONE_OUTPUT, write_own_config

from mmseg_custom.config import load_run_config
from mmseg_custom.io.files import read_json


def write_predictions(fold, folder):
    """Let MMSegmentation predict the held-out images of a fold into PNG files; the paths of their labels."""
    cfg = load_run_config('w/plan/stage1.py', fold=fold)
    model = MODELS.build(cfg.model).eval()
    model.load_state_dict(torch.load(f'w/stage1/fold{fold}.pth', weights_only=False)['state_dict'])
    loader = Runner.build_dataloader(cfg.val_dataloader)
    metric = IoUMetric(output_dir=str(folder), format_only=True)
    metric.dataset_meta = loader.dataset.metainfo
    paths = []
    for batch in loader:
        with torch.no_grad():
            samples = [sample.to_dict() for sample in model.test_step(batch)]
        metric.process(batch, samples)
        paths += [sample['seg_map_path'] for sample in samples]
    return paths


def areas(folder, path, classes, shift):
    """The areas of one image, of files alone; ids of labels that leave out 0 are one higher."""
    read = [
        cv2.imread(str(file), cv2.IMREAD_UNCHANGED).astype(int) - shift for file in (folder / Path(path).name, path)
    ]
    prediction, label = (torch.from_numpy(np.where(values < 0, 255, values)) for values in read)
    return IoUMetric.intersect_and_union(prediction, label, len(classes), 255)


@pytest.mark.parametrize(('more', 'shift'), [('', 1), (ONE_OUTPUT, 0)], ids=['three_classes', 'one_output'])
def test_pooled_score_mean_and_deviation_follow_from_png_files(kfold, capsys, more, shift):
    printed = kfold(write_own_config(more), '--seed', '3')
    found = read_json('w/stage1/out_of_fold.json')
    classes = load_run_config('w/plan/stage1.py', fold=1).train_dataloader.dataset.dataset.metainfo.classes
    metric = IoUMetric(iou_metrics=['mIoU'])
    metric.dataset_meta = {'classes': classes}
    pooled, means = [], []
    for fold in (1, 2):
        folder = Path(f'predicted{fold}')
        results = [areas(folder, path, classes, shift) for path in write_predictions(fold, folder)]
        means.append(metric.compute_metrics(results)['mIoU'])
        pooled += results
    expected = metric.compute_metrics(pooled)
    sums = [torch.stack(areas).sum(0).double() for areas in zip(*pooled, strict=True)]
    assert len(pooled) == 8 and sum(area > 0 for area in sums[2]) > 1  # Several classes are predicted.
    assert found['pooled']['mIoU'] == pytest.approx(100 * np.nanmean(sums[0] / sums[1]), rel=1e-12)
    assert {key: round(found['pooled'][key], 2) for key in expected} == pytest.approx(expected, abs=1e-9)
    assert [round(fold['scores']['mIoU'], 2) for fold in found['folds']] == means
    of_folds = [fold['scores']['mIoU'] for fold in found['folds']]
    assert found['mean']['mIoU'] == pytest.approx(np.mean(of_folds), rel=1e-12)
    assert found['deviation']['mIoU'] == pytest.approx(np.std(of_folds, ddof=1), rel=1e-12)
    assert f'Out of fold: {expected["mIoU"]:.2f} mIoU over 8 images' in printed
