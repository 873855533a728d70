"""ONNX files of strangers: nothing of them is read, run or allocated beyond what they hold."""

import numpy as np
import pytest

onnx = pytest.importorskip('onnx', reason='needs the extra [export]')
pytest.importorskip('onnxruntime', reason='needs the extra [export]')

from onnx import TensorProto, helper  # noqa: E402

from mmseg_custom.inference import open_predictor  # noqa: E402
from mmseg_custom.inference.errors import InputError  # noqa: E402
from mmseg_custom.inference.onnx_check import read_graph  # noqa: E402
from mmseg_custom.inference.onnx_info import OnnxInfo, ResizeRule  # noqa: E402

IMAGES = helper.make_tensor_value_info('image', TensorProto.FLOAT, ['n', 3, 'h', 'w'])
LOGITS = helper.make_tensor_value_info('logits', TensorProto.FLOAT, None)
INFO = OnnxInfo(('a', 'b'), ((0, 0, 0), (1, 1, 1)), None, None, None, ResizeRule((8, 8)), 'logits', '0', '0')


def model(nodes, initializers=(), functions=(), info=INFO):
    graph = helper.make_graph(nodes, 'graph', [IMAGES], [LOGITS], list(initializers))
    domains = [helper.make_opsetid('', 17), helper.make_opsetid('theirs', 1)]
    made = helper.make_model(graph, opset_imports=domains, functions=list(functions), ir_version=8)
    helper.set_model_props(made, info.to_metadata() if info else {})
    return made


def elsewhere(location):
    """A tensor whose data are another file's."""
    tensor = TensorProto(name='w', data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key='location', value=location)
    return tensor


def add():
    return helper.make_node('Add', ['image', 'w'], ['logits'])


def endless():
    body = helper.make_graph(
        [helper.make_node('Identity', ['go'], ['on'])],
        'body',
        [
            helper.make_tensor_value_info('i', TensorProto.INT64, []),
            helper.make_tensor_value_info('go', TensorProto.BOOL, []),
        ],
        [helper.make_tensor_value_info('on', TensorProto.BOOL, [])],
    )
    loop = helper.make_node('Loop', ['', 'true'], [], body=body)
    true = helper.make_tensor('true', TensorProto.BOOL, [], [True])
    return model([loop, helper.make_node('Identity', ['image'], ['logits'])], [true])


def function():
    own = helper.make_function(
        'theirs', 'Own', ['x'], ['y'], [helper.make_node('Identity', ['x'], ['y'])], [helper.make_opsetid('', 17)]
    )
    return model([helper.make_node('Own', ['image'], ['logits'], domain='theirs')], functions=[own])


def constant_elsewhere():
    return model([helper.make_node('Constant', [], ['w'], value=elsewhere('secret')), add()])


def huge():
    """An empty graph's 2^45 numbers, which the runtime would make while it loads."""
    shape = helper.make_tensor('shape', TensorProto.INT64, [1], [1 << 45])
    return model([helper.make_node('ConstantOfShape', ['shape'], ['w']), add()], [shape])


def sparse_elsewhere(location='secret'):
    """Numbers of another file as the values of a sparse tensor."""
    indices = helper.make_tensor('i', TensorProto.INT64, [1], [0])
    values = elsewhere(location)
    return onnx.SparseTensorProto(values=values, indices=indices, dims=[1])


def sparse_initializer():
    made = model([add()])
    made.graph.sparse_initializer.append(sparse_elsewhere())
    return made


def training():
    made = model([helper.make_node('Identity', ['image'], ['logits'])])
    made.training_info.add().algorithm.CopyFrom(made.graph)
    return made


def branch():
    then = helper.make_graph([helper.make_node('Identity', ['image'], ['x'])], 'then', [], [LOGITS])
    true = helper.make_tensor('true', TensorProto.BOOL, [], [True])
    return model([helper.make_node('If', ['true'], ['logits'], then_branch=then, else_branch=then)], [true])


SOUND = model([helper.make_node('Identity', ['image'], ['logits'])])
HOSTILE = {
    'nothing': b'',
    'text': b'import os',
    'zeros': bytes(1000),
    'truncated': SOUND.SerializeToString()[:-20],
    'huge length': b'\x3a\xff\xff\xff\xff\x7f' + b'x',
    'another file': model([add()], [elsewhere('secret')]).SerializeToString(),
    'a file above': model([add()], [elsewhere('../../secret')]).SerializeToString(),
    'a device': model([add()], [elsewhere('/dev/zero')]).SerializeToString(),
    'constant of another file': constant_elsewhere().SerializeToString(),
    'endless loop': endless().SerializeToString(),
    'own function': function().SerializeToString(),
    'own operator': model([helper.make_node('Run', ['image'], ['logits'], domain='theirs')]).SerializeToString(),
    'unknown operator': model([helper.make_node('System', ['image'], ['logits'])]).SerializeToString(),
    '2^45 numbers': huge().SerializeToString(),
    'sparse tensor of another file': sparse_initializer().SerializeToString(),
    'no metadata': model([helper.make_node('Identity', ['image'], ['logits'])], info=None).SerializeToString(),
}


@pytest.mark.parametrize('content', HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_graph_is_refused_by_name(content, tmp_path):
    (tmp_path / 'secret').write_bytes(b'abcd')
    path = tmp_path / 'input.onnx'
    path.write_bytes(content)
    with pytest.raises(InputError, match=r'input\.onnx'):
        open_predictor(path).predict(np.zeros((8, 8, 3), np.uint8))


TEXT = helper.make_tensor('text', TensorProto.STRING, [1], [b'secret'])
ROOT = helper.make_node('Identity', ['image'], ['logits'])
REFUSED = {
    'a SparseTensorProto': sparse_initializer(),
    'a SparseTensorProto, data in other files': model(
        [helper.make_node('Constant', [], ['w'], sparse_value=sparse_elsewhere()), add()]
    ),
    'a TrainingInfoProto, control flow': training(),
    'the operator If, control flow': branch(),
    'the operator Loop, control flow': endless(),
    'a FunctionProto, the operator theirs.Own': function(),
    'the operator RandomNormal': model([helper.make_node('RandomNormal', [], ['w'], shape=[1]), add()]),
    'tensors of STRING': model([ROOT], [TEXT]),
    'tensors of 99': model([ROOT], [TensorProto(name='w', data_type=99, dims=[0])]),
}


@pytest.mark.parametrize('found', REFUSED)
def test_what_a_graph_of_ours_never_has_is_named(found, tmp_path):
    path = tmp_path / 'input.onnx'
    path.write_bytes(REFUSED[found].SerializeToString())
    with pytest.raises(InputError) as refused:
        read_graph(path)
    assert found in str(refused.value)


def test_what_this_version_of_onnx_does_not_know_is_not_handed_on(tmp_path):
    path, unknown = tmp_path / 'input.onnx', b'\xfa\x7f\x06secret'  # field 2047 of the model
    path.write_bytes(SOUND.SerializeToString() + unknown)
    assert b'secret' not in read_graph(path)


def test_the_same_graph_without_malice_is_taken(tmp_path):
    path = tmp_path / 'input.onnx'
    path.write_bytes(SOUND.SerializeToString())
    assert open_predictor(path).predict(np.zeros((8, 8, 3), np.uint8)).classes.shape == (8, 8)
