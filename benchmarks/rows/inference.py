"""Prediction by the full network: one image of the working size, and a stream of files of twice that size."""

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from mmseg.apis import inference_model
from torch import nn

from benchmarks.frame import Case, Contender, Trial, timed
from benchmarks.machine import bf16_note
from benchmarks.network import batch_of, build_network, config_name, recipe_config, working_size
from benchmarks.options import ROOT, Options
from benchmarks.peers.client import Peers
from benchmarks.street_data import build_dataset
from mmseg_custom.inference import Predictor, find_sources, open_predictor, read_frames, read_image
from mmseg_custom.io.checkpoints.checkpoint_file import load_weights

# Equal classes, at least; a network that was never trained has many pixels on the border between two classes.
DECISIVE, UNDECIDED = 0.999, 0.98
STREAM = 4


def cases(options: Options, peers: Peers) -> Iterator[Case]:
    height, width = working_size(options)
    image = f'full network, one image, {height}x{width}'
    yield Case('inference', image, lambda: build_single(options), rounds=5)
    stream = f'full network, an image of a stream of files, {2 * height}x{2 * width}'
    yield Case('inference_stream', stream, lambda: build_stream(options), rounds=2)


def settled_network(options: Options) -> nn.Module:
    """The network of ``--checkpoint``, else a random one whose batch norms know its activations."""
    model = build_network(options).train()
    if options.checkpoint:
        model.load_state_dict(load_weights(options.checkpoint))
    else:
        with torch.no_grad():
            model(**model.data_preprocessor(batch_of(options, images=2), True), mode='tensor')
    model.cfg = recipe_config(options)
    return model.eval()


def open_ours(options: Options, model: nn.Module, **precision: bool) -> Predictor:
    """The predictor that a user gets of these weights."""
    with tempfile.TemporaryDirectory(prefix='network-') as folder:
        checkpoint = Path(folder) / 'network.pth'
        torch.save({'state_dict': model.state_dict(), 'meta': {}}, checkpoint)
        config = ROOT / 'configs' / config_name(options)
        return open_predictor(checkpoint, config, device=options.device, **precision)


def settings(options: Options) -> dict[str, dict[str, bool]]:
    """How a user can call it, by name; ours is the first."""
    plain, amp = {'predict.py': {}}, {'predict.py --amp': {'amp': True}}
    found = plain | amp if bf16_note(options.device) else amp | plain
    if options.full:
        found |= {'predict.py --compile': {'compiled': True}}
        found |= {'predict.py --amp --compile': {'amp': True, 'compiled': True}}
    return found


def street_files(options: Options) -> list[str]:
    dataset = build_dataset(options, 'none', packed=False)
    return [dataset.get_data_info(index)['img_path'] for index in range(STREAM)]


def build_single(options: Options) -> Trial:
    model, (height, width) = settled_network(options), working_size(options)
    image = cv2.resize(read_image(Path(street_files(options)[0])), (width, height), interpolation=cv2.INTER_AREA)
    expected = inference_model(model, image).pred_sem_seg.data[0].cpu().numpy()
    note, checks = bf16_note(options.device), []
    contenders = [Contender('network alone, fp32', 'floor', timed(network_alone(model, options), options.device))]
    for number, (name, setting) in enumerate(settings(options).items()):
        role, amp = 'option' if number else 'ours', setting.get('amp', False)
        measure = None
        if options.full or not (amp and note):
            predictor = open_ours(options, model, **setting)
            measure = timed(partial(predictor.predict, image), options.device)
            least = DECISIVE if options.checkpoint or not amp else UNDECIDED
            checks.append(lambda one=predictor, least=least: check(one.predict(image).classes, expected, least))
        contenders.append(Contender(name, role, measure, note if amp else ''))
    host = timed(lambda: inference_model(model, image), options.device)
    contenders.append(Contender('mmseg inference_model, fp32', 'peer', host))
    return Trial(contenders, lambda: [one() for one in checks])


def network_alone(model: nn.Module, options: Options) -> Callable[[], object]:
    """From a prepared image to logits of the decoder's size."""
    inputs = model.data_preprocessor(batch_of(options, images=1))['inputs']

    @torch.inference_mode()
    def forward() -> object:
        return model(inputs, mode='tensor')

    return forward


def check(classes: np.ndarray, expected: np.ndarray, least: float) -> None:
    share = float((classes == expected).mean())
    assert share >= least, f'only {share:.2%} of the pixels have the class of the fp32 network, not {least:.2%}'


def build_stream(options: Options) -> Trial:
    """Seconds an image, reading the files included."""
    model, files = settled_network(options), street_files(options)
    predictor = open_ours(options, model, amp=not bf16_note(options.device))

    def one_by_one() -> list[np.ndarray]:
        return [predictor.predict(read_image(Path(file))).classes for file in files]

    works = {
        ('Predictor.stream', 'ours'): lambda: stream_classes(predictor, files),
        ('Predictor.predict, one by one', 'twin'): one_by_one,
        ('mmseg inference_model, fp32', 'peer'): lambda: [inference_model(model, file) for file in files],
    }
    contenders = [Contender(*key, _per_image(timed(work, options.device))) for key, work in works.items()]
    return Trial(contenders, lambda: check(np.stack(stream_classes(predictor, files)), np.stack(one_by_one()), 1.0))


def stream_classes(predictor: Predictor, files: list[str]) -> list[np.ndarray]:
    frames = read_frames(find_sources(files), _raise)
    return [prediction.classes for _, prediction in predictor.stream(frames, _raise)]


def _raise(error: Exception) -> None:
    raise error


def _per_image(measure: Callable[[], float]) -> Callable[[], float]:
    return lambda: measure() / STREAM
