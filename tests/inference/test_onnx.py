import json

import numpy as np
import pytest
import torch

onnx = pytest.importorskip('onnx', reason='needs the extra [export]')
runtime = pytest.importorskip('onnxruntime', reason='needs the extra [export]')

from mmseg_custom import __version__  # noqa: E402
from mmseg_custom.config import ConfigError, load_run_config  # noqa: E402
from mmseg_custom.errors import MissingExtraError, import_extra  # noqa: E402
from mmseg_custom.inference import open_predictor  # noqa: E402
from mmseg_custom.inference.errors import InputError  # noqa: E402
from mmseg_custom.inference.labels import labels_of_config  # noqa: E402
from mmseg_custom.inference.networks import build_segmentor  # noqa: E402
from mmseg_custom.inference.onnx_export import ExportedGraph, ExportError, export_onnx  # noqa: E402
from mmseg_custom.inference.onnx_info import OnnxInfo, ResizeRule, resize_rule  # noqa: E402
from mmseg_custom.io.checkpoints.checkpoint_file import hash_weights, load_weights  # noqa: E402


@pytest.fixture
def exported(config, checkpoint, tmp_path):
    """A function that exports the network of `config` and gives the path of the file."""

    def export(output):
        cfg = load_run_config(config)
        export_onnx(cfg, build_segmentor(cfg, checkpoint), tmp_path / f'{output}.onnx', output)
        return tmp_path / f'{output}.onnx'

    return export


def test_check_passes_at_two_sizes_and_batch_norm_is_folded(config, checkpoint, tmp_path):
    cfg = load_run_config(config)
    _, checks = export_onnx(cfg, build_segmentor(cfg, checkpoint), tmp_path / 'm.onnx')
    assert [check.size for check in checks] == [(32, 64), (24, 40)]
    assert all(check.difference < 1e-3 and check.equal > 0.999 for check in checks)
    operators = {node.op_type for node in onnx.load(tmp_path / 'm.onnx').graph.node}
    assert 'Conv' in operators and 'BatchNormalization' not in operators


def test_batch_and_size_are_free(exported):
    session = runtime.InferenceSession(str(exported('logits')), providers=['CPUExecutionProvider'])
    for shape in ((1, 3, 32, 64), (3, 3, 51, 77)):
        logits = session.run(None, {'image': np.zeros(shape, np.float32)})[0]
        assert logits.shape == (shape[0], 19, *shape[2:])


@pytest.mark.parametrize('output', ['logits', 'ids'])
def test_file_alone_predicts_the_same(output, exported, config, checkpoint, image):
    theirs = open_predictor(exported(output)).predict(image).classes
    ours = open_predictor(checkpoint, config, device='cpu').predict(image).classes
    assert theirs.shape == (96, 192) and theirs.dtype == np.uint8
    assert len(np.unique(ours)) > 3
    assert np.array_equal(ours, theirs)


def test_file_says_what_it_is(exported, config, checkpoint):
    metadata = {entry.key: entry.value for entry in onnx.load(exported('logits')).metadata_props}
    info, labels = OnnxInfo.from_metadata(metadata, 'm.onnx'), labels_of_config(load_run_config(config))
    assert info.labels == labels and labels.file_ids[0] == 7
    assert json.loads(metadata['mean']) == pytest.approx([123.675, 116.28, 103.53])
    assert info.std == pytest.approx((58.395, 57.12, 57.375))
    assert info.resize == ResizeRule((64, 32), False, 'bilinear')
    assert (info.output, info.version) == ('logits', __version__)
    assert info.weights == hash_weights(load_weights(checkpoint))


def test_colour_order_of_the_input_is_rgb_whatever_the_network_takes(config, checkpoint):
    cfg = load_run_config(config)
    red = torch.zeros(1, 3, 32, 64)
    red[:, 0] = 255
    usual = ExportedGraph(build_segmentor(cfg, checkpoint), 'logits')
    cfg.model.data_preprocessor.bgr_to_rgb = False
    cfg.model.data_preprocessor.mean = [0, 0, 0]
    model = build_segmentor(cfg, checkpoint)
    other = ExportedGraph(model, 'logits')
    sample = {'inputs': [red[0].flip(0)], 'data_samples': None}
    with torch.no_grad():
        expected = model(model.data_preprocessor(sample)['inputs'], mode='predict')[0].seg_logits.data
        assert torch.allclose(other(red)[0], expected, atol=1e-3)
        assert not torch.allclose(usual(red)[0], expected, atol=1e-1)


def test_graph_that_computes_something_else_is_not_written(config, checkpoint, tmp_path, monkeypatch):
    forward = ExportedGraph.forward
    monkeypatch.setattr(ExportedGraph, 'forward', lambda self, images: forward(self, images).roll(1, 1))
    cfg = load_run_config(config)
    with pytest.raises(ExportError, match='have the same class'):
        export_onnx(cfg, build_segmentor(cfg, checkpoint), tmp_path / 'm.onnx')
    assert not list(tmp_path.glob('*m.onnx*'))


def test_what_a_graph_cannot_do_is_refused(config, checkpoint, tmp_path):
    cfg = load_run_config(config)
    model = build_segmentor(cfg, checkpoint)
    model.test_cfg.mode = 'slide'
    with pytest.raises(ConfigError, match='sliding windows'):
        export_onnx(cfg, model, tmp_path / 'm.onnx')
    model.test_cfg.mode = 'whole'
    next(step for step in cfg.test_pipeline if step.type == 'Resize').type = 'RandomResize'
    with pytest.raises(ConfigError, match='only one Resize'):
        export_onnx(cfg, model, tmp_path / 'm.onnx')


def test_no_resize_is_a_rule_too(config):
    cfg = load_run_config(config)
    cfg.test_pipeline = [step for step in cfg.test_pipeline if step.type != 'Resize']
    assert resize_rule(cfg).steps() == [{'type': 'PackSegInputs'}]


@pytest.mark.parametrize(
    'wrong',
    [
        {'classes': '[]'},
        {'palette': '[[0, 0, 300]]'},
        {'palette': '7'},
        {'classes': '{"a": 1}'},
        {'file_ids': '[256]'},
        {'resize': '{"scale": [32769, 1], "keep_ratio": false, "interpolation": "bilinear"}'},
        {'resize': '{"scale": null, "keep_ratio": false, "interpolation": "evil"}'},
        {'resize': '{"type": "Evil"}'},
        {'output': '"boxes"'},
        {'mean': 'no json'},
    ],
)
def test_wrong_metadata_is_refused(wrong):
    good = OnnxInfo(('a',), ((1, 2, 3),), (7,), None, None, ResizeRule((8, 8)), 'ids', 'sum', '1')
    for largest in (good, good._replace(resize=ResizeRule((2**15, 2**15)))):
        assert OnnxInfo.from_metadata(largest.to_metadata(), 'm.onnx') == largest
    with pytest.raises(InputError, match=r'm\.onnx has no metadata'):
        OnnxInfo.from_metadata({**good.to_metadata(), **wrong}, 'm.onnx')


def test_other_files_are_named(tmp_path):
    (tmp_path / 'no.onnx').write_bytes(b'no onnx')
    with pytest.raises(InputError, match=r'no\.onnx is no ONNX file'):
        open_predictor(tmp_path / 'no.onnx')
    with pytest.raises(InputError, match=r'gone\.onnx is no ONNX file'):
        open_predictor(tmp_path / 'gone.onnx')
    node = onnx.helper.make_node('Identity', ['image'], ['out'])
    values = [onnx.helper.make_tensor_value_info(name, 1, [1]) for name in ('image', 'out')]
    graph = onnx.helper.make_graph([node], 'g', values[:1], values[1:])
    onnx.save(
        onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid('', 17)], ir_version=8),
        tmp_path / 'foreign.onnx',
    )
    with pytest.raises(InputError, match=r'foreign\.onnx has no metadata'):
        open_predictor(tmp_path / 'foreign.onnx')


def test_missing_package_names_the_extra():
    with pytest.raises(MissingExtraError, match=r'mmseg-custom\[export\]'):
        import_extra('no_such_package', 'export')
