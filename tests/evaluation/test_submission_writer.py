import cv2
import pytest
import torch
from mmengine.config import ConfigDict
from PIL import Image

from mmseg_custom.evaluation import SubmissionWriter, submission_writer
from mmseg_custom.evaluation.submission_writer import SubmissionError, invert_table, unique_names


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


def prediction(path, **more):
    return {'pred_sem_seg': {'data': torch.tensor([[[0, 1], [1, 1]]])}, 'img_path': str(path), **more}


def test_images_of_one_name_in_two_folders_give_two_files(tmp_path):
    images = [f'val/{city}/frame_0.jpg' for city in ('north', 'south')]
    writer = SubmissionWriter(tmp_path)
    writer.names = unique_names(images)
    writer.process({}, [prediction(image, gt_sem_seg={'data': torch.zeros(1, 2, 2)}) for image in images])
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob('*.png')) == [
        'north/frame_0.png',
        'south/frame_0.png',
    ]


@pytest.mark.parametrize(
    ('images', 'names'),
    [
        (['v/a/x.png', 'v/b/y.png'], ['x', 'y']),
        (['v/a/x.png', 'v/b/x.png', 'v/b/y.png'], ['a/x', 'b/x', 'b/y']),
        (['v/a/x.png', 'v/b/X.png'], ['a/x', 'b/X']),
        (['v/x.png', 'v/x.jpg'], ['x.png', 'x.jpg']),
        (['v/x.png'], ['x']),
        ([], []),
    ],
)
def test_names_are_flat_where_they_differ_and_have_folders_where_they_do_not(images, names):
    assert list(unique_names(images).values()) == names


def test_without_knowing_all_images_nothing_is_overwritten(tmp_path):
    writer, label = SubmissionWriter(tmp_path), {'data': torch.zeros(1, 2, 2)}
    writer.process({}, [prediction('a/x.png', gt_sem_seg=label), prediction('a/x.png', gt_sem_seg=label)])
    with pytest.raises(SubmissionError, match=r'x\.png is the prediction of a/x\.png and .* that of b/x\.png'):
        writer.process({}, [prediction('b/x.png', gt_sem_seg=label)])


def test_what_is_written_is_counted_and_a_stand_in_is_not_written(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(submission_writer, 'print_log', lambda message, *_, **__: said.append(message))
    writer, label = SubmissionWriter(tmp_path), {'data': torch.zeros(1, 2, 2)}
    samples = [
        prediction('a/x.png', gt_sem_seg=label, skipped={'a/y.png': 'gone'}),
        prediction('a/x.png', gt_sem_seg=label),
    ]
    writer.process({}, samples)
    writer.evaluate(2)
    assert said == [f'1 predictions with raw ids in {tmp_path}', '1 images that cannot be used have no prediction.']


@pytest.mark.parametrize(('orientation', 'shape'), [(1, (4, 6)), (6, (6, 4))])
def test_without_a_label_the_size_is_that_of_the_decoded_image(orientation, shape, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new('RGB', (6, 4)).save(tmp_path / 'x.jpg', exif=exif)
    assert cv2.imread(str(tmp_path / 'x.jpg')).shape[:2] == shape
    SubmissionWriter(tmp_path).process({}, [prediction(tmp_path / 'x.jpg')])
    image = cv2.imread(str(tmp_path / 'x.png'), cv2.IMREAD_UNCHANGED)
    assert image.shape == shape
    assert image[0].tolist() == [0] * (shape[1] // 2) + [1] * (shape[1] // 2)  # Train ids, as predicted.
