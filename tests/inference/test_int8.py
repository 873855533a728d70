import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmseg.structures import SegDataSample

onnx = pytest.importorskip('onnx', reason='needs the extra [export]')
pytest.importorskip('onnxruntime', reason='needs the extra [export]')

from inference_kit import StripesNetwork  # noqa: E402
from mmengine.structures import PixelData  # noqa: E402

from mmseg_custom.config import ConfigError, load_run_config  # noqa: E402
from mmseg_custom.errors import MissingExtraError  # noqa: E402
from mmseg_custom.inference import onnx_int8, open_predictor  # noqa: E402
from mmseg_custom.inference.int8_check import Int8Check, compare  # noqa: E402
from mmseg_custom.inference.int8_data import Int8Data  # noqa: E402
from mmseg_custom.inference.networks import build_segmentor  # noqa: E402
from mmseg_custom.inference.onnx_export import ExportError  # noqa: E402
from mmseg_custom.inference.onnx_info import OnnxInfo, ResizeRule  # noqa: E402
from mmseg_custom.inference.onnx_int8 import export_int8, require_int8  # noqa: E402
from mmseg_custom.inference.readers import read_image  # noqa: E402

GOOD = Int8Check(71.5, 71.0, 100, 2.0, 1.0, 2, 32)


INFO = OnnxInfo(
    ('a', 'b', 'c'), ((0, 0, 0), (1, 1, 1), (2, 2, 2)), None, None, None, ResizeRule((8, 8)), 'logits', '', ''
)


def copy_graph(source, target, inputs):
    target.write_bytes(source.read_bytes())


def write_identity(cfg, model, path, output, named):
    node = onnx.helper.make_node('Identity', ['image'], ['logits'])
    values = [onnx.helper.make_tensor_value_info(name, 1, ['n', 3, 'h', 'w']) for name in ('image', 'logits')]
    graph = onnx.helper.make_graph([node], 'g', values[:1], values[1:])
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid('', 17)], ir_version=8)
    onnx.helper.set_model_props(made, INFO.to_metadata())
    onnx.save(made, str(path))
    return INFO, []


@pytest.fixture
def measured(monkeypatch):
    """A function that says what the comparison is to find, of a graph that gives back its input."""
    monkeypatch.setattr(onnx_int8, 'export_onnx', write_identity)
    monkeypatch.setattr(onnx_int8, 'quantize', copy_graph)
    return lambda check: monkeypatch.setattr(onnx_int8, 'compare', lambda *args: check)


def test_int8_file_gives_nearly_the_same_classes_and_says_what_was_measured(config, checkpoint, tmp_path):
    path, cfg = tmp_path / 'm.onnx', load_run_config(config)
    _, _, check = export_int8(cfg, build_segmentor(cfg, checkpoint), path, require_int8(cfg), force=True)
    image = read_image(next(Path('data').rglob('val/**/*_leftImg8bit.png')))
    ours = open_predictor(checkpoint, config, device='cpu').predict(image).classes
    theirs = open_predictor(path).predict(image).classes
    # Random weights: many pixels are on the border between two classes.
    assert len(np.unique(ours)) > 3 and (ours == theirs).mean() > 0.8
    proto = onnx.load(path)
    kept = json.loads({entry.key: entry.value for entry in proto.metadata_props}['int8'])
    assert Int8Check(**kept) == check
    assert (check.images, check.calibrated_on) == (4, 10)
    by_output = {output: node for node in proto.graph.node for output in node.output}
    kinds = {by_output[node.input[0]].op_type for node in proto.graph.node if node.op_type == 'Conv'}
    assert kinds == {'DequantizeLinear'}
    resized = {by_output[node.input[0]].op_type for node in proto.graph.node if node.op_type in ('Resize', 'ArgMax')}
    assert resized and 'QuantizeLinear' not in resized
    assert not {node.op_type for node in proto.graph.node} & {'BatchNormalization'}
    weights = [tensor for tensor in proto.graph.initializer if tensor.data_type == onnx.TensorProto.INT8]
    assert weights and all(abs(onnx.numpy_helper.to_array(one)).max() <= 64 for one in weights)


@pytest.mark.parametrize(
    ('check', 'fault'),
    [
        (GOOD._replace(int8_miou=70.9), 'it loses more than 0.5 mIoU (mIoU 71.50 float, 70.90 int8 on 100 images;'),
        (GOOD._replace(int8_seconds=2.0), 'it is not faster on this machine (mIoU'),
        (GOOD._replace(float_miou=float('nan')), 'it loses more than 0.5 mIoU'),
    ],
)
def test_worse_or_slower_is_refused_with_both_figures_and_kept_by_force(check, fault, config, tmp_path, measured):
    path, data = tmp_path / 'm.onnx', require_int8(load_run_config(config))
    path.write_bytes(b'before')
    measured(check)
    with pytest.raises(ExportError, match='--force') as refused:
        export_int8(None, None, path, data)
    assert str(refused.value).startswith(f'{path} is not written: {fault}') and '2.00 s float' in str(refused.value)
    assert path.read_bytes() == b'before' and not list(tmp_path.glob('.m.onnx*'))
    export_int8(None, None, path, data, force=True)
    assert open_predictor(path).labels == INFO.labels


def test_network_that_cannot_be_quantized_is_named(config, tmp_path, measured, monkeypatch):
    def fail(source, target, inputs):
        raise ValueError('no such operator\ndetails')

    monkeypatch.setattr(onnx_int8, 'quantize', fail)
    with pytest.raises(ExportError, match=r'm\.onnx is not written: .*\(ValueError: no such operator\)'):
        export_int8(None, None, tmp_path / 'm.onnx', require_int8(load_run_config(config)))


def test_half_a_point_lost_and_a_little_faster_are_kept():
    assert not GOOD._replace(int8_seconds=1.99).faults
    assert GOOD._replace(int8_miou=70.99, int8_seconds=2.01).faults == [
        'it loses more than 0.5 mIoU',
        'it is not faster on this machine',
    ]


def test_both_are_scored_on_the_same_pixels_in_turns():
    label = PixelData(data=torch.tensor([[[0, 0, 1, 255]]]))
    sample = {'inputs': torch.zeros(3, 1, 4), 'data_samples': SegDataSample(gt_sem_seg=label)}
    networks = [StripesNetwork((1.0, 0.0)), StripesNetwork((0.0, 1.0))]
    check = compare(networks, iter([sample] * 2), 2, 255, 7)
    # Always class 0: 2 of 3 pixels, and class 1 never; always class 1: 1 of 3.
    assert check.float_miou == pytest.approx(100 / 3) and check.int8_miou == pytest.approx(100 / 6)
    assert (check.images, check.calibrated_on) == (2, 7)
    assert [len(one.batches) for one in networks] == [10, 10]  # Nine timed, one before.


def test_sample_of_training_images_is_seeded_and_capped(config, monkeypatch):
    monkeypatch.setattr('mmseg_custom.inference.int8_data.CALIBRATION_IMAGES', 4)
    first, again = (Int8Data(load_run_config(config)).calibration for _ in range(2))
    assert first == again and len(set(first)) == 4
    assert all('/train/' in file for file in first)


def without_labels(cfg):
    cfg.val_dataloader.dataset.pipeline = [
        step for step in cfg.val_dataloader.dataset.pipeline if step.type not in ('LoadAnnotations', 'MapLabelIds')
    ]


def without_images(cfg):
    cfg.train_dataloader.dataset.data_prefix = {'img_path': 'gtFine/train', 'seg_map_path': 'gtFine/train'}


@pytest.mark.parametrize(
    ('change', 'error', 'message'),
    [
        (lambda cfg: cfg.pop('train_dataloader'), ConfigError, 'has no train_dataloader'),
        (lambda cfg: cfg.pop('val_dataloader'), ConfigError, 'has no val_dataloader'),
        (without_labels, ConfigError, 'have no labels'),
        (without_images, OSError, 'No image ending in'),
    ],
)
def test_what_is_missing_is_known_before_the_export(change, error, message, config):
    cfg = load_run_config(config)
    change(cfg)
    with pytest.raises(error, match=message):
        require_int8(cfg)


def test_missing_runtime_is_known_before_the_export(config, monkeypatch):
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    with pytest.raises(MissingExtraError, match=r'mmseg-custom\[export\]'):
        require_int8(load_run_config(config))


def test_tool_says_both_figures(run_tool, config, checkpoint, measured):
    measured(GOOD)
    code, output = run_tool('export.py', config, checkpoint, '--out', 'm.onnx', '--int8')
    assert code == 0 and Path('m.onnx').is_file(), output
    assert 'int8: mIoU 71.50 float, 71.00 int8 on 100 images; 2.00 s float, 1.00 s int8 an image on 2 cores' in output
    code, output = run_tool('export.py', config, checkpoint, '--out', 'm.onnx', '--force')
    assert code == 2 and '--force goes with --int8' in output
