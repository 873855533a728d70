from itertools import chain

import numpy as np
import pytest
from mmseg.registry import DATA_SAMPLERS, DATASETS

from mmseg_custom.config import load_run_config
from mmseg_custom.datasets import ClassBalancedSampler, ClassBalanceError
from mmseg_custom.datasets.class_statistics import class_counts
from mmseg_custom.datasets.folds.fold_file import read_split
from mmseg_custom.datasets.prepare import prepare
from mmseg_custom.datasets.samplers.class_balanced_sampler import draw, image_shares
from mmseg_custom.io.files import read_json, write_json

NAMES = 'abcdefg'


class Images(list):
    """As much of a data set as the sampler asks for; the last image alone has the rare class."""

    def get_data_info(self, index):
        return self[index]

    def name_of(self, sample):
        return sample


@pytest.fixture
def counts(tmp_path):
    pixels = {name: [100, 10 if name == NAMES[-1] else 0] for name in NAMES}
    write_json({'image_pixels': pixels}, tmp_path / 'counts.json')
    return str(tmp_path / 'counts.json')


@pytest.fixture
def build(counts):
    def build(rank=0, ranks=1, epoch=0, **kwargs):
        sampler = ClassBalancedSampler(Images(NAMES), **{'counts': counts, 'seed': 3, **kwargs})
        sampler.rank, sampler.world_size = rank, ranks
        sampler.num_samples = -(-len(NAMES) // ranks)
        sampler.total_size = sampler.num_samples * ranks
        sampler.set_epoch(epoch)
        return sampler

    return build


def test_shares_worked_by_hand():
    # Of the first class the images have a half, a quarter and a quarter, of the second the last has all.
    assert image_shares(np.array([[8, 0, 0], [4, 0, 0], [4, 2, 0]])).tolist() == [0.25, 0.125, 0.625]


def test_a_draw_rounds_up_or_down():
    shares = np.array([0.5, 0.1, 0.15, 0.25])
    counted = np.array([np.bincount(draw(shares, offset), minlength=4) for offset in np.linspace(0, 0.999, 200)])
    assert (counted.sum(1) == 4).all()
    assert (np.abs(counted - 4 * shares) < 1).all()
    assert counted.mean(0) == pytest.approx(4 * shares, abs=0.02)


def test_order_is_a_function_of_seed_and_epoch(build):
    first = list(build())
    assert first == list(build()) and len(first) == len(NAMES)
    assert first != list(build(epoch=1)) and first != list(build(seed=4))
    indices = [key.index for key in first]
    assert indices.count(6) == 4  # (1 + 1 / 7) / 2 of 7 draws and indices != sorted(indices)
    assert len(set(first)) == len(first)  # a repeated image is augmented anew


def test_skipping_goes_on_where_an_epoch_was_left(build):
    whole, sampler = list(build(epoch=2)), build(epoch=2)
    sampler.skip_in_epoch(3)
    assert list(sampler) == whole[3:]
    assert list(sampler) == whole


def test_ranks_share_the_draws_of_one(build):
    shared = [list(build(rank, 2)) for rank in (0, 1)]
    assert [len(keys) for keys in shared] == [4, 4]
    assert list(chain(*zip(*shared, strict=True)))[:7] == list(build())


@pytest.mark.parametrize(('content', 'message'), [({}, 'no pixels of a'), (None, 'does not exist')])
def test_counts_that_do_not_fit_are_named(build, tmp_path, content, message):
    path = tmp_path / 'other.json'
    if content is not None:
        write_json(content, path)
    with pytest.raises(ClassBalanceError, match=f'other.json.*{message}.*--class-weights'):
        build(counts=str(path))


def test_counts_are_made_with_the_folds_and_serve_each(tiny_recipe):
    cfg, file = load_run_config(tiny_recipe / 'tiny_stage2.py', fold=1), tiny_recipe / 'counts.json'
    cfg.train_dataloader.sampler = {'type': 'ClassBalancedSampler', 'counts': str(file)}
    prepare(cfg)
    written = file.stat().st_mtime_ns
    prepare(cfg)
    assert file.stat().st_mtime_ns == written
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    sampler = DATA_SAMPLERS.build(cfg.train_dataloader.sampler, default_args={'dataset': dataset, 'seed': 1})
    assert sampler.shares.sum() == pytest.approx(1) and len(sampler.shares) == len(dataset)
    assert dataset[next(iter(sampler))]['inputs'].shape == (3, 32, 64)
    counts = class_counts(cfg, read_split(cfg.train_dataloader.dataset.folds.file), tiny_recipe / 'none.json')
    assert read_json(file)['image_pixels'] == counts.image_pixels
    assert np.sum(list(counts.image_pixels.values()), 0).tolist() == counts.pixels.tolist()
