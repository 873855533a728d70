import pytest
from packed_scenes import IMAGE_AND_LABEL, make_config

from mmseg_custom.datasets.packed import pack as packing
from mmseg_custom.datasets.packed import packed_store


@pytest.fixture
def packed_cfg(tiny_recipe, scenes, tmp_path, monkeypatch):
    """A config whose samples are packed: 3 training samples a shard, but one in the last."""
    monkeypatch.setattr(packing, 'SHARD_BYTES', 3 * IMAGE_AND_LABEL)
    cfg = make_config(tiny_recipe, scenes, tmp_path)
    assert [split.num_written for split in packing.pack(cfg)] == [4, 2]
    return cfg


@pytest.fixture
def said(monkeypatch):
    """What the store says in the log."""
    messages = []
    monkeypatch.setattr(packed_store, 'print_log', lambda message, *_: messages.append(message))
    return messages
