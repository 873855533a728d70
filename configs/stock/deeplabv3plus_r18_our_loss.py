_base_ = './deeplabv3plus_r18.py'
model = dict(decode_head=dict(loss_decode=dict(_delete_=True, type='CEDiceLoss', alpha=0.6)))
