import pytest
import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import nn

from mmseg_custom.evaluation import MergedTTAModel
from mmseg_custom.evaluation.merged_tta_model import merge_samples


def sample_of(probabilities):
    """A prediction of one pixel."""
    logits = torch.tensor(probabilities).log().view(-1, 1, 1) + 3
    return SegDataSample(
        seg_logits=PixelData(data=logits),
        pred_sem_seg=PixelData(data=logits.argmax(0, keepdim=True)),
        gt_sem_seg=PixelData(data=torch.tensor([[[1]]])),
        metainfo={'img_path': 'a.png'},
    )


def test_the_mean_of_the_probabilities_decides_and_has_a_loss():
    merged = merge_samples([sample_of([0.5, 0.4, 0.1]), sample_of([0.4, 0.6, 0.0])])
    assert merged.pred_sem_seg.data.tolist() == [[[1]]]
    logits = merged.seg_logits.data[None]
    assert logits.softmax(1).flatten().tolist() == pytest.approx([0.45, 0.5, 0.05])
    assert F.cross_entropy(logits, merged.gt_sem_seg.data).exp().item() == pytest.approx(1 / 0.5)
    assert merged.img_path == 'a.png'


def test_a_class_that_no_augmentation_believes_in_stays_finite():
    merged = merge_samples([sample_of([1.0, 0.0])])
    assert merged.seg_logits.data.isfinite().all()


class Answers(nn.Module):
    """Answers with the samples it is given."""

    def test_step(self, data):
        return data['data_samples']


def test_every_image_is_merged_over_its_own_augmentations():
    model = MODELS.build({'type': 'MergedTTAModel', 'module': Answers()})
    assert isinstance(model, MergedTTAModel)
    first, second = [0.9, 0.1], [0.2, 0.8]
    augmented = [[sample_of(first), sample_of(second)], [sample_of(first), sample_of(second)]]
    merged = model.test_step({'inputs': [None, None], 'data_samples': augmented})
    assert [sample.pred_sem_seg.data.item() for sample in merged] == [0, 1]
