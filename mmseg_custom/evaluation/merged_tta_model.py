"""Test-time augmentation whose merged prediction has a loss, too."""

import torch
from mmengine.structures import PixelData
from mmseg.models import SegTTAModel
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import SampleList

from mmseg_custom.models.one_output import most_probable, probabilities, threshold_of


@MODELS.register_module()
class MergedTTAModel(SegTTAModel):
    """MMSegmentation's mean of the class probabilities, which is also what the merged sample holds as its logits.

    MMSegmentation leaves those of the last augmentation there, whose loss is another one, and puts the probabilities
    of a head with one output through the sigmoid once more. Label and names are those of the first augmentation:
    labels are read behind the augmentations, so that all are the same. Arguments as MMSegmentation's
    ``SegTTAModel``.
    """

    def merge_preds(self, data_samples_list: list[SampleList]) -> SampleList:
        """Merge the predictions of all augmentations, image by image."""
        threshold = threshold_of(self.module)
        return [merge_samples(samples, threshold) for samples in data_samples_list]


def merge_samples(samples: SampleList, threshold: float | None = None) -> SegDataSample:
    """The first of several predictions of one image, with their mean probabilities.

    Args:
        samples: Predictions; ``seg_logits`` are (C, H, W) each.
        threshold: Of a network with one output (:func:`~mmseg_custom.models.one_output.threshold_of`), whose merged
            ``seg_logits`` are probabilities as before. Defaults to ``None``: there is an output a class, and the
            merged ones are the logarithm of the mean.
    """
    merged = samples[0]
    mean = probabilities(merged.seg_logits.data, threshold).clone()
    for sample in samples[1:]:
        mean += probabilities(sample.seg_logits.data, threshold)
    mean /= len(samples)
    kept = mean if threshold is not None else mean.clamp_min(torch.finfo(mean.dtype).tiny).log()
    merged.seg_logits = PixelData(data=kept)
    merged.pred_sem_seg = PixelData(data=most_probable(mean, threshold))
    return merged
