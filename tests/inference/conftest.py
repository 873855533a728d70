import numpy as np
import pytest
from inference_kit import save_random_weights


@pytest.fixture
def config(tiny_recipe):
    """A config whose network works at 64 x 32."""
    return tiny_recipe / 'tiny_stage1.py'


@pytest.fixture
def checkpoint(config, tmp_path):
    """Weights for it."""
    return save_random_weights(config, tmp_path / 'weights.pth')


@pytest.fixture
def image():
    """A picture of coarse coloured blocks, 96 x 192."""
    blocks = np.random.default_rng(0).integers(0, 256, (6, 12, 3), np.uint8)
    return np.kron(blocks, np.ones((16, 16, 1), np.uint8))
