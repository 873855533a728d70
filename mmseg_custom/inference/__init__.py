"""What a trained network is used for: predicting images and videos, and leaving PyTorch as an ONNX file."""

from mmseg_custom.errors import MissingExtraError
from mmseg_custom.inference.errors import InputError
from mmseg_custom.inference.labels import Labels
from mmseg_custom.inference.model_source import open_predictor
from mmseg_custom.inference.predictor import Prediction, Predictor
from mmseg_custom.inference.readers import Frame, read_frames, read_image
from mmseg_custom.inference.sources import Source, find_sources
from mmseg_custom.inference.writers import PredictionWriter

__all__ = [
    'Frame',
    'InputError',
    'Labels',
    'MissingExtraError',
    'Prediction',
    'PredictionWriter',
    'Predictor',
    'Source',
    'find_sources',
    'open_predictor',
    'read_frames',
    'read_image',
]
