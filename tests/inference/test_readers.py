from pathlib import Path

import cv2
import mmcv
import numpy as np
import pytest
from PIL import Image

from mmseg_custom.inference.errors import InputError
from mmseg_custom.inference.readers import Frame, count_frames, read_frames, read_image, read_video
from mmseg_custom.inference.sources import Source, find_sources


def write_video(path, frames=6, size=(64, 48), fps=12):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), fps, size)
    for number in range(frames):
        writer.write(np.full((*size[::-1], 3), number * (240 // frames), np.uint8))
    writer.release()
    return path


def kinds():
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 4), np.uint8)
    wide = pixels[..., 0].astype(np.uint16) << 8 | 7
    return {
        'colour': Image.fromarray(pixels[..., :3]),
        'alpha': Image.fromarray(pixels),
        'grey': Image.fromarray(pixels[..., 0]),
        'grey_alpha': Image.fromarray(pixels[..., :2]),
        'palette': Image.fromarray(pixels[..., :3]).quantize(16),
        'sixteen': Image.fromarray(wide),
    }


@pytest.mark.parametrize('kind', kinds())
def test_every_kind_of_png_is_read_as_training_reads_it(kind, tmp_path):
    kinds()[kind].save(tmp_path / 'x.png')
    image = read_image(tmp_path / 'x.png')
    assert image.shape == (20, 30, 3) and image.dtype == np.uint8
    assert np.array_equal(image, mmcv.imread(str(tmp_path / 'x.png')))
    if kind == 'sixteen':
        assert np.array_equal(image[..., 0], np.asarray(kinds()['grey']))


def test_exif_turns_the_picture(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    Image.new('RGB', (30, 20)).save(tmp_path / 'x.jpg', exif=exif)
    assert read_image(tmp_path / 'x.jpg').shape == (30, 20, 3)


@pytest.mark.parametrize('content', [None, b'', b'no image', 'half'])
def test_broken_files_are_named(content, tmp_path):
    path = tmp_path / 'x.png'
    if content == 'half':
        kinds()['colour'].save(path)
        content = path.read_bytes()[:500]
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r'x\.png: '):
        read_image(path)


def test_video_gives_its_frames_one_by_one(tmp_path):
    path = write_video(tmp_path / 'clip.mp4')
    frames = list(read_video(Source(path, 'clip')))
    assert [frame.index for frame in frames] == list(range(6))
    assert {frame.fps for frame in frames} == {12}
    assert [round(frame.image.mean() / 40) for frame in frames] == list(range(6))


def test_broken_video_is_told_and_the_others_go_on(tmp_path):
    good = write_video(tmp_path / 'good.mp4')
    (tmp_path / 'bad.mp4').write_bytes(b'no video')
    Image.new('RGB', (8, 8)).save(tmp_path / 'z.png')
    faults = []
    sources = find_sources([str(tmp_path), str(tmp_path / 'gone.mp4')])
    frames = list(read_frames(sources, faults.append))
    assert [Path(str(fault).partition(': ')[0]).name for fault in faults] == ['bad.mp4', 'gone.mp4']
    assert [frame.source.name for frame in frames] == ['good'] * 6 + ['z']
    assert count_frames(sources) == 7
    assert good.is_file()


def test_video_that_ends_early_is_a_fault(tmp_path, monkeypatch):
    path = write_video(tmp_path / 'clip.mp4')
    monkeypatch.setattr('mmseg_custom.inference.readers._declared_frames', lambda capture: 100)
    with pytest.raises(InputError, match='ends after 6 of 100 frames'):
        list(read_video(Source(path, 'clip')))


def test_image_frame_is_read_when_it_is_wanted(tmp_path):
    frame = Frame(Source(tmp_path / 'x.png', 'x'))
    kinds()['colour'].save(tmp_path / 'x.png')
    assert frame.loaded().image.shape == (20, 30, 3)
