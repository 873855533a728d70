"""The pipelines in a data set's config, from its working size and how its images and labels are read."""

from typing import NamedTuple

Steps = list[dict]
PACK = {'type': 'PackSegInputs'}
TTA_SCALES = (0.75, 1.0, 1.25)
MEAN_COLOUR = (104, 116, 124)  # of ImageNet, BGR


class Pipelines(NamedTuple):
    """What a config names ``load``, ``test_pipeline``, ``original_size_pipeline`` and ``tta_pipeline``.

    Attributes:
        load: Image and label at the working size, before augmentation.
        test: The same, packed: for validation and tests, and what MMSegmentation's inference takes.
        original_size: The image at the working size, the label as it is.
        tta: Test-time augmentation by three scales, each with and without a flip, scored at the working size.
    """

    load: Steps
    test: Steps
    original_size: Steps
    tta: Steps


def pipelines(size: tuple[int, int], read_image: Steps, read_label: Steps) -> Pipelines:
    """The pipelines at a working size.

    Args:
        size: Width and height.
        read_image: The steps that read an image.
        read_label: The steps that read its label and map its ids.
    """
    load = [*read_image, *read_label, _resize(size), {'type': 'UseWorkingSize'}]
    scales = [_resize((int(size[0] * scale), int(size[1] * scale))) for scale in TTA_SCALES]
    flips = [{'type': 'RandomFlip', 'prob': prob, 'direction': 'horizontal'} for prob in (0.0, 1.0)]
    scored = [*read_label, {'type': 'UseWorkingSize', 'scale': size}, PACK]
    augmentation = {'type': 'TestTimeAug', 'transforms': [scales, flips, *([step] for step in scored)]}
    return Pipelines(
        load=load,
        test=[*load, PACK],
        original_size=[*read_image, _resize(size), *read_label, PACK],
        tta=[*read_image, augmentation],
    )


def scale_crop(size: tuple[int, int]) -> Steps:
    """Augmentation of images at the size of their files: scales, crops of the working size, flip and colours.

    Args:
        size: The working size, width and height; images get half to twice of it.
    """
    width, height = size
    return [
        {'type': 'RandomResize', 'scale': size, 'ratio_range': (0.5, 2.0), 'keep_ratio': True},
        {'type': 'RandomCrop', 'crop_size': (height, width), 'cat_max_ratio': 0.75},
        {'type': 'RandomFlip', 'prob': 0.5, 'direction': 'horizontal'},
        {'type': 'PhotoMetricDistortion'},
        {'type': 'Pad', 'size': size, 'pad_val': {'img': MEAN_COLOUR, 'seg': 255}},
    ]


def _resize(size: tuple[int, int]) -> dict:
    return {'type': 'Resize', 'scale': size, 'keep_ratio': False}
