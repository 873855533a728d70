"""What an ONNX file may hold: looked through before ONNX Runtime sees it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmseg_custom.errors import import_extra
from mmseg_custom.inference.errors import InputError
from mmseg_custom.io.files import PathLike

# Operators of the standard that compute a fixed number of values from their inputs, as far as PyTorch's exporter uses
# them for segmentors. Not among them: whatever holds a graph (If, Loop, Scan), text, training, and random numbers.
ARITHMETIC = (
    'Abs Add Ceil Clip Cos CumSum Div Erf Exp Floor Log Max Min Mod Mul Neg Pow Reciprocal Round Sign Sin Sqrt Sub'
)
COMPARISONS = 'And Equal Greater GreaterOrEqual IsInf IsNaN Less LessOrEqual Not Or Where Xor'
LAYERS = (
    'AveragePool BatchNormalization Conv ConvTranspose Dropout Einsum Gemm GlobalAveragePool GlobalMaxPool '
    'InstanceNormalization LayerNormalization MatMul MaxPool'
)
ACTIVATIONS = (
    'Celu Elu HardSigmoid HardSwish LeakyRelu LogSoftmax PRelu Relu Selu Sigmoid Softmax Softplus Softsign Tanh '
    'ThresholdedRelu'
)
REDUCTIONS = 'ArgMax ArgMin ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum TopK'
SHAPES = (
    'Cast Concat Constant ConstantOfShape DepthToSpace Expand Flatten Gather GatherElements GatherND GridSample '
    'Identity OneHot Pad Range Reshape Resize ScatterElements ScatterND Shape Size Slice SpaceToDepth Split Squeeze '
    'Tile Transpose Trilu Unsqueeze'
)
QUANTIZED = 'DequantizeLinear QLinearConv QLinearMatMul QuantizeLinear'
OPERATORS = frozenset(' '.join([ARITHMETIC, COMPARISONS, LAYERS, ACTIVATIONS, REDUCTIONS, SHAPES, QUANTIZED]).split())
STANDARD = ('', 'ai.onnx')
# The kinds of message a file without tricks is made of; a sparse tensor or a function is none of them.
MESSAGES = frozenset(
    {
        'ModelProto',
        'OperatorSetIdProto',
        'StringStringEntryProto',
        'GraphProto',
        'NodeProto',
        'AttributeProto',
        'TensorProto',
        'ValueInfoProto',
        'TypeProto',
        'Tensor',  # of a TypeProto
        'TensorShapeProto',
        'Dimension',
    }
)
NUMBERS = frozenset({'FLOAT', 'DOUBLE', 'FLOAT16', 'BFLOAT16', 'INT8', 'UINT8', 'INT16', 'INT32', 'INT64', 'BOOL'})


def read_graph(path: PathLike) -> bytes:
    """The bytes of a file that holds one graph of known operators and its own numbers, and nothing else.

    Whatever is not on the lists of this module is refused: other files' data in any kind of tensor, control flow,
    functions, operators that are not of the standard, text.

    Raises:
        InputError: Naming the file and what it has.
        MissingExtraError: If onnx is not installed.
    """
    onnx = import_extra('onnx', 'export')
    model = onnx.ModelProto.FromString(Path(path).read_bytes())
    model.DiscardUnknownFields()  # What this version of onnx does not know, ONNX Runtime's may.
    number_names = {value: name for name, value in onnx.TensorProto.DataType.items()}
    messages = list(_messages(model))
    found = sorted({fault for message in messages for fault in _faults(message, number_names)})
    if sum(type(message).__name__ == 'GraphProto' for message in messages) > 1:
        found.append('control flow')
    if found:
        raise InputError(f'{path} has {", ".join(found)}: no file of tools/export.py.')
    return model.SerializeToString()


def _messages(message: Any) -> Iterator[Any]:
    """A protobuf message and all that are in it."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for entry in [value] if hasattr(value, 'ListFields') else value:
                yield from _messages(entry)


def _faults(message: Any, number_names: dict[int, str]) -> Iterator[str]:
    kind = type(message).__name__
    if kind not in MESSAGES:
        yield f'a {kind}'
    elif kind == 'TensorProto':
        if message.data_location or message.external_data:
            yield 'data in other files'
        if number_names.get(message.data_type) not in NUMBERS:
            yield f'tensors of {number_names.get(message.data_type, message.data_type)}'
    elif kind == 'NodeProto' and (message.domain not in STANDARD or message.op_type not in OPERATORS):
        yield f'the operator {".".join(filter(None, (message.domain, message.op_type)))}'
