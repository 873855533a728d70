import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg_custom.config import ConfigError
from mmseg_custom.evaluation import testing_options
from mmseg_custom.evaluation.testing import run_test
from mmseg_custom.io.checkpoints.checkpoint_file import hash_weights, load_weights


def predictions(cfg):
    """The PNGs that a test of ``cfg`` writes, in the order of their names."""
    shutil.rmtree('sent', ignore_errors=True)
    testing_options.write_submission(cfg, 'sent')
    run_test(cfg)
    return [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in sorted(Path('sent').iterdir())]


def test_nearest_enlarges_the_classes_of_the_working_size_and_bilinear_does_not(load):
    working, nearest, bilinear = (predictions(load(rule)) for rule in (None, 'nearest', 'bilinear'))
    assert len(working) == 4
    assert working[0].shape == (24, 48)
    for small, large, other in zip(working, nearest, bilinear, strict=True):
        enlarged = Image.fromarray(small).resize((64, 32), Image.Resampling.NEAREST)
        assert np.array_equal(large, np.asarray(enlarged))
        assert other.shape == (32, 64)
        assert not np.array_equal(large, other)


def test_one_scale_and_a_window_over_the_whole_image_change_nothing(load):
    plain = run_test(load())
    assert plain['val_loss'] > 0
    for options in ({'tta': True, 'scales': [1.0], 'flip': False}, {'window': ((24, 48), (24, 48))}):
        assert run_test(load(**options)) == pytest.approx(plain, rel=1e-5, nan_ok=True)


def test_window_and_flip_change_the_scores(load):
    plain = run_test(load())['mIoU']
    assert run_test(load(window=((12, 24), (6, 12))))['mIoU'] != pytest.approx(plain)
    assert run_test(load(tta=True, scales=[1.0]))['mIoU'] != pytest.approx(plain)


def test_flipping_the_images_flips_what_both_ways_together_predict(load, scenes, tmp_path):
    straight = predictions(load('nearest', tta=True, scales=[1.0]))
    for path in scenes.rglob('val/*/*.png'):
        copy = tmp_path / 'mirrored' / path.relative_to(scenes)
        copy.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(copy), cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[:, ::-1])
    cfg = load('nearest', tta=True, scales=[1.0])
    cfg.test_dataloader.dataset.data_root = str(tmp_path / 'mirrored')
    mirrored = predictions(cfg)
    equal = [np.mean(one[:, ::-1] == other) for one, other in zip(straight, mirrored, strict=True)]
    assert min(equal) > 0.99


def test_scales_multiply_the_working_size(load):
    cfg = load(tta=True, scales=[0.5, 1.25], flip=False)
    groups = cfg.test_dataloader.dataset.pipeline[1].transforms
    assert [tuple(step.scale) for step in groups[0]] == [(24, 12), (60, 30)]
    assert 'RandomFlip' not in [group[0].type for group in groups]
    assert len(load(tta=True).test_dataloader.dataset.pipeline[1].transforms[1]) == 2


def test_another_split_is_found_by_its_name(load, scenes, tmp_path):
    for folder in ('leftImg8bit', 'gtFine'):
        (tmp_path / 'other' / folder).mkdir(parents=True)
        (tmp_path / 'other' / folder / 'test').symlink_to(scenes / folder / 'val')
    cfg = load()
    cfg.test_dataloader.dataset.data_root = str(tmp_path / 'other')
    with pytest.raises(FileNotFoundError, match='leftImg8bit/val'):
        run_test(cfg)
    testing_options.use_split(cfg, 'test')
    assert run_test(cfg) == pytest.approx(run_test(load()), nan_ok=True)


@pytest.fixture
def unlabelled(scenes, tmp_path):
    """A data set of the val images of the scenes as test images that nobody has labelled."""
    (tmp_path / 'other/leftImg8bit').mkdir(parents=True)
    (tmp_path / 'other/leftImg8bit/test').symlink_to(scenes / 'leftImg8bit/val')
    return str(tmp_path / 'other')


@pytest.mark.parametrize(
    ('rule', 'tta', 'shape'),
    [('bilinear', False, (32, 64)), ('nearest', False, (32, 64)), (None, True, (32, 64))],
)
def test_images_without_labels_are_predicted_as_those_with(load, unlabelled, rule, tta, shape):
    with_labels = predictions(load(rule, tta=tta))
    cfg = load(rule, tta=tta)
    cfg.test_dataloader.dataset.data_root = unlabelled
    testing_options.use_split(cfg, 'test')
    without = predictions(cfg)
    assert [image.shape for image in without] == [shape] * 4
    if rule:
        assert all(np.array_equal(*pair) for pair in zip(with_labels, without, strict=True))


def test_images_without_labels_are_not_scored(load, unlabelled):
    cfg = load()
    cfg.test_dataloader.dataset.data_root = unlabelled
    testing_options.use_split(cfg, 'test')
    with pytest.raises(
        ConfigError, match=r'leftImg8bit/test have no labels, so there is nothing to score.*--submission'
    ):
        run_test(cfg)
    cfg = load()
    cfg.test_dataloader.dataset.data_prefix = {'img_path': 'leftImg8bit/val', 'seg_map_path': None}
    testing_options.write_submission(cfg, 'sent')
    assert 'mIoU' not in run_test(cfg)
    assert len(list(Path('sent').iterdir())) == 4


def test_some_labels_missing_is_an_error_of_the_data(load, scenes, tmp_path):
    shutil.copytree(scenes, tmp_path / 'other')
    next((tmp_path / 'other/gtFine/val').rglob('*.png')).unlink()
    cfg = load()
    cfg.test_dataloader.dataset.data_root = str(tmp_path / 'other')
    with pytest.raises(FileNotFoundError, match='1 of 4 test images have no label'):
        run_test(cfg)


@pytest.mark.parametrize('rule', [None, 'nearest'])
def test_predictions_of_the_working_size_are_painted_onto_the_files(load, rule):
    cfg = load(rule)
    testing_options.show_predictions(cfg, False, 'painted', 0)
    run_test(cfg)
    painted = [cv2.imread(str(path)) for path in Path().rglob('painted/**/*.png')]
    assert [image.shape for image in painted] == [(32, 128, 3)] * 4


def test_what_cannot_be_is_named(load):
    with pytest.raises(ConfigError, match='gaps'):
        testing_options.use_sliding_window(load(), (64, 64), (32, 128))
    cfg = load()
    cfg.pop('tta_model')
    with pytest.raises(ConfigError, match='no tta_model'):
        testing_options.use_tta(cfg)
    cfg = load()
    cfg.test_pipeline = []
    with pytest.raises(ConfigError, match='no Resize'):
        testing_options.use_tta(cfg, [2.0])
    cfg = load('bilinear', tta=True)
    with pytest.raises(ConfigError, match='no working size'):
        testing_options.score_original_size(cfg, 'nearest')
    cfg = load()
    cfg.test_dataloader.dataset.data_prefix = {'img_path': 'images'}
    with pytest.raises(ConfigError, match=r'has no \{split\}'):
        testing_options.use_split(cfg, 'test')
    cfg.test_dataloader.dataset.pipeline, cfg.test_evaluator = [], {'type': 'IoUMetric'}
    with pytest.raises(ConfigError, match='no MapLabelIds'):
        testing_options.write_submission(cfg, 'sent')
    with pytest.raises(ConfigError, match='no SegmentationMetric'):
        run_test(cfg, 'out')


def test_the_command_writes_everything(config, run_tool):
    options = ['--original-size', 'nearest', '--slide', '16x24', '8', '--out', 'out', '--submission', 'sent']
    code, output = run_tool('test.py', config, 'net.pth', *options)
    assert code == 0, output
    content = json.loads(Path('out/scores.json').read_text())
    assert f'mIoU: {content["scores"]["mIoU"]:.4f}' in output
    assert content['weights'] == hash_weights(load_weights('net.pth'))
    assert (content['config'], content['checkpoint'], content['images']) == ('recipe/small.py', 'net.pth', 4)
    assert content['input_sizes'] == [[48, 24]]
    assert content['settings']['original_size'] == 'nearest'
    assert content['settings']['slide'] == [[16, 24], [8, 8]]
    assert {'torch', 'mmseg', 'mmseg_custom'} <= content['versions'].keys()
    assert np.load('out/confusion_matrix.npy').sum() == sum(row['pixels'] for row in content['classes'].values())
    assert len(Path('out/per_image.csv').read_text().splitlines()) == 5
    assert len(list(Path('sent').glob('*.png'))) == 4
