"""Painting predictions of any size onto the image files."""

from collections.abc import Sequence

from mmengine.runner import Runner
from mmengine.structures import PixelData
from mmseg.engine.hooks import SegVisualizationHook
from mmseg.registry import HOOKS
from mmseg.structures import SegDataSample
from PIL import Image

from mmseg_custom.evaluation.confusion_matrix import resize_classes


@HOOKS.register_module()
class FileSizeVisualizationHook(SegVisualizationHook):
    """MMEngine's hook, also for labels and predictions at the working size.

    MMSegmentation paints onto the image file and fails where that has another size. Arguments as MMSegmentation's.
    """

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: Sequence[SegDataSample]
    ) -> None:
        """Paint the samples of a batch."""
        if self.draw:
            outputs = [at_file_size(sample) for sample in outputs]
        super().after_test_iter(runner, batch_idx, data_batch, outputs)


def at_file_size(sample: SegDataSample) -> SegDataSample:
    """Label and prediction of a sample at the size of its image file, by nearest neighbour."""
    with Image.open(sample.img_path) as image:
        size = image.size[::-1]
    maps = {key: sample.get(key).data for key in ('gt_sem_seg', 'pred_sem_seg') if key in sample}
    painted = SegDataSample(metainfo=sample.metainfo)
    painted.set_data({key: PixelData(data=resize_classes(data[0], size)[None]) for key, data in maps.items()})
    return painted
