"""A pipeline that names the image which it cannot transform."""

from typing import Any

from mmseg_custom.datasets.checks.bad_samples import SampleError
from mmseg_custom.errors import UserError


class NamingPipeline:
    """Stands in the place of a data set's pipeline and gives what that gives.

    Args:
        pipeline: Of a built data set.
    """

    def __init__(self, pipeline: Any) -> None:
        self.pipeline = pipeline
        self.transforms = getattr(pipeline, 'transforms', [])

    def __call__(self, data: dict) -> Any:
        """Transform a sample.

        Raises:
            SampleError: If that fails, with the path of its image and why.
        """
        image = data.get('img_path')
        try:
            return self.pipeline(data)
        except (UserError, MemoryError):
            raise
        except Exception as error:  # Whatever a decoder or a transform, also a user's own, raises.
            reason = ' '.join(str(error).split()).rstrip('.')
            raise SampleError(
                f'Image {image} or its label cannot be used ({type(error).__name__}: {reason}): mend the file, take '
                'the image off the training data, or see whether the transforms of the pipeline take such images.'
            ) from error

    def __repr__(self) -> str:
        return repr(self.pipeline)
