from .base import ImageAugmentation
from .blur_noise import RandomGaussianBlur, RandomGaussianNoise, RandomSharpness
from .channels import RandomChannelShuffle, RandomColorBalance, RandomGray
from .colour import RandomColorJitter, RandomColorMixup, RandomGamma
from .geometry import RandomElastic, RandomUpscaleCrop
from .map_label_ids import MapLabelIds
from .use_working_size import UseWorkingSize

__all__ = [
    'ImageAugmentation',
    'MapLabelIds',
    'RandomChannelShuffle',
    'RandomColorBalance',
    'RandomColorJitter',
    'RandomColorMixup',
    'RandomElastic',
    'RandomGamma',
    'RandomGaussianBlur',
    'RandomGaussianNoise',
    'RandomGray',
    'RandomSharpness',
    'RandomUpscaleCrop',
    'UseWorkingSize',
]
