import cv2
import pytest
import torch
from mmengine.config import ConfigDict

from mmseg_custom.evaluation import SubmissionWriter
from mmseg_custom.evaluation.submission_writer import invert_table


@pytest.fixture
def written(tmp_path):
    writer = SubmissionWriter(tmp_path / 'sent', ConfigDict({7: 0, 8: 1, '11': 2, 0: 255}))
    sample = {
        'pred_sem_seg': {'data': torch.tensor([[[0, 1], [2, 2]]])},
        'gt_sem_seg': {'data': torch.zeros(1, 4, 4)},
        'img_path': 'data/val/ulm/ulm_000001_000019_leftImg8bit.png',
    }
    writer.process({}, [sample])
    assert writer.evaluate(1) == {}
    return list((tmp_path / 'sent').iterdir())


def test_files_hold_raw_ids_at_the_size_of_the_label_and_have_the_name_of_the_image(written):
    assert [path.name for path in written] == ['ulm_000001_000019_leftImg8bit.png']
    image = cv2.imread(str(written[0]), cv2.IMREAD_UNCHANGED)
    assert image.dtype == 'uint8'
    assert image.tolist() == [[7, 7, 8, 8]] * 2 + [[11] * 4] * 2


def test_of_several_raw_ids_the_first_is_written():
    assert invert_table({5: 0, 6: 0, 3: 1, -1: 255})[[0, 1, 255]].tolist() == [5, 3, 255]
