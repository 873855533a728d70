"""Networks in ONNX files, run by ONNX Runtime."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from mmengine.registry import init_default_scope
from torch import Tensor

from mmseg_custom.errors import UserError, import_extra
from mmseg_custom.inference.errors import InputError
from mmseg_custom.inference.onnx_check import read_graph
from mmseg_custom.inference.onnx_info import OnnxInfo
from mmseg_custom.inference.predictor import Predictor
from mmseg_custom.inference.preparation import Preparation, Sample
from mmseg_custom.io.files import PathLike

INPUT_NAME = 'image'


class OnnxNetwork:
    """A graph of ``tools/export.py``.

    Args:
        path: The file.
        device: ``'cuda'`` uses ONNX Runtime's CUDA provider where it is installed, everything else the CPU.

    Raises:
        InputError: If the file is no ONNX file of ours.
        MissingExtraError: If ONNX Runtime is not installed.
    """

    def __init__(self, path: PathLike, device: str = 'cpu') -> None:
        runtime = import_extra('onnxruntime', 'export')
        self.path = path
        with _failure_named(path):
            content = read_graph(path)
        wanted = ['CUDAExecutionProvider'] if device.startswith('cuda') else []
        there = runtime.get_available_providers()
        providers = [name for name in [*wanted, 'CPUExecutionProvider'] if name in there]
        with _failure_named(path):
            self.session = runtime.InferenceSession(content, providers=providers)
        self.info = OnnxInfo.from_metadata(self.session.get_modelmeta().custom_metadata_map, str(path))
        self.kind = self.info.output

    def __call__(self, samples: Sequence[Sample]) -> Tensor:
        """Logits (N, C, h, w) or ids (N, h, w)."""
        images = np.stack([sample['inputs'].numpy() for sample in samples])
        return torch.from_numpy(self.run(np.float32(images[:, ::-1])))

    def classes(self, samples: Sequence[Sample]) -> Tensor:
        """Ids (N, h, w), uint8."""
        return self(samples) if self.kind == 'ids' else self(samples).max(1).indices.byte()

    def run(self, images: np.ndarray) -> np.ndarray:
        """The graph's output for float32 images (N, 3, H, W), RGB, 0 to 255.

        Raises:
            InputError: If the graph fails, as one that wants more memory than there is.
        """
        with _failure_named(self.path):
            return self.session.run(None, {INPUT_NAME: images})[0]


@contextmanager
def _failure_named(path: PathLike) -> Iterator[None]:
    """Name the file in whatever fails; the errors of ONNX, protobuf and ONNX Runtime share no base class."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        reason = str(error).partition('\n')[0]
        raise InputError(f'{path} is no ONNX file that can be run: {reason}') from error


def open_onnx(path: PathLike, device: str = 'cpu', **options: Any) -> Predictor:
    """A predictor of an ONNX file alone; ``options`` as :class:`Predictor`'s."""
    init_default_scope('mmseg')
    network = OnnxNetwork(path, device)
    return Predictor(network, Preparation(network.info.resize.steps()), network.info.labels, **options)
