"""What stands around a data set and lets it answer all that it does not answer itself."""

from typing import Any


class DatasetView:
    """Hands on whatever is asked of it to ``dataset``, which a subclass sets."""

    dataset: Any

    def __getitem__(self, index: int) -> Any:
        """The sample at an index, as the data set inside gives it."""
        return self.dataset[index]

    def __len__(self) -> int:
        """The number of samples."""
        return len(self.dataset)

    def __getattr__(self, name: str) -> Any:
        """What the data set has."""
        if name == 'dataset' or (name.startswith('__') and name.endswith('__')):
            raise AttributeError(name)
        return getattr(self.dataset, name)
