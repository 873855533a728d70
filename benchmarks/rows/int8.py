"""The full network as an exported file, in float and in int8, one image of the working size, by number of threads."""

import tempfile
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from benchmarks.frame import Case, Contender, Trial, timed
from benchmarks.network import blobs, recipe_config, working_size
from benchmarks.options import Options
from benchmarks.peers.client import Peers
from benchmarks.rows.inference import settled_network
from mmseg_custom.errors import import_extra
from mmseg_custom.inference.onnx_export import export_onnx
from mmseg_custom.inference.onnx_int8 import quantize

# Shows a graph that computes something else (of 19 classes one in 19 would be right), not what int8 loses: a network
# that was never trained has many pixels on the border between two classes.
LEAST_EQUAL = 0.5
CALIBRATION_IMAGES = 2

Run = Callable[[], np.ndarray]


def cases(options: Options, peers: Peers) -> Iterator[Case]:
    height, width = working_size(options)
    for threads in sorted({1, options.threads}):
        work = f'full network as an ONNX file, one image, {height}x{width}'
        yield Case('int8', work, partial(build, options, threads), rounds=5, threads=threads)


def build(options: Options, threads: int) -> Trial:
    image = np.float32(blobs(1, working_size(options)).numpy())
    plain, int8 = (_open(content, threads, image) for content in _files(options))
    contenders = [
        Contender('export --int8', 'ours', timed(int8)),
        Contender('export, fp32', 'twin', timed(plain)),
    ]
    return Trial(contenders, lambda: _check(int8(), plain()))


@lru_cache(maxsize=1)
def _files(options: Options) -> tuple[bytes, bytes]:
    """The float file and the int8 one; they are the same for every number of threads."""
    with tempfile.TemporaryDirectory(prefix='int8-') as folder:
        plain, int8 = Path(folder) / 'float.onnx', Path(folder) / 'int8.onnx'
        export_onnx(recipe_config(options), settled_network(options), plain, 'ids')
        images = blobs(CALIBRATION_IMAGES, working_size(options)).numpy()
        quantize(plain, int8, (np.float32(image[None]) for image in images))
        return plain.read_bytes(), int8.read_bytes()


def _open(content: bytes, threads: int, image: np.ndarray) -> Run:
    runtime = import_extra('onnxruntime', 'export')
    settings = runtime.SessionOptions()
    settings.intra_op_num_threads = threads
    session = runtime.InferenceSession(content, settings, providers=['CPUExecutionProvider'])
    return lambda: session.run(None, {'image': image})[0]


def _check(classes: np.ndarray, expected: np.ndarray) -> None:
    share = float((classes == expected).mean())
    assert share >= LEAST_EQUAL, f'only {share:.2%} of the pixels have the class of the float graph'
