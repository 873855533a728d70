from pathlib import Path

import cv2
import numpy as np
import pytest
from inference_kit import LABELS

from mmseg_custom.errors import UserError
from mmseg_custom.inference.painting import class_shares, draw_legend, overlay_classes, paint_classes
from mmseg_custom.inference.predictor import Prediction
from mmseg_custom.inference.readers import Frame
from mmseg_custom.inference.sources import Source
from mmseg_custom.inference.writers import PredictionWriter

IMAGE = np.full((60, 400, 3), 200, np.uint8)
CLASSES = np.repeat(np.uint8([[0, 1]]), [100, 300], axis=1).repeat(60, 0)
SCORES = np.float32([[[2, 1]], [[0, 3]]])


def write(folder, *frames, **options):
    with PredictionWriter(folder, LABELS, **options) as writer:
        for frame in frames:
            writer.write(frame, Prediction(CLASSES, SCORES))


def video_frames(count, name='clip', image=IMAGE):
    return [Frame(Source(Path(f'{name}.avi'), name), image, index, 10.0) for index in range(count)]


def test_colours_are_the_palette_in_opencvs_order():
    painted = paint_classes(np.uint8([[0, 1, 255]]), LABELS)
    assert painted.tolist() == [[[30, 20, 10], [60, 50, 40], [0, 0, 0]]]


def test_overlay_is_the_weighted_mean():
    overlay = overlay_classes(IMAGE[:1, :1], CLASSES[:1, :1], LABELS, 0.25)
    # 0.75 * 200 + 0.25 * (30, 20, 10)
    assert overlay[0, 0].tolist() == pytest.approx([157.5, 155, 152.5], abs=0.6)
    assert np.array_equal(overlay_classes(IMAGE, CLASSES, LABELS, 0), IMAGE)


def test_shares():
    assert class_shares(CLASSES, LABELS) == [0.25, 0.75]


def test_legend_shows_the_colour_of_each_class_and_fits():
    legend = draw_legend(400, LABELS, (0, 1))
    for colour in LABELS.palette:
        assert (legend == colour[::-1]).all(2).sum() > 80
    narrow = draw_legend(100, LABELS, (0, 1))
    assert legend.shape[1] == 400 and narrow.shape[1] == 100
    assert narrow.shape[0] > legend.shape[0]
    assert draw_legend(100, LABELS, ()).shape == (0, 100, 3)


def test_kinds_of_an_image(tmp_path):
    frame = Frame(Source(Path('in/x.jpg'), 'sub/x'), IMAGE)
    write(tmp_path, frame, kinds=('overlay', 'color', 'ids', 'raw'))
    overlay = cv2.imread(str(tmp_path / 'overlay/sub/x.jpg'))
    assert overlay.shape[1] == 400 and overlay.shape[0] > 60 + 12
    assert np.array_equal(cv2.imread(str(tmp_path / 'color/sub/x.png')), paint_classes(CLASSES, LABELS))
    assert np.array_equal(cv2.imread(str(tmp_path / 'ids/sub/x.png'), cv2.IMREAD_UNCHANGED), CLASSES)
    assert np.array_equal(np.load(tmp_path / 'raw/sub/x.npz')['scores'], SCORES)


def test_error_leaves_no_half_video(tmp_path):
    with pytest.raises(ValueError), PredictionWriter(tmp_path, LABELS) as writer:
        writer.write(video_frames(1)[0], Prediction(CLASSES))
        raise ValueError
    assert not [path for path in tmp_path.rglob('*') if path.is_file()]


def test_ids_of_the_label_files(tmp_path):
    write(tmp_path, Frame(Source(Path('x.png'), 'x'), IMAGE), kinds=('ids',), ids='label')
    ids = cv2.imread(str(tmp_path / 'ids/x.png'), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(ids, np.where(CLASSES == 0, 7, 23))
    with pytest.raises(UserError, match='are not known'):
        PredictionWriter(tmp_path, LABELS._replace(file_ids=None), kinds=('ids',), ids='label')


def test_uncertainty_is_a_grey_picture_of_255_levels(tmp_path):
    unsure = np.linspace(0, 1, 24000, dtype=np.float32).reshape(60, 400)
    frames = [Frame(Source(Path('x.png'), 'x'), IMAGE), *video_frames(2)]
    with PredictionWriter(tmp_path, LABELS, ('uncertainty',)) as writer:
        for frame in frames:
            writer.write(frame, Prediction(CLASSES, uncertainty=unsure))
    written = cv2.imread(str(tmp_path / 'uncertainty/x.png'), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(written, np.rint(255 * unsure)) and written.max() == 255
    assert len(list((tmp_path / 'uncertainty/clip.avi').iterdir())) == 2


def test_small_pictures_are_enlarged_for_the_legend(tmp_path):
    frame = Frame(Source(Path('x.png'), 'x'), IMAGE[:, :200])
    with PredictionWriter(tmp_path, LABELS) as writer:
        writer.write(frame, Prediction(CLASSES[:, :200]))
    assert cv2.imread(str(tmp_path / 'overlay/x.jpg')).shape[1] == 400


@pytest.mark.parametrize('height', [60, 59])
def test_video_gives_a_video_and_a_file_a_frame(height, tmp_path):
    image, prediction = IMAGE[:height], Prediction(CLASSES[:height])
    still = Frame(Source(Path('clip.png'), 'clip_2'), image)
    with PredictionWriter(tmp_path, LABELS, ('overlay', 'color', 'ids')) as writer:
        for frame in [*video_frames(3, image=image), still, *video_frames(2, 'other', image)]:
            writer.write(frame, prediction)
    for name, count in (('clip', 3), ('other', 2)):
        capture = cv2.VideoCapture(str(tmp_path / f'color/{name}.mp4'))
        assert (capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)) == (count, 10)
        assert capture.read()[1].shape == (60, 400, 3)
        assert (tmp_path / f'overlay/{name}.mp4').is_file()
        assert len(list((tmp_path / f'ids/{name}.avi').iterdir())) == count
    assert (tmp_path / 'color/clip_2.png').is_file()
    assert not list(tmp_path.rglob('.*'))
