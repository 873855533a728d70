import copy
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from inference_kit import StripesNetwork, stripes_predictor
from mmseg.apis import inference_model

from mmseg_custom.config import ConfigError, load_run_config
from mmseg_custom.engine.stage_runner import build_runner
from mmseg_custom.errors import StageError, UserError
from mmseg_custom.inference import find_sources, open_predictor, read_frames
from mmseg_custom.inference.networks import DeviceError, Ensemble, build_segmentor, choose_device
from mmseg_custom.inference.predictor import Predictor, ordered_map
from mmseg_custom.inference.readers import Frame
from mmseg_custom.inference.sources import Source
from mmseg_custom.io.checkpoints.checkpoint_file import CheckpointError, save_checkpoint_file


def stock_prediction(config, checkpoint, image):
    cfg = load_run_config(config)
    model = build_segmentor(cfg, checkpoint)
    model.cfg = cfg
    return inference_model(model, image).pred_sem_seg.data[0].numpy()


def test_smooth_prediction_is_that_of_mmsegmentation(config, checkpoint, image):
    classes = open_predictor(checkpoint, config, device='cpu', smooth=True).predict(image).classes
    theirs = stock_prediction(config, checkpoint, image)
    assert classes.shape == (96, 192) and classes.dtype == np.uint8
    assert len(np.unique(theirs)) > 3
    assert np.array_equal(classes, theirs)


def test_classes_are_repeated_by_default(config, checkpoint, image):
    small = cv2.resize(image, (64, 32))
    repeated = stock_prediction(config, checkpoint, small).repeat(3, 0).repeat(3, 1)
    classes = open_predictor(checkpoint, config, device='cpu').predict(image).classes
    assert len(np.unique(classes)) > 3
    assert np.array_equal(classes, repeated)


def test_prediction_is_what_the_test_loop_scores(config, checkpoint, scenes):
    cfg = load_run_config(config)
    cfg.load_from = str(checkpoint)
    runner = build_runner(cfg)
    runner.load_or_resume()
    runner.model.eval()
    batch = next(iter(runner.build_dataloader(cfg.test_dataloader)))
    with torch.no_grad():
        sample = runner.model.test_step(batch)[0]
    path = Path(sample.img_path)
    ours = open_predictor(checkpoint, config, device='cpu').predict(cv2.imread(str(path))).classes
    assert np.array_equal(ours, sample.pred_sem_seg.data[0].numpy())


@pytest.mark.parametrize('faster', [{'amp': True}, pytest.param({'compiled': True}, marks=pytest.mark.slow)])
def test_faster_ways_give_the_same_classes(config, checkpoint, image, faster):
    plain = open_predictor(checkpoint, config, device='cpu', keep_scores=True).predict(image)
    fast = open_predictor(checkpoint, config, device='cpu', keep_scores=True, **faster).predict(image)
    assert 0 < np.abs(fast.scores - plain.scores).max() < 0.02 * np.abs(plain.scores).max()
    classes = open_predictor(checkpoint, config, device='cpu', **faster).predict(image).classes
    assert np.array_equal(classes, fast.classes)
    assert (classes == plain.classes).mean() > 0.98


def test_ensemble_averages_probabilities():
    first, second = StripesNetwork([2.0, 0.0]), StripesNetwork([0.0, 1.0])
    scores = Ensemble([first, second])([{'inputs': torch.zeros(3, 1, 2)}])
    # softmax(2, 0) = (.8808, .1192), softmax(0, 1) = (.2689, .7311)
    assert scores[0, :, 0, 0].tolist() == pytest.approx([0.57485, 0.42515], abs=1e-4)


def test_folds_that_disagree_are_unsure_and_one_network_cannot_say():
    opposed = Ensemble([StripesNetwork([40.0, 0.0]), StripesNetwork([0.0, 40.0])])
    plain = stripes_predictor()
    unsure = Predictor(opposed, plain.preparation, plain.labels, keep_uncertainty=True)
    found = unsure.predict(np.zeros((4, 6, 3), np.uint8))
    assert found.uncertainty.shape == (4, 6) and found.scores is None
    assert found.uncertainty == pytest.approx(np.ones((4, 6)), abs=1e-4)
    agreed = Predictor(Ensemble([StripesNetwork([0.5, 0.0])] * 2), plain.preparation, plain.labels)
    agreed.keep_uncertainty = True
    assert agreed.predict(np.zeros((4, 6, 3), np.uint8)).uncertainty.max() < 1e-4
    with pytest.raises(UserError, match='several folds, not one network'):
        Predictor(plain.network, plain.preparation, plain.labels, keep_uncertainty=True)


def test_stream_keeps_the_order_and_forms_batches_of_one_size(tmp_path):
    predictor = stripes_predictor()
    sizes = [(4, 6), (4, 6), (4, 6), (8, 6), (4, 6)]
    for number, size in enumerate(sizes):
        cv2.imwrite(str(tmp_path / f'{number}.png'), np.full((*size, 3), number, np.uint8))
    (tmp_path / '2a.png').write_bytes(b'broken')
    faults = []
    frames = read_frames(find_sources([str(tmp_path)]), faults.append)
    results = list(predictor.stream(frames, faults.append, batch_size=2, workers=3))
    assert [frame.image[0, 0, 0] for frame, _ in results] == [0, 1, 2, 3, 4]
    assert [prediction.classes.shape for _, prediction in results] == sizes
    assert predictor.network.batches == [2, 1, 1, 1]
    assert len(faults) == 1 and '2a.png' in str(faults[0])


def test_work_ahead_is_bounded():
    drawn = []

    def numbers():
        for number in range(100):
            drawn.append(number)
            yield number

    results = ordered_map(lambda number: number * 2, numbers(), workers=2)
    assert [next(results) for _ in range(3)] == [0, 2, 4]
    assert len(drawn) <= 3 + 5
    results.close()


def resident_megabytes():
    return int(Path('/proc/self/statm').read_text().split()[1]) * 4096 / 2**20


@pytest.mark.skipif(not Path('/proc/self/statm').exists(), reason='reads /proc')
def test_a_long_video_runs_in_constant_memory(config, checkpoint, tmp_path):
    writer = cv2.VideoWriter(str(tmp_path / 'long.mp4'), cv2.VideoWriter_fourcc(*'mp4v'), 25, (480, 360))
    for number in range(300):
        writer.write(np.full((360, 480, 3), number % 255, np.uint8))
    writer.release()
    predictor = open_predictor(checkpoint, config, device='cpu')
    frames = read_frames([Source(tmp_path / 'long.mp4', 'long')], pytest.fail)
    used = []
    for frame, _ in predictor.stream(frames, pytest.fail, batch_size=4):
        if frame.index in (50, 299):
            used.append(resident_megabytes())
    # The 249 frames between the two readings are 123 MB.
    assert len(used) == 2 and used[1] - used[0] < 20


def test_ids_alone_allow_no_scores():
    predictor = stripes_predictor()
    network = copy.copy(predictor.network)
    network.kind = 'ids'
    for option in ('smooth', 'keep_scores'):
        with pytest.raises(UserError, match='--output logits'):
            Predictor(network, predictor.preparation, predictor.labels, **{option: True})


def test_what_cannot_be_prepared_is_named(config, checkpoint):
    predictor = open_predictor(checkpoint, config, device='cpu')
    frame = Frame(Source(Path('odd.png'), 'odd'), np.zeros((0, 4, 3), np.uint8))
    faults = []
    assert list(predictor.stream([frame], faults.append)) == []
    assert str(faults[0]).startswith('odd.png cannot be prepared')


def test_wrong_models_are_refused(config, checkpoint, tmp_path):
    with pytest.raises(StageError, match='name its config before it'):
        open_predictor(checkpoint)
    with pytest.raises(StageError, match='holds no finished run of a stage: name a checkpoint'):
        open_predictor(tmp_path)
    cfg = load_run_config(config)
    cfg.model.decode_head.channels = 16
    with pytest.raises(CheckpointError, match='not of the architecture'):
        build_segmentor(cfg, checkpoint)
    reader = "[dict(type='LoadImageFromFile', color_type='unchanged')]"
    child = config.with_name('unchanged.py')
    child.write_text(f"_base_ = './tiny_stage1.py'\ntest_pipeline = {reader}\n")
    with pytest.raises(ConfigError, match='only colour images'):
        open_predictor(checkpoint, child)
    with pytest.raises(DeviceError, match='--device nowhere'):
        choose_device('nowhere')


def test_checkpoint_of_other_classes_is_refused(config, checkpoint, tmp_path):
    weights = torch.load(checkpoint, weights_only=True)['state_dict']
    other = {'meta': {'dataset_meta': {'classes': ['sky'] * 19}}, 'state_dict': weights}
    save_checkpoint_file(other, tmp_path / 'other.pth')
    with pytest.raises(UserError, match='the first difference is number 0'):
        open_predictor(tmp_path / 'other.pth', config)


def test_config_text_of_a_checkpoint_is_never_run(config, checkpoint, tmp_path):
    weights = torch.load(checkpoint, weights_only=True)['state_dict']
    text = f"open({str(tmp_path / 'run')!r}, 'w')"
    save_checkpoint_file({'meta': {'cfg': text, 'config': text}, 'state_dict': weights}, tmp_path / 'evil.pth')
    open_predictor(tmp_path / 'evil.pth', config, device='cpu')
    assert not (tmp_path / 'run').exists()
