"""Everything a user gets wrong ends in one message that names it, and leaves finished work as it is."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from mmseg_custom.config import load_run_config
from mmseg_custom.datasets.prepare import prepare
from mmseg_custom.engine.stage_runner import build_runner
from mmseg_custom.errors import UserError
from mmseg_custom.io.checkpoints.checkpoint_file import load_checkpoint_file, save_checkpoint_file

WINNER = Path('work_dirs/tiny/stage1/winner.pth')


def images():
    return sorted(Path('data/leftImg8bit/train').glob('*/*.png'))


def label_of(image):
    return Path(str(image).replace('leftImg8bit/', 'gtFine/').replace('_leftImg8bit', '_gtFine_labelIds'))


def no_data_root():
    shutil.rmtree('data')


def empty_split():
    for image in images():
        image.unlink()


def image_without_label():
    label_of(images()[0]).unlink()


def sizes_that_differ():
    for image in images():
        label = label_of(image)
        cv2.imwrite(str(label), cv2.imread(str(label), cv2.IMREAD_UNCHANGED)[:-4])


def truncated_image():
    for image in images():
        image.write_bytes(image.read_bytes()[:-20])


def truncated_label():
    for image in images():
        label_of(image).write_bytes(label_of(image).read_bytes()[:100])


def unknown_id():
    for image in images():
        cv2.imwrite(str(label_of(image)), np.full((32, 64), 77, np.uint8))


def deep_image():
    for image in images():
        cv2.imwrite(str(image), cv2.imread(str(image)).astype(np.uint16) * 257)


def palette_image():
    for image in images():
        Image.open(image).convert('P').save(image)


def alpha_image():
    for image in images():
        cv2.imwrite(str(image), cv2.cvtColor(cv2.imread(str(image)), cv2.COLOR_BGR2BGRA))


def deep_label():
    for image in images():
        label = cv2.imread(str(label_of(image)), cv2.IMREAD_UNCHANGED)
        cv2.imwrite(str(label_of(image)), label.astype(np.uint16))


def coloured_label():
    for image in images():
        cv2.imwrite(str(label_of(image)), cv2.imread(str(label_of(image))))


def wholly_ignored_label():
    for image in images():
        cv2.imwrite(str(label_of(image)), np.full((32, 64), 4, np.uint8))


def other_class_order():
    checkpoint = load_checkpoint_file(WINNER)
    classes = list(checkpoint['meta']['dataset_meta']['classes'])
    checkpoint['meta']['dataset_meta']['classes'] = [classes[1], classes[0], *classes[2:]]
    save_checkpoint_file(checkpoint, 'other.pth')


def other_architecture():
    save_checkpoint_file({'state_dict': {'backbone.x': torch.zeros(3)}}, 'other.pth')


def object_as_255():
    for image in images():
        assert cv2.imwrite(
            str(label_of(image)), np.full((32, 64), 7, np.uint8) | np.eye(32, 64, dtype=np.uint8) * 255
        )


def other_folder(monkeypatch):
    Path('elsewhere').mkdir()
    monkeypatch.chdir('elsewhere')


def nothing():
    pass


# What the folds do not know of: they are made anew, so that the file itself is what is wrong.
DAMAGE = (
    sizes_that_differ,
    truncated_image,
    truncated_label,
    unknown_id,
    deep_image,
    palette_image,
    alpha_image,
    deep_label,
    coloured_label,
    wholly_ignored_label,
)
# Both splits are the folder of train.
ONE_FOLDER = {
    f'{loader}_dataloader.dataset.data_prefix.{key}': f'{folder}/train'
    for loader in ('train', 'val', 'test')
    for key, folder in (('img_path', 'leftImg8bit'), ('seg_map_path', 'gtFine'))
}

# What is wrong, the options given, and what the message says.
WRONG = [
    (no_data_root, {}, r'No folder data/leftImg8bit/train.*prepare_data\.py'),
    (empty_split, {}, r"No image ending in '_leftImg8bit\.png' under"),
    (image_without_label, {}, r'1 images have no label, the first one .*_gtFine_labelIds\.png'),
    (sizes_that_differ, {}, r'different sizes: .*_gtFine_labelIds\.png: 64 x 28, but its image 64 x 32'),
    (deep_image, {}, r'wrong mode: .*_leftImg8bit\.png: RGB;16, expected 8-bit RGB'),
    (
        palette_image,
        {'train_dataloader.dataset.convert_images': 'never'},
        r"wrong mode: .*_leftImg8bit\.png: P, expected 8-bit RGB; convert_images='lossless' .*: palette resolved",
    ),
    (alpha_image, {}, r'wrong mode: .*_leftImg8bit\.png: RGBA, expected 8-bit RGB'),
    (deep_label, {}, r'wrong mode: .*_gtFine_labelIds\.png: I;16, expected one channel of 8 bits'),
    (coloured_label, {}, r'wrong mode: .*_gtFine_labelIds\.png: RGB, expected one channel of 8 bits'),
    (wholly_ignored_label, {}, r'wholly ignored: .*_gtFine_labelIds\.png: no pixel has a class'),
    (nothing, ONE_FOLDER, r'All 10 images of val are images of train, too .*ann_file'),
    (
        nothing,
        {'train_dataloader.dataset.metainfo.palette': [[0, 0, 256]] * 19},
        r"\[0, 0, 256\] for 'road': a colour",
    ),
    (unknown_id, {'train_dataloader.dataset.on_bad_sample': 'skip'}, r'None of the 6 samples can be used'),
    (nothing, {'train_dataloader.dataset.on_bad_sample': 'ignore'}, r"on_bad_sample='ignore' is unknown: use one of"),
    (truncated_image, {}, r'Image data/.*_leftImg8bit\.png or its label cannot be used'),
    (truncated_label, {}, r'Image data/.*_leftImg8bit\.png or its label cannot be used'),
    (unknown_id, {}, r'_gtFine_labelIds\.png: unknown ids \(id: pixels\) \{77: 2048\}'),
    (nothing, {'model.decode_head.num_classes': 7}, r'num_classes=7, but the data set has 19 classes'),
    (other_class_order, {'load_from': 'other.pth'}, r"other\.pth was trained for 19 .* number 0: \['sidewalk'\]"),
    (other_architecture, {'load_from': 'other.pth'}, r'other\.pth is not of the architecture'),
    (nothing, {'load_from': 'none.pth'}, r'starts from none\.pth, which does not exist'),
    (nothing, {'train_dataloader.dataset.fold': 9}, r'tiny_stage2\.py is fold 9 by itself: leave out --fold 1'),
    (
        nothing,
        {'optim_wrapper.optimizer.lr': 1e30},
        r'diverged in epoch 1: the (loss|gradient) of iteration \d is not finite.*lr, now 1e\+30',
    ),
    (nothing, {'train_dataloder.batch_size': 2}, r'train_dataloder is unknown; is train_dataloader meant\?'),
    (nothing, {'train_dataloader.batchsize': 2}, r'batchsize is unknown; is batch_size meant\?'),
]


@pytest.fixture
def stage1(after_stage1, scenes, tmp_path):
    """The tiny recipe with stage 1 finished, on a copy of the data that a test may spoil."""
    (tmp_path / 'data').unlink()
    shutil.copytree(scenes, 'data')
    return after_stage1


@pytest.mark.parametrize(
    ('spoil', 'options', 'message'), WRONG, ids=[f'{row[0].__name__}-{"".join(row[1])[:60]}' for row in WRONG]
)
def test_wrong_input_ends_in_a_message(stage1, spoil, options, message):
    before = WINNER.read_bytes()
    spoil()
    if spoil in DAMAGE:
        prepare(load_run_config(stage1 / 'tiny_stage2.py'), renew=True)
    with pytest.raises((UserError, OSError), match=message):
        build_runner(load_run_config(stage1 / 'tiny_stage2.py', cfg_options=options, fold=1)).train()
    assert WINNER.read_bytes() == before
    assert not list(Path('work_dirs/tiny_stage2_fold1').glob('*.pth'))


def test_an_object_drawn_as_255_is_refused_before_the_first_step(stage1):
    object_as_255()
    with pytest.raises(UserError, match=r"The train labels hold 'road' and 255 alone.*table=\{0: 0, 255: 1\}"):
        own = {'default_hooks.fold_average.stage_dir': 'work_dirs/other/stage1'}
        build_runner(load_run_config(stage1 / 'tiny_stage1.py', 'work_dirs/again', own)).train()
    assert not list(Path('work_dirs/again').rglob('*.pth'))


def test_misspelt_key_in_a_config_file(stage1):
    with (stage1 / 'tiny_stage2.py').open('a') as file:
        file.write('optim_wraper = dict()\n')
    with pytest.raises(UserError, match=r'tiny_stage2\.py: optim_wraper is unknown; is optim_wrapper meant'):
        load_run_config(stage1 / 'tiny_stage2.py')


def test_run_from_another_folder(stage1, monkeypatch, tmp_path):
    other_folder(monkeypatch)
    with pytest.raises(OSError, match=r'seen from .*elsewhere'):
        build_runner(load_run_config(stage1 / 'tiny_stage1.py')).train()


def test_spaces_and_umlauts_are_no_error(stage1):
    Path('data').rename('meine Daten für Straßen')
    root = {f'{loader}.dataset.data_root': 'meine Daten für Straßen' for loader in LOADERS}
    options = {**root, 'train_cfg.max_epochs': 1}
    cfg = load_run_config(stage1 / 'tiny_stage2.py', 'work_dirs/über all', options, fold=1)
    build_runner(cfg).train()
    assert Path('work_dirs/tiny/stage2/fold1.pth').is_file()


LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def test_batches_of_one_image_train(stage1):
    options = {'train_dataloader.batch_size': 1, 'train_cfg.max_epochs': 1}
    build_runner(load_run_config(stage1 / 'tiny_stage2.py', cfg_options=options, fold=1)).train()
    assert Path('work_dirs/tiny/stage2/fold1.pth').is_file()
