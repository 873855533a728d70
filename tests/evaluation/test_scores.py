import math

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.evaluation import IoUMetric
from mmseg.structures import SegDataSample

from mmseg_custom.evaluation import SegmentationMetric, confusion_matrix, iou_per_class, scores_of


def test_matrix_counts_rows_of_truth_and_leaves_out_ignored_pixels():
    truth = torch.tensor([[0, 0, 1], [2, 255, 1]])
    guess = torch.tensor([[0, 1, 1], [2, 2, 0]])
    expected = torch.tensor([[1, 1, 0], [1, 1, 0], [0, 0, 1]])
    matrix = confusion_matrix(guess, truth, 3)
    assert matrix.dtype == torch.int64
    assert torch.equal(matrix, expected)


def test_scores_by_hand():
    matrix = torch.tensor([[3, 1, 0], [0, 4, 0], [0, 0, 0]])
    iou = iou_per_class(matrix)
    assert iou[:2].tolist() == pytest.approx([75.0, 80.0])
    assert math.isnan(iou[2])
    scores = scores_of(matrix)
    assert scores['mIoU'] == pytest.approx(77.5)
    assert scores['fwIoU'] == pytest.approx(77.5)
    assert scores['aAcc'] == pytest.approx(87.5)
    assert scores['mAcc'] == pytest.approx(87.5)


def test_class_that_is_never_hit_counts_as_zero():
    assert scores_of(torch.tensor([[2, 0], [2, 0]]))['mIoU'] == pytest.approx(25.0)
    assert scores_of(torch.tensor([[4, 0], [0, 0]]))['mIoU'] == pytest.approx(100.0)


def test_labels_out_of_range_and_shapes_that_differ_are_named():
    with pytest.raises(ValueError, match=r'Label 7 \(2 pixels\) is outside 0\.\.2'):
        confusion_matrix(torch.zeros(3), torch.tensor([0, 7, 7]), 3)
    with pytest.raises(ValueError, match='differ in shape'):
        confusion_matrix(torch.zeros(3), torch.zeros(4), 3)


def samples(seed, num_classes=4, with_logits=True):
    generator = torch.Generator().manual_seed(seed)
    for number in range(3):
        logits = torch.randn(num_classes, 6, 8, generator=generator)
        label = torch.randint(0, num_classes - 1, (1, 6, 8), generator=generator)
        label[0, 0, :3] = 255
        sample = SegDataSample(metainfo={'seg_map_path': f'{number}.png', 'img_path': f'{number}.png'})
        sample.gt_sem_seg = PixelData(data=label)
        sample.pred_sem_seg = PixelData(data=logits.argmax(0, keepdim=True))
        sample.seg_logits = PixelData(data=logits)
        yield sample


def evaluate(metric, data_samples):
    metric.dataset_meta = {'classes': ['a', 'b', 'c', 'd']}
    for sample in data_samples:
        metric.process({}, [sample.to_dict()])
    return metric.evaluate(3)


def test_same_numbers_as_the_host():
    ours = evaluate(SegmentationMetric(), samples(0))
    theirs = evaluate(IoUMetric(iou_metrics=['mIoU']), samples(0))
    for key in ('mIoU', 'aAcc', 'mAcc'):
        assert ours[key] == pytest.approx(theirs[key], abs=5e-3), key
    assert 'IoU.d' in ours


def test_val_loss_is_the_mean_over_the_images_of_the_criterion():
    metric = SegmentationMetric()
    metric.criterion = lambda logits, label: (label != 255).float().mean() * logits.shape[1]
    assert evaluate(metric, samples(0))['val_loss'] == pytest.approx(4 * 45 / 48)
    assert metric.matrix.sum() == 3 * 45


def test_metric_names_the_file_of_a_wrong_label():
    sample = next(samples(0))
    sample.gt_sem_seg.data[0, 5, 5] = 9
    with pytest.raises(ValueError, match=r'0\.png: Label 9'):
        evaluate(SegmentationMetric(), [sample])
