"""Test-time augmentation whose merged prediction has a loss, too."""

import torch
from mmengine.structures import PixelData
from mmseg.models import SegTTAModel
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import SampleList


@MODELS.register_module()
class MergedTTAModel(SegTTAModel):
    """MMSegmentation's mean of the class probabilities, which is also what the merged sample holds as its logits.

    MMSegmentation leaves those of the last augmentation there, whose loss is another one. Label and names are those
    of the first augmentation: labels are read behind the augmentations, so that all are the same. For networks with
    one channel a class. Arguments as MMSegmentation's ``SegTTAModel``.
    """

    def merge_preds(self, data_samples_list: list[SampleList]) -> SampleList:
        """Merge the predictions of all augmentations, image by image."""
        return [merge_samples(samples) for samples in data_samples_list]


def merge_samples(samples: SampleList) -> SegDataSample:
    """The first of several predictions of one image, with their mean probabilities; logits are (C, H, W) each."""
    merged = samples[0]
    mean = merged.seg_logits.data.softmax(0)
    for sample in samples[1:]:
        mean += sample.seg_logits.data.softmax(0)
    mean /= len(samples)
    merged.seg_logits = PixelData(data=mean.clamp_min(torch.finfo(mean.dtype).tiny).log())
    merged.pred_sem_seg = PixelData(data=mean.argmax(0, keepdim=True))
    return merged
