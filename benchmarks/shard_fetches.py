"""How many shards an epoch of 2 workers fetches from elsewhere: `python benchmarks/shard_fetches.py`.

Packs 400 tiny street scenes into 40 shards and reads them through a backend of `mmengine.fileio` that counts.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from mmengine.config import Config
from mmengine.fileio import LocalBackend, register_backend
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmseg_custom.datasets.packed import pack as packing
from street_scenes import write_dataset

CONFIG = Path(__file__).resolve().parent.parent / 'configs' / '_base_' / 'datasets' / 'streets.py'
IMAGES, SHARD, SAMPLE_BYTES = 400, 10, 256 * 128 * 4


@register_backend('counting', prefixes='counting')
class CountingBackend(LocalBackend):
    """The folder behind ``counting://``."""

    def get(self, filepath: str) -> bytes:
        """Read a file, and add a line to ``FOLDER.reads`` if it is a shard."""
        path = Path(filepath.removeprefix('counting://'))
        if path.suffix == '.bin':
            with path.parent.with_suffix('.reads').open('a') as log:
                log.write('\n')
        return super().get(path)


def count_fetches(cfg: Config, sampler: str) -> int:
    loader = Runner.build_dataloader({**cfg.train_dataloader, 'sampler': {'type': sampler}}, seed=0)
    if sampler == 'ShardedSampler':
        loader.sampler.serve(loader)
    log = Path(loader.dataset.store.shards.folder.removeprefix('counting://') + '.reads')
    log.write_text('')
    assert sum(len(batch['inputs']) for batch in loader) == len(loader.dataset.store) == IMAGES
    return len(log.read_text())


init_default_scope('mmseg')
packing.SHARD_BYTES = SHARD * SAMPLE_BYTES
with TemporaryDirectory() as root:
    write_dataset(f'{root}/data', train=IMAGES, val=1, height=32, width=64)
    cfg = Config.fromfile(CONFIG)
    for loader in packing.LOADERS:
        cfg[loader].dataset.update(data_root=f'{root}/data', packed=f'{root}/packed')
    packing.pack(cfg)
    cfg.train_dataloader.update(batch_size=8, num_workers=2)
    cfg.train_dataloader.dataset.update(packed=f'counting://{root}/packed', open_shards=4)
    for sampler in ('SeededSampler', 'ShardedSampler'):
        sys.stdout.write(f'{sampler}: {count_fetches(cfg, sampler)} fetches of {IMAGES // SHARD} shards\n')
