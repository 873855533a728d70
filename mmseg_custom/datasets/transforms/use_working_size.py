"""Scoring at the working size."""

from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class UseWorkingSize(BaseTransform):
    """Declare the present size of the image to be its original one.

    The host resizes logits to ``ori_shape`` before it scores them. Behind ``LoadAnnotations`` and ``Resize``
    this transform makes it score at the working size, against the resized label. Leave it out, and load the
    label behind ``Resize``, to score at the original size. A sample without a label passes: there is nothing
    to score, and a prediction is then wanted at the size of the file.

    Required Keys:

    - img
    - gt_seg_map (optional)

    Modified Keys:

    - ori_shape
    """

    def transform(self, results: dict) -> dict:
        """Set ``ori_shape`` to (height, width) of the image.

        Raises:
            ValueError: If the label has another size than the image.
        """
        if 'gt_seg_map' not in results:
            return results
        size, label_size = results['img'].shape[:2], results['gt_seg_map'].shape[:2]
        if size != label_size:
            raise ValueError(
                f'{results.get("seg_map_path")}: label of {label_size} for an image of {size} pixels; place '
                'LoadAnnotations before Resize, or leave out UseWorkingSize to score at the original size'
            )
        results['ori_shape'] = size
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
