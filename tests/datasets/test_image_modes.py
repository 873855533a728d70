"""Images of one channel, with a palette, alpha, in CMYK and of 16 bits: one reading for training and prediction."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmseg.registry import DATASETS
from PIL import Image
from user_data import config, settings, write_pairs

from mmseg_custom.datasets.checks.bad_samples import SampleError
from mmseg_custom.datasets.checks.image_modes import ConversionError
from mmseg_custom.datasets.checks.verify import examine
from mmseg_custom.datasets.packed.pack import LOADERS, pack
from mmseg_custom.inference.readers import read_image

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 8, 4), np.uint8)
COLOUR, GREY = Image.fromarray(PIXELS[..., :3]), Image.fromarray(PIXELS[..., 0])
CLEAR = COLOUR.quantize(8)
CLEAR.info['transparency'] = 0
DEEP = Image.fromarray(PIXELS[..., 0].astype(np.uint16) * 256 + 7)
# The kind, its file, the image, what is chosen at least, and what becomes of it.
KINDS = {
    'grey': ('im.png', GREY, 'lossless', 'grey in three equal channels'),
    'bilevel': ('im.png', GREY.convert('1'), 'lossless', 'grey in three equal channels'),
    'palette': ('im.png', COLOUR.quantize(8), 'lossless', 'palette resolved'),
    'alpha': ('im.png', Image.fromarray(PIXELS), 'all', 'alpha channel dropped'),
    'grey_alpha': ('im.png', GREY.convert('LA'), 'all', 'grey in three equal channels, alpha channel dropped'),
    'clear_palette': ('im.png', CLEAR, 'all', 'palette resolved, transparency dropped'),
    'cmyk': ('im.jpg', COLOUR.convert('CMYK'), 'all', 'converted from CMYK'),
    'sixteen': ('im.png', DEEP, 'all', 'of 16 bits the upper 8 kept'),
}
ORDER = ('never', 'lossless', 'all')


@pytest.fixture(params=KINDS)
def kind(request, tmp_path, monkeypatch):
    """A data set of one such image in train and a usual one in val."""
    monkeypatch.chdir(tmp_path)
    file, image, least, done = KINDS[request.param]
    for split in ('train', 'val'):
        write_pairs(split, ['im'])
    Path('data/images/train/im.png').unlink()
    image.save(f'data/images/train/{file}')
    return f'data/images/train/{file}', least, done


def build(convert, **changes):
    return DATASETS.build(settings(img_suffix=('.png', '.jpg'), convert_images=convert, **changes))


@pytest.mark.parametrize('convert', ORDER)
def test_a_choice_takes_what_it_says_and_training_reads_what_prediction_reads(kind, convert):
    path, least, done = kind
    if ORDER.index(convert) < ORDER.index(least):
        with pytest.raises(SampleError, match=f"expected 8-bit RGB; convert_images='{least}' in .* takes it: {done}"):
            build(convert)[0]
        return
    expected = torch.from_numpy(read_image(Path(path))).permute(2, 0, 1)
    assert torch.equal(build(convert)[0]['inputs'], expected)


def test_verify_says_what_is_converted_and_packing_keeps_it(kind):
    path, least, done = kind
    cfg = config(img_suffix=('.png', '.jpg'), convert_images=least, packed='packed')
    found = examine(cfg)
    mode = 'P;A' if done.endswith('transparency dropped') else Image.open(path).mode
    note = f"1 {mode} ({done}) of 2 images looked at are read as 8-bit colour (convert_images='{least}')"
    assert (found.faults, note in found.notes) == ([], True)
    assert [split.num_samples for split in pack(cfg)] == [1, 1]
    assert len(LOADERS) == 3
    packed = build(least, packed='packed')
    assert len(packed.store) == 1
    assert torch.equal(packed[0]['inputs'], build(least)[0]['inputs'])
    cfg.train_dataloader.dataset.convert_images = 'never'
    (fault,) = examine(cfg).faults
    assert (fault.kind, fault.path) == ('wrong mode', path)


def test_choices_that_do_not_exist_are_named():
    with pytest.raises(ConversionError, match=r"convert_images=True is unknown: use one of \('never'"):
        build(True)


@pytest.mark.parametrize(
    ('kind', 'values'), [('grey', PIXELS[..., 0]), ('sixteen', PIXELS[..., 0])], indirect=['kind']
)
def test_values_by_hand(kind, values):
    inputs = build('all')[0]['inputs'].numpy()
    assert np.array_equal(inputs, np.stack([values] * 3))
