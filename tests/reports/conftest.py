import cv2
import numpy as np
import pytest

from mmseg_custom.reports import page, pictures


@pytest.fixture
def no_pictures(monkeypatch):
    """The descriptions that would be drawn, by name: drawing takes seconds."""
    views = {}
    pixel = cv2.imencode('.png', np.zeros((2, 2, 3), np.uint8))[1].tobytes()

    def write_picture(view, stem, **_):
        views[stem.name] = view
        return pixel

    monkeypatch.setattr(pictures, 'write_picture', write_picture)
    return views


@pytest.fixture
def no_script(monkeypatch):
    """Bundling Vega takes seconds, too; the page is only read."""
    monkeypatch.setattr(page, 'page_script', lambda: '')
