"""An exported network in int8, written only where it is faster and scores as well."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmseg.models import EncoderDecoder

from mmseg_custom.errors import UserError, import_extra
from mmseg_custom.inference.int8_check import Int8Check, compare
from mmseg_custom.inference.int8_data import Int8Data
from mmseg_custom.inference.onnx_export import ExportError, SizeCheck, export_onnx
from mmseg_custom.inference.onnx_info import OnnxInfo
from mmseg_custom.inference.onnx_network import INPUT_NAME, OnnxNetwork
from mmseg_custom.inference.preparation import Preparation
from mmseg_custom.io.files import PathLike, atomic_path

# Resizes, pooling, softmax and argmax stay float.
QUANTIZED = ['Conv', 'MatMul', 'Gemm']
MODULES = ('onnx', 'onnxruntime', 'onnxruntime.quantization', 'onnxruntime.quantization.shape_inference')


def require_int8(cfg: Config) -> Int8Data:
    """What int8 needs besides the network; to be asked for first.

    Raises:
        MissingExtraError: If ONNX or ONNX Runtime is not installed.
        ConfigError: If the config has no training images, or none with labels to score on.
    """
    for module in MODULES:
        import_extra(module, 'export')
    return Int8Data(cfg)


def export_int8(
    cfg: Config, model: EncoderDecoder, path: PathLike, data: Int8Data, output: str = 'logits', force: bool = False
) -> tuple[OnnxInfo, list[SizeCheck], Int8Check]:
    """Write a network as an ONNX file whose convolutions and matrix products compute in int8.

    Args:
        cfg: As :func:`export_onnx`.
        model: As there.
        path: The file; it is there only if the float graph computes what PyTorch does, and the int8 graph loses at
            most 0.5 mIoU and is faster on this machine.
        data: Of :func:`require_int8`.
        output: As :func:`export_onnx`.
        force: Write it also where it loses more or is not faster.

    Returns:
        The metadata in the file, the check of the float graph, and float beside int8.

    Raises:
        ConfigError: As :func:`export_onnx`.
        ExportError: If the file is not written, saying both scores and times.
    """
    with atomic_path(path) as temporary, tempfile.TemporaryDirectory(prefix='int8-') as folder:
        temporary.touch()  # A folder that cannot be written to is known before the work.
        plain = Path(folder) / 'float.onnx'
        info, checks = export_onnx(cfg, model, plain, output, named=path)
        inputs = data.calibration_inputs(Preparation(info.resize.steps()))
        with _failure_named(path):
            quantize(plain, temporary, inputs)
        _describe(temporary, info.to_metadata())
        networks = [OnnxNetwork(plain), OnnxNetwork(temporary)]
        ignored = getattr(data.scored, 'ignore_index', 255)
        check = compare(networks, data.samples(), len(info.classes), ignored, len(data.calibration))
        if check.faults and not force:
            raise ExportError(
                f'{path} is not written: {" and ".join(check.faults)} ({check}). Export without --int8, or keep it '
                'all the same by --force.'
            )
        _describe(temporary, {**info.to_metadata(), **check.to_metadata()})
    return info, checks, check


def quantize(source: Path, target: Path, inputs: Iterator[np.ndarray]) -> None:
    """Quantize an ONNX file by ONNX Runtime: QDQ, per channel, ranges by minimum and maximum.

    Weights have 7 bits: processors with AVX2 but without VNNI add pairs of 8-bit products in 16 bits, which overflow
    with 8 (https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html). So the file computes the
    same on every processor.

    Args:
        source: The float file.
        target: The file to write.
        inputs: What the graph takes, of images that are typical.
    """
    quantization = import_extra('onnxruntime.quantization', 'export')
    shapes = import_extra('onnxruntime.quantization.shape_inference', 'export')
    prepared = source.with_name('prepared.onnx')
    shapes.quant_pre_process(str(source), str(prepared))
    quantization.quantize_static(
        str(prepared),
        str(target),
        Inputs(inputs),
        quant_format=quantization.QuantFormat.QDQ,
        op_types_to_quantize=QUANTIZED,
        per_channel=True,
        reduce_range=True,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
        calibrate_method=quantization.CalibrationMethod.MinMax,
    )


class Inputs:
    """Inputs as ONNX Runtime's calibration asks for them.

    Args:
        inputs: Each an array as the graph takes it.
    """

    def __init__(self, inputs: Iterator[np.ndarray]) -> None:
        self.inputs = inputs

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next input by its name, ``None`` behind the last."""
        image = next(self.inputs, None)
        return None if image is None else {INPUT_NAME: image}


@contextmanager
def _failure_named(path: PathLike) -> Iterator[None]:
    """Name the file in whatever ONNX Runtime raises over a network that it cannot quantize."""
    try:
        yield
    except (UserError, OSError):
        raise
    except Exception as error:
        reason = str(error).partition('\n')[0]
        raise ExportError(
            f'{path} is not written: ONNX Runtime cannot quantize this network ({type(error).__name__}: {reason}). '
            'Export without --int8.'
        ) from error


def _describe(path: Path, metadata: dict[str, str]) -> None:
    onnx = import_extra('onnx', 'export')
    proto = onnx.load(str(path))
    onnx.helper.set_model_props(proto, metadata)
    onnx.save(proto, str(path))
