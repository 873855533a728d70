# Less memory, more time, the same numbers: the inside of blocks and decoder is computed again in the backward pass.
_base_ = './deeplabv3plus_r34.py'

model = dict(backbone=dict(with_cp=True), decode_head=dict(with_cp=True))
