"""The last batch of an epoch that is shared among processes."""

import pytest
import torch
from mmengine.dataset import DefaultSampler
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch.utils.data import DataLoader

from mmseg_custom.engine.train_loop import without_padding


class Images(list):
    ignore_index = 255


def last_batch(images, rank, batch_size=2, drop_last=False, round_up=True):
    """The labels of the last batch of one rank of two; image i is labelled i."""
    sampler = DefaultSampler(Images(range(images)), shuffle=False, seed=0, round_up=round_up)
    sampler.rank, sampler.world_size = rank, 2
    sampler.num_samples = -(-images // 2) if round_up else len(range(rank, images, 2))
    sampler.total_size = 2 * sampler.num_samples if round_up else images
    loader = DataLoader(sampler.dataset, batch_size, sampler=sampler, drop_last=drop_last, collate_fn=list)
    *_, own = loader
    samples = [SegDataSample(gt_sem_seg=PixelData(data=torch.full((1, 1, 1), index))) for index in own]
    batch = without_padding({'inputs': own, 'data_samples': samples}, loader)
    assert len(batch['inputs']) == len(batch['data_samples'])
    return [sample.gt_sem_seg.data.item() for sample in batch['data_samples']]


@pytest.mark.parametrize(
    ('images', 'options', 'first', 'second'),
    [
        (8, {}, [4, 6], [5, 7]),
        (7, {}, [4, 6], [5]),
        (9, {}, [8], [255]),
        (9, {'drop_last': True}, [4, 6], [5, 7]),
        (7, {'drop_last': True}, [4, 6], [5]),
        (7, {'batch_size': 3}, [6], [255]),
        (5, {'round_up': False}, [4], [1, 3]),
    ],
)
def test_no_image_counts_twice(images, options, first, second):
    assert [last_batch(images, rank, **options) for rank in (0, 1)] == [first, second]
