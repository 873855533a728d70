import numpy as np
import pytest


@pytest.fixture
def sample():
    """A function that returns a sample of 45 x 70 pixels, the same on every call."""

    def build(height=45, width=70):
        rng = np.random.RandomState(3)
        coarse = rng.randint(0, 256, (height // 5 + 1, width // 5 + 1, 3))
        img = coarse.repeat(5, 0).repeat(5, 1)[:height, :width].astype(np.uint8)
        label = (img[..., 0] % 20).astype(np.uint8)
        label[label == 19] = 255
        return {'img': img, 'gt_seg_map': label, 'seg_fields': ['gt_seg_map']}

    return build
