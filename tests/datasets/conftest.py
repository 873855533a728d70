import pytest
from counting_backend import PREFIX
from mmengine.config import Config
from packed_scenes import IMAGE_AND_LABEL, make_config

from mmseg_custom.datasets.packed import pack as packing
from mmseg_custom.datasets.packed import packed_store, shard_files


@pytest.fixture
def shard_folder(tiny_recipe, scenes, tmp_path, monkeypatch):
    """The folder of the packed training samples: 3 a shard, but one in the last."""
    monkeypatch.setattr(packing, 'SHARD_BYTES', 3 * IMAGE_AND_LABEL)
    cfg = make_config(tiny_recipe, scenes, tmp_path)
    train, _ = packing.pack(cfg)
    assert train.num_written == 4
    return train.folder


@pytest.fixture
def far_cfg(shard_folder, tiny_recipe):
    """A config that finds these elsewhere."""
    cfg = Config.fromfile(tiny_recipe / 'tiny_stage2.py')
    for loader in packing.LOADERS:
        cfg[loader].dataset.packed = f'{PREFIX}packed'
    return cfg


@pytest.fixture
def said(monkeypatch):
    """What the store says in the log."""
    messages = []
    for module in (packed_store, shard_files):
        monkeypatch.setattr(module, 'print_log', lambda message, *_: messages.append(message))
    return messages
