import pytest
import torch
from mmengine.dist import get_rank
from ranks import run_ranks
from torch import nn

from mmseg_custom.averaging import recalibrate_batch_norm


class Segmentor(nn.Module):
    def __init__(self):
        super().__init__()
        self.decode_head = nn.BatchNorm2d(1)
        self.auxiliary_head = nn.BatchNorm2d(1)
        self.auxiliary_head.eval().train = lambda mode: None  # one that does not train

    def extract_feat(self, inputs):
        return inputs


def recalibrate(batches):
    model = Segmentor()
    recalibrate_batch_norm([model], [torch.tensor(values).view(-1, 1, 1, 1) for values in batches])
    assert (model.auxiliary_head.running_mean, model.auxiliary_head.running_var) == (0, 1)
    return model.decode_head.running_mean.item(), model.decode_head.running_var.item()


def recalibrate_share(batches):
    return recalibrate(batches[:1] if get_rank() == 0 else batches[1:])


def test_the_statistics_of_all_ranks_are_those_of_one_process():
    batches = [(0.0, 2.0), (4.0, 10.0), (1.0, 3.0)]
    assert recalibrate(batches) == pytest.approx((10 / 3, 22 / 3))
    assert run_ranks(recalibrate_share, batches) == [pytest.approx(recalibrate(batches))] * 2
