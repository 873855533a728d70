"""Scoring at the working size."""

import mmcv
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class UseWorkingSize(BaseTransform):
    """Declare the working size to be the original one of the image.

    MMSegmentation resizes logits to ``ori_shape`` before it scores them. Behind ``LoadAnnotations`` and ``Resize``
    this transform makes it score at the working size, against the resized label. Leave it out, and load the
    label behind ``Resize``, to score at the original size. A sample without a label passes: there is nothing
    to score, and a prediction is then wanted at the size of the file, unless ``keep_label`` leaves that to others.

    Behind test-time augmentation images have many sizes: ``scale`` names the one to score at.

    Required Keys:

    - img
    - gt_seg_map (optional)

    Modified Keys:

    - ori_shape
    - gt_seg_map (with ``scale``)

    Args:
        scale: Working size (width, height), which the label is brought to by nearest neighbour. Defaults to
            ``None``, the present size of the image, which the label must have.
        keep_label: Leave the label at its size; predictions at the working size are then for the metric to
            resize (``SegmentationMetric(resize_prediction=True)``). Defaults to ``False``.
    """

    def __init__(self, scale: tuple[int, int] | None = None, keep_label: bool = False) -> None:
        self.scale = None if scale is None else tuple(scale)
        self.keep_label = keep_label

    def transform(self, results: dict) -> dict:
        """Set ``ori_shape`` to (height, width) of the working size.

        Raises:
            ValueError: If the label has another size than the image, and neither argument says what to do.
        """
        if 'gt_seg_map' not in results and not self.keep_label:
            return results
        results['ori_shape'] = results['img'].shape[:2] if self.scale is None else self.scale[::-1]
        if not self.keep_label:
            self._fit_label(results)
        return results

    def _fit_label(self, results: dict) -> None:
        size, label = results['ori_shape'], results['gt_seg_map']
        if size == label.shape[:2]:
            return
        if self.scale is None:
            raise ValueError(
                f'{results.get("seg_map_path")}: label of {label.shape[:2]} for an image of {size} pixels; place '
                'LoadAnnotations before Resize, or leave out UseWorkingSize to score at the original size'
            )
        results['gt_seg_map'] = mmcv.imresize(label, self.scale, interpolation='nearest')

    def __repr__(self) -> str:
        return f'{type(self).__name__}(scale={self.scale}, keep_label={self.keep_label})'
