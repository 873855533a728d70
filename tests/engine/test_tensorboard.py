from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.visualization import Visualizer
from mmseg.registry import VISBACKENDS

from mmseg_custom.config import load_run_config
from mmseg_custom.datasets.prepare import prepare
from mmseg_custom.engine.stage_runner import build_runner

accumulator = pytest.importorskip('tensorboard.backend.event_processing.event_accumulator')


def events(folder):
    found = accumulator.EventAccumulator(str(folder)).Reload()
    return {tag: [(event.step, event.value) for event in found.Scalars(tag)] for tag in found.Tags()['scalars']}


def steps(folder, tag):
    return [step for step, _ in events(folder)[tag]]


def stage_config(fold=1, stage_dir='work_dirs/tiny/stage2'):
    return Config(
        {
            'default_hooks': {'fold_average': {'stage_dir': stage_dir}},
            'train_dataloader': {'dataset': {'fold': fold}},
        }
    )


@pytest.fixture
def backend(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    MessageHub.get_instance('test_tensorboard').update_info('iter', 0)
    return VISBACKENDS.build({'type': 'StageTensorboardBackend', 'save_dir': 'run'})


def validate(backend, iteration, **scores):
    MessageHub.get_current_instance().update_info('iter', iteration - 1)
    backend.add_scalars(scores, step=1)


def test_stage_and_fold_are_in_the_tag_and_all_steps_are_iterations(backend):
    backend.add_config(stage_config())
    backend.add_scalars({'loss': 2.0, 'decode.loss_ce': 1.5, 'time': 0.1, 'iter': 50}, step=50)
    validate(backend, 70, **{'mIoU': 40.0, 'IoU.road': 80.0, 'time': 0.2})
    backend.close()
    assert events('work_dirs/tiny/tensorboard/stage2_fold1') == {
        'loss/stage2/fold1': [(50, 2.0)],
        'decode/loss_ce/stage2/fold1': [(50, 1.5)],
        'time/stage2/fold1': [(50, pytest.approx(0.1))],
        'mIoU/stage2/fold1': [(70, 40.0)],
        'IoU/road/stage2/fold1': [(70, 80.0)],
        'val_time/stage2/fold1': [(70, pytest.approx(0.2))],
    }


def test_the_folds_of_a_stage_are_laid_over_each_other(backend):
    layout_pb2 = pytest.importorskip('tensorboard.plugins.custom_scalar.layout_pb2')
    backend.add_config(stage_config(fold=None, stage_dir='work_dirs/tiny/stage1'))
    backend.add_scalars({'loss': 2.0, 'iter': 50}, step=50)
    backend.close()
    found = accumulator.EventAccumulator('work_dirs/tiny/tensorboard/stage1_full').Reload()
    (event,) = found.Tensors('custom_scalars__config__')
    layout = layout_pb2.Layout.FromString(event.tensor_proto.string_val[0])
    assert layout.category[0].title == 'stage1'
    charts = {chart.title: list(chart.multiline.tag) for chart in layout.category[0].chart}
    assert charts['mIoU'] == ['mIoU/stage1/.*']


def test_a_resumed_run_takes_the_place_of_what_was_behind_its_resume_point(backend):
    for iterations, losses in (((50, 100, 150), (3.0, 2.0, 9.0)), ((150, 200), (1.0, 0.5))):
        backend.add_config(stage_config())
        for step, loss in zip(iterations, losses, strict=True):
            backend.add_scalars({'loss': loss, 'iter': step}, step=step)
            validate(backend, step, mIoU=loss)
        backend.close()
    written = events('work_dirs/tiny/tensorboard/stage2_fold1')
    expected = [(50, 3.0), (100, 2.0), (150, 1.0), (200, 0.5)]
    assert written['loss/stage2/fold1'] == written['mIoU/stage2/fold1'] == expected


def test_a_picture_of_a_later_test_replaces_nothing(backend):
    backend.add_config(stage_config())
    backend.add_scalars({'loss': 3.0, 'iter': 50}, step=50)
    backend.close()
    backend.add_config(stage_config())
    backend.add_image('val_img', np.zeros((4, 4, 3), np.uint8), step=0)
    backend.close()
    assert steps('work_dirs/tiny/tensorboard/stage2_fold1', 'loss/stage2/fold1') == [50]


def test_a_config_without_stage_is_written_as_by_mmsegmentation(backend):
    backend.add_config(stage_config(stage_dir=None))
    backend.add_scalars({'loss': 2.0, 'iter': 50}, step=50)
    backend.close()
    assert events('run') == {'loss': [(50, 2.0)]}


def test_without_tensorboard_one_line_is_all(monkeypatch, tmp_path):
    monkeypatch.setattr('mmseg_custom.engine.stage_tensorboard.find_spec', lambda name: None)
    monkeypatch.chdir(tmp_path)
    said = []
    monkeypatch.setattr('mmseg_custom.engine.stage_tensorboard.print_log', lambda line, *_: said.append(line))
    visualizer = Visualizer(name='without', vis_backends=[{'type': 'StageTensorboardBackend'}], save_dir='run')
    visualizer.add_config(stage_config())
    visualizer.add_scalars({'loss': 2.0, 'iter': 50}, step=50)
    visualizer.add_image('image', np.zeros((4, 4, 3), np.uint8))
    visualizer.close()
    assert len(said) == 1
    assert 'pip install tensorboard' in said[0]
    assert not list(tmp_path.rglob('*tfevents*'))


def test_a_run_of_the_default_configs_is_written(tiny_recipe):
    cfg = load_run_config(tiny_recipe / 'tiny_stage1.py')
    cfg.visualizer.name = 'tensorboard_of_a_run'
    prepare(cfg)
    build_runner(cfg).train()
    written = events(Path('work_dirs/tiny/tensorboard/stage1_full'))
    assert [step for step, _ in written['mIoU/stage1/full']] == [3, 6]
    assert [step for step, _ in written['loss/stage1/full']] == [3, 6]
    assert 'val_loss/stage1/full' in written
