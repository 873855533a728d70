import pytest
import torch
import torch.nn.functional as F

from mmseg_custom.models import row_bands
from mmseg_custom.models.upsampled_classes import upsampled_classes


@pytest.fixture(params=[1, 2])
def threads(request):
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(1)


@pytest.mark.parametrize('size', [(24, 40), (96, 160), (61, 33), (7, 200)])
@pytest.mark.parametrize('align_corners', [False, True])
def test_classes_are_those_of_the_upsampled_logits(monkeypatch, threads, size, align_corners):
    monkeypatch.setattr(row_bands, 'CPU_BAND', 2**12)
    logits = torch.randn(2, 5, 24, 40, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        ours = upsampled_classes(logits, size, align_corners)
    theirs = F.interpolate(logits, size, mode='bilinear', align_corners=align_corners).argmax(1)
    assert ours.dtype == torch.uint8
    assert ours.shape == theirs.shape
    assert len(ours.unique()) == 5
    assert (ours == theirs).double().mean() > 0.9999


def test_the_first_of_equal_classes_wins_and_half_precision_is_enough():
    logits = torch.tensor([1.0, 3.0, 3.0, 2.0]).view(1, 4, 1, 1).expand(1, 4, 3, 3).to(torch.bfloat16)
    assert upsampled_classes(logits, (6, 9)).unique().tolist() == [1]
