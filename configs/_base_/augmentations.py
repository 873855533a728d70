# The three levels of augmentation, to stand between loading (to the working size) and packing.
none = []

standard = [
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='RandomColorJitter', prob=0.5, brightness=(0.8, 1.2), contrast=(0.8, 1.2), saturation=(0.8, 1.2)),
    dict(type='RandomGaussianBlur', prob=0.3, radius=(0.1, 1.0)),
    dict(type='RandomGamma', prob=0.25, gamma=(0.7, 1.3)),
    dict(type='RandomUpscaleCrop', prob=0.5, factor=(1.0, 1.2), random_place=0.4),
]

advanced = standard + [
    dict(
        type='RandomColorJitter',
        prob=0.15,
        brightness=(0.7, 1.3),
        contrast=(0.7, 1.3),
        saturation=(0.7, 1.3),
        hue=(-0.1, 0.1),
    ),
    dict(type='RandomChannelShuffle', prob=0.1),
    dict(type='RandomGray', prob=0.1),
    dict(type='RandomGaussianBlur', prob=0.15, radius=(0.1, 1.0)),
    dict(type='RandomSharpness', prob=0.1, factor=(1.0, 2.0)),
    dict(type='RandomColorBalance', prob=0.1, factor=(0.8, 1.2)),
    dict(type='RandomGaussianNoise', prob=0.1, sigma=5.0),
    dict(type='RandomElastic', prob=0.1, alpha=(10.0, 30.0), sigma=(3.0, 7.0)),
    dict(
        type='RandomColorMixup',
        prob=0.05,
        ratio=(0.6, 0.8),
        brightness=(0.7, 1.3),
        contrast=(0.7, 1.3),
        saturation=(0.7, 1.3),
        hue=(-0.1, 0.1),
    ),
]
