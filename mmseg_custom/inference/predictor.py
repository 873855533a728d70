"""From images to classes at the images' own size, in batches, streamed."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import cv2
import numpy as np
from torch import Tensor

from mmseg_custom.errors import UserError
from mmseg_custom.inference.errors import InputError
from mmseg_custom.inference.labels import Labels
from mmseg_custom.inference.networks import Ensemble, Network
from mmseg_custom.inference.preparation import Preparation, Sample
from mmseg_custom.inference.readers import Frame, OnFault
from mmseg_custom.models.upsampled_classes import upsampled_classes

Item = TypeVar('Item')
Made = TypeVar('Made')
Prepared = tuple[Frame, Sample]
Result = tuple[Tensor, Tensor | None]


class Prediction(NamedTuple):
    """What a network says of an image.

    Attributes:
        classes: Train ids, uint8, H x W, at the size of the image.
        scores: float32, C x h x w, at the size the network works at; ``None`` unless they were asked for.
        uncertainty: How far the folds disagree, float32, H x W, 0 to 1; ``None`` unless it was asked for.
    """

    classes: np.ndarray
    scores: np.ndarray | None = None
    uncertainty: np.ndarray | None = None


class Predictor:
    """A network with what goes before and after it.

    Args:
        network: Gives scores.
        preparation: Makes its input.
        labels: Its classes.
        smooth: Bring the scores to the size of the image (bilinear) and choose the class there. By default the
            classes are chosen at the network's size and repeated (nearest), as the reference does.
        keep_scores: Return the scores too.
        keep_uncertainty: Return how far the folds disagree, too.

    Raises:
        UserError: If the network has no scores for that.
    """

    def __init__(
        self,
        network: Network,
        preparation: Preparation,
        labels: Labels,
        *,
        smooth: bool = False,
        keep_scores: bool = False,
        keep_uncertainty: bool = False,
    ) -> None:
        if network.kind == 'ids' and (smooth or keep_scores):
            raise UserError('This ONNX file gives class ids alone, no scores: export it with --output logits.')
        if keep_uncertainty and not isinstance(network, Ensemble):
            raise UserError(
                '--save uncertainty is how far folds disagree: name the folder of a stage or run with several folds, '
                'not one network.'
            )
        self.keep_uncertainty = keep_uncertainty
        self.network, self.preparation, self.labels = network, preparation, labels
        self.smooth, self.keep_scores = smooth, keep_scores

    def predict(self, image: np.ndarray) -> Prediction:
        """Predict one image, uint8, H x W x 3, BGR."""
        return self._finish(self._run([self.preparation(image)])[0], image.shape[:2])

    def stream(
        self, frames: Iterable[Frame], on_fault: OnFault, batch_size: int = 1, workers: int = 2
    ) -> Iterator[tuple[Frame, Prediction]]:
        """Predict frames in their order, in memory that does not depend on their number.

        Args:
            frames: What to predict; image files are read here.
            on_fault: Told of every frame that cannot be read or prepared; the others go on.
            batch_size: Frames that the network takes at once, if they have one size there.
            workers: Threads that read and prepare meanwhile.

        Yields:
            Each frame, with its pixels, and its prediction.
        """
        prepared = _kept(ordered_map(self._prepare, frames, workers), on_fault)
        for batch in group_by_size(prepared, batch_size):
            results = self._run([sample for _, sample in batch])
            for (frame, _), result in zip(batch, results, strict=True):
                yield frame, self._finish(result, frame.image.shape[:2])

    def _prepare(self, frame: Frame) -> Prepared | InputError:
        try:
            frame = frame.loaded()
            return frame, self.preparation(frame.image, str(frame.source.path))
        except InputError as error:
            return error

    @property
    def _scored(self) -> bool:
        return self.smooth or self.keep_scores or self.keep_uncertainty

    def _run(self, samples: Sequence[Sample]) -> Sequence[Result]:
        """Scores if they are needed, else the ids alone; and the uncertainty where it is."""
        if self.keep_uncertainty and isinstance(self.network, Ensemble):
            return list(zip(*self.network.with_uncertainty(samples), strict=True))
        return [(one, None) for one in (self.network(samples) if self._scored else self.network.classes(samples))]

    def _finish(self, found: Result, size: tuple[int, int]) -> Prediction:
        result, uncertainty = found
        scores = result.float() if self._scored else None
        if self.smooth:
            classes = upsampled_classes(scores[None], size)[0].cpu().numpy()
        else:
            small = result if scores is None else upsampled_classes(scores[None], scores.shape[1:])[0]
            classes = cv2.resize(small.cpu().numpy(), size[::-1], interpolation=cv2.INTER_NEAREST)
        unsure = None if uncertainty is None else cv2.resize(uncertainty.float().cpu().numpy(), size[::-1])
        return Prediction(classes, scores.cpu().numpy() if self.keep_scores else None, unsure)


def ordered_map(function: Callable[[Item], Made], items: Iterable[Item], workers: int) -> Iterator[Made]:
    """Map in threads, in order, at most two items a thread ahead of who takes the results."""
    pending: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) > 2 * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def group_by_size(prepared: Iterable[Prepared], batch_size: int) -> Iterator[Sequence[Prepared]]:
    """Consecutive samples of one input size, up to ``batch_size`` of them."""
    batch: list[Prepared] = []
    for one in prepared:
        if batch and (len(batch) == batch_size or one[1]['inputs'].shape != batch[0][1]['inputs'].shape):
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch


def _kept(results: Iterable[Prepared | InputError], on_fault: OnFault) -> Iterator[Prepared]:
    for result in results:
        if isinstance(result, InputError):
            on_fault(result)
        else:
            yield result
