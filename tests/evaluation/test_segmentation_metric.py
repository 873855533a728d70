import cv2
import pytest
import torch
import torch.multiprocessing as processes
from mmengine.structures import PixelData
from mmseg.evaluation import IoUMetric
from mmseg.structures import SegDataSample

from mmseg_custom.errors import UserError
from mmseg_custom.evaluation import SegmentationMetric


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


def evaluate(metric, data_samples, size=3):
    metric.dataset_meta = {'classes': ['a', 'b', 'c', 'd']}
    for sample in data_samples:
        metric.process({}, [sample.to_dict()])
    return metric.evaluate(size)


def test_same_numbers_as_mmsegmentation():
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


def test_logits_are_needed_for_the_loss_alone():
    without = list(samples(0))
    for sample in without:
        del sample.seg_logits
    metric = SegmentationMetric()
    metric.criterion = lambda logits, label: logits.sum()
    scores = evaluate(metric, without)
    assert 'val_loss' not in scores and scores == evaluate(SegmentationMetric(), samples(0))


def named(*paths, **meta):
    """Predictions of class 1 and 2 for images of these paths."""
    for number, path in enumerate(paths, start=1):
        sample = SegDataSample(metainfo={'img_path': path, **meta})
        sample.pred_sem_seg = PixelData(data=torch.full((1, 2, 3), number))
        yield sample


@pytest.mark.parametrize(('meta', 'values'), [({}, (1, 2)), ({'reduce_zero_label': True}, (2, 3))])
def test_predictions_are_written_as_by_mmsegmentation(tmp_path, meta, values):
    """As `tools/test.py --out` asks for it; ids are those of the label files."""
    metric = SegmentationMetric(output_dir=str(tmp_path / 'out'), format_only=True, keep_results=True)
    assert evaluate(metric, named('x/a.jpg', 'y/b.tif', **meta), size=2) == {}
    for name, value in zip(('a.png', 'b.png'), values, strict=True):
        written = cv2.imread(str(tmp_path / 'out' / name), cv2.IMREAD_UNCHANGED)
        assert written.shape == (2, 3) and (written == value).all()


def test_two_images_of_one_name_are_refused(tmp_path):
    metric = SegmentationMetric(output_dir=tmp_path, format_only=True)
    with pytest.raises(UserError, match=r'x/a\.jpg and y/a\.jpg would both be written to .*a\.png'):
        evaluate(metric, named('x/a.jpg', 'y/a.jpg'))
    with pytest.raises(ValueError, match=r'format_only=True .* output_dir'):
        SegmentationMetric(format_only=True)


def test_metric_names_the_file_of_a_wrong_label():
    sample = next(samples(0))
    sample.gt_sem_seg.data[0, 5, 5] = 9
    with pytest.raises(ValueError, match=r'0\.png: Label 9'):
        evaluate(SegmentationMetric(), [sample])


def test_keeps_a_result_an_image():
    metric = SegmentationMetric()
    metric.criterion = lambda logits, label: logits.sum() * 0 + (label != 255).sum()
    evaluate(metric, samples(0))
    assert [image.path for image in metric.per_image] == ['0.png', '1.png', '2.png']
    assert [image.loss for image in metric.per_image] == [45, 45, 45]
    assert torch.equal(sum(image.matrix for image in metric.per_image), metric.matrix)
    evaluate(metric, list(samples(0))[:1], size=1)
    assert len(metric.per_image) == 1


def test_prediction_of_another_size_is_an_error_unless_it_is_to_be_resized():
    sample = next(samples(0))
    small = sample.pred_sem_seg.data
    sample.set_data({'gt_sem_seg': PixelData(data=small.repeat_interleave(2, 1).repeat_interleave(2, 2))})
    with pytest.raises(ValueError, match=r'0\.png: Prediction \(6, 8\) and label \(12, 16\) differ'):
        evaluate(SegmentationMetric(), [sample])
    metric = SegmentationMetric(resize_prediction=True)
    metric.criterion = lambda logits, label: logits.sum()
    scores = evaluate(metric, [sample], size=1)
    assert scores['mIoU'] == 100
    assert 'val_loss' not in scores
    assert metric.matrix.sum() == 12 * 16


def evaluate_share(rank, address, found):
    """Three images on two processes, one after the other: the loader pads the second one with the first image."""
    torch.distributed.init_process_group('gloo', init_method=address, rank=rank, world_size=2)
    first, second, third = samples(0)
    metric = SegmentationMetric()
    scores = evaluate(metric, ([first, third], [second, first])[rank])
    paths = [image.path for image in metric.per_image]
    torch.save((scores['mIoU'], paths, metric.matrix), found / f'{rank}.pt')


def test_processes_find_the_same_as_one_and_padded_images_count_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = (f'file://{tmp_path}/rendezvous', tmp_path)
    processes.start_processes(evaluate_share, arguments, nprocs=2, start_method='fork')
    alone = SegmentationMetric()
    miou = evaluate(alone, samples(0))['mIoU']
    (main, paths, matrix), (other, nothing, no_matrix) = (torch.load(tmp_path / f'{rank}.pt') for rank in (0, 1))
    assert paths == ['0.png', '1.png', '2.png']
    assert torch.equal(matrix, alone.matrix)
    assert main == other == miou
    assert (nothing, no_matrix) == ([], None)
