import pytest
import torch

from mmseg_custom.evaluation import confusion_matrix
from mmseg_custom.evaluation.confusion_matrix import count_by_bincount, count_by_histogram, resize_classes


def test_rows_are_truth_and_ignored_pixels_do_not_count():
    truth = torch.tensor([[0, 0, 1], [2, 255, 1]])
    guess = torch.tensor([[0, 1, 1], [2, 2, 0]])
    expected = torch.tensor([[1, 1, 0], [1, 1, 0], [0, 0, 1]])
    matrix = confusion_matrix(guess, truth, 3)
    assert matrix.dtype == torch.int64
    assert torch.equal(matrix, expected)


@pytest.mark.parametrize('num_classes', [2, 19, 200])
@pytest.mark.parametrize('ignore_index', [255, 0, 254])
def test_both_ways_of_counting_agree(num_classes, ignore_index):
    generator = torch.Generator().manual_seed(num_classes)
    truth = torch.randint(0, 256, (37, 53), generator=generator)
    guess = torch.randint(0, num_classes + 2, (37, 53), generator=generator)
    counts = [count(guess, truth, num_classes, ignore_index) for count in (count_by_bincount, count_by_histogram)]
    assert torch.equal(*counts)
    assert counts[0].sum() == (truth != ignore_index).sum()
    assert counts[0][-1] > 0


@pytest.mark.parametrize('ignore_index', [-1, 300])
def test_values_beyond_a_byte_are_counted_too(ignore_index):
    truth = torch.tensor([0, 299, ignore_index, 299])
    guess = torch.tensor([0, 299, 0, 1])
    matrix = confusion_matrix(guess, truth, 300, ignore_index)
    assert matrix.nonzero().tolist() == [[0, 0], [299, 1], [299, 299]]
    assert matrix.sum() == 3


def test_more_pixels_than_float32_can_count_are_counted_exactly():
    pixels = torch.zeros(2**24 + 1, dtype=torch.uint8)
    assert confusion_matrix(pixels, pixels, 2)[0, 0] == 2**24 + 1


def test_no_pixels_are_no_counts():
    assert confusion_matrix(torch.zeros(0).long(), torch.zeros(0).long(), 3).sum() == 0


@pytest.mark.parametrize('ignore_index', [255, -1])
def test_values_out_of_range_and_shapes_that_differ_are_named(ignore_index):
    zeros = torch.zeros(3).long()
    with pytest.raises(ValueError, match=r'Label 7 \(2 pixels\) is outside 0\.\.2'):
        confusion_matrix(zeros, torch.tensor([0, 7, 7]), 3, ignore_index)
    with pytest.raises(ValueError, match=r'Label -2 \(1 pixels\) is outside 0\.\.2'):
        confusion_matrix(zeros, torch.tensor([0, -2, 0]), 3, ignore_index)
    with pytest.raises(ValueError, match=r'Prediction 3 \(1 pixels\) is outside 0\.\.2'):
        confusion_matrix(torch.tensor([0, 3, 0]), zeros, 3, ignore_index)
    with pytest.raises(ValueError, match='differ in shape'):
        confusion_matrix(zeros, torch.zeros(4).long(), 3, ignore_index)


def test_classes_are_resized_to_the_nearest_pixel_centre():
    classes = torch.tensor([[1, 2], [3, 4]])
    assert resize_classes(classes, (2, 4)).tolist() == [[1, 1, 2, 2], [3, 3, 4, 4]]
    assert resize_classes(classes, (2, 3)).tolist() == [[1, 2, 2], [3, 4, 4]]
    assert resize_classes(classes, (2, 2)) is classes
