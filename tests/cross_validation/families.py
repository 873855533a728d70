"""Stock configs of MMSegmentation, what they are trained on, and the few options that a user gives them."""

from typing import NamedTuple

TRAIN, VAL, TEST = (f'{part}_dataloader.dataset' for part in ('train', 'val', 'test'))
TABLE = 'Out of fold: '
FINISHED = 'All of these folds are finished'
FEW_STEPS = ('--max-iters', '2', '--val-interval', '2')


class Stock(NamedTuple):
    """A config, its overrides, and what a run ends in: the table, or a sentence."""

    config: str
    options: dict[str, str]
    ends: str = TABLE

    @property
    def family(self):
        return self.config.partition('/')[0]


def small(crop, scale, train=TRAIN):
    """Little images in little batches, loaded by this process."""
    loaders = {
        f'{part}_dataloader.{key}': value
        for part in ('train', 'val')
        for key, value in (('num_workers', '0'), ('persistent_workers', 'False'))
    }
    return {
        f'{train}.pipeline.2.scale': str(scale),
        f'{train}.pipeline.3.crop_size': str((crop, crop)),
        f'{VAL}.pipeline.1.scale': str(scale),
        'model.data_preprocessor.size': str((crop, crop)),
        'train_dataloader.batch_size': '2',
        **loaders,
    }


def ade(crop=64, scale=(64, 48), **more):
    """A config of ADE20K on images of three classes, 0 is void."""
    return {**{f'{part}.data_root': 'data/ade' for part in (TRAIN, VAL, TEST)}, **small(crop, scale), **more}


def city(crop=64, scale=(64, 48), **more):
    """A config of Cityscapes on folders of other names."""
    found = {}
    for part, split in ((TRAIN, 'train'), (VAL, 'val'), (TEST, 'val')):
        found |= {f'{part}.data_root': 'data/city', f'{part}.img_suffix': '.jpg', f'{part}.seg_map_suffix': '.png'}
        found |= {
            f'{part}.data_prefix.img_path': f'images/{split}',
            f'{part}.data_prefix.seg_map_path': f'labels/{split}',
        }
    return {**found, **small(crop, scale), **more}


def drive(**more):
    """A config of DRIVE: the train data are repeated, and windows slide over those of val."""
    repeated = f'{TRAIN}.dataset'
    roots = {f'{part}.data_root': 'data/drive' for part in (repeated, VAL, TEST)}
    suffixes = {
        f'{part}.{key}': value
        for part in (repeated, VAL, TEST)
        for key, value in (('img_suffix', '.jpg'), ('seg_map_suffix', '.png'))
    }
    return {**roots, **suffixes, f'{TRAIN}.times': '3', **small(32, (64, 48), repeated), **more}


def voc(crop=64, scale=(64, 48), **more):
    """A config of Pascal VOC with the images of two lists."""
    lists = (f'{TRAIN}.datasets.0', f'{TRAIN}.datasets.1', VAL, TEST)
    found = small(crop, scale, lists[0]) | small(crop, scale, lists[1])
    for part, name in zip(lists, ('train', 'aug', 'val', 'val'), strict=True):
        found |= {f'{part}.data_root': 'data/lists', f'{part}.ann_file': f'{name}.txt'}
        found |= {f'{part}.data_prefix.img_path': 'images', f'{part}.data_prefix.seg_map_path': 'labels'}
    for part in lists[:2]:
        found[f'{part}.pipeline.6.size'] = str((crop, crop))
    return {**found, **more}


def no_val(options):
    """Options without those of val and test, and the config without these splits."""
    kept = {key: value for key, value in options.items() if not key.startswith(('val_', 'test_'))}
    kept['test_pipeline.1.scale'] = options[f'{VAL}.pipeline.1.scale']
    parts = [f'{part}_{key}' for part in ('val', 'test') for key in ('dataloader', 'evaluator', 'cfg')]
    return {**kept, **dict.fromkeys(parts, 'None')}


# Nothing is fetched, and where a network is wide it is made narrow.
NO_PRETRAINED = {'model.pretrained': 'None'}
NO_START = {'model.backbone.init_cfg': 'None'}
NARROW_MIT = {
    **NO_START,
    'model.backbone.embed_dims': '8',
    'model.backbone.num_layers': '[1,1,1,1]',
    'model.decode_head.in_channels': '[8,16,40,64]',
    'model.decode_head.channels': '16',
}
NARROW_PID = {
    **NO_START,
    'model.backbone.channels': '8',
    'model.backbone.ppm_channels': '8',
    'model.decode_head.in_channels': '32',
    'model.decode_head.channels': '16',
}
WINDOWS = {'model.test_cfg.crop_size': '(32,32)', 'model.test_cfg.stride': '(16,16)'}
NARROW_UNET = {
    'model.backbone.base_channels': '4',
    'model.decode_head.in_channels': '4',
    'model.decode_head.channels': '4',
    'model.auxiliary_head.in_channels': '8',
    'model.auxiliary_head.channels': '4',
    **WINDOWS,
}
NARROW_RESNET = {
    **NO_PRETRAINED,
    'model.backbone.depth': '18',
    'model.backbone.base_channels': '8',
    'model.backbone.stem_channels': '8',
    'model.decode_head.in_channels': '64',
    'model.decode_head.channels': '8',
    'model.auxiliary_head.in_channels': '32',
    'model.auxiliary_head.channels': '8',
}
NARROW_PLUS = {**NARROW_RESNET, 'model.decode_head.c1_in_channels': '8', 'model.decode_head.c1_channels': '8'}
NARROW_RESNEST = {
    **NARROW_RESNET,
    'model.backbone.depth': '50',
    'model.decode_head.in_channels': '256',
    'model.auxiliary_head.in_channels': '128',
}
NARROW_BACKBONE = {
    'model.backbone.embed_dims': '24',
    'model.backbone.num_heads': '2',
    'model.backbone.img_size': '(32,32)',
}
NARROW_VIT = {
    **NO_PRETRAINED,
    **NARROW_BACKBONE,
    'model.backbone.num_layers': '2',
    'model.decode_head.in_channels': '24',
    'model.decode_head.channels': '24',
    'model.decode_head.embed_dims': '24',
    'model.decode_head.num_heads': '2',
    'model.decode_head.init_cfg': 'None',
    **WINDOWS,
}
NARROW_PYRAMID = {  # UPerHead on four maps of a plain transformer.
    **NO_PRETRAINED,
    **NARROW_BACKBONE,
    'model.decode_head.in_channels': '[24,24,24,24]',
    'model.decode_head.channels': '16',
    'model.auxiliary_head.in_channels': '24',
    'model.auxiliary_head.channels': '8',
}
NARROW_SETR = {**NO_START, **NARROW_BACKBONE, 'model.neck.in_channels': '[24,24,24,24]', **WINDOWS}
NEEDS = r'{family}.* needs {package} \(for {package}\.\w+\), which is not installed: install'

QUICK = [
    Stock('segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512.py', ade(32, **NARROW_MIT)),
    Stock('fastscnn/fast_scnn_8xb4-160k_cityscapes-512x1024.py', no_val(city())),
    Stock('unet/unet-s5-d16_fcn_4xb4-ce-1.0-dice-3.0-40k_drive-64x64.py', drive(**NARROW_UNET)),
    Stock('pidnet/pidnet-s_2xb6-120k_1024x1024-cityscapes.py', no_val(city(**NARROW_PID))),
    Stock('deeplabv3plus/deeplabv3plus_r50-d8_4xb4-20k_voc12aug-512x512.py', voc(32, **NARROW_PLUS)),
    Stock(
        'mask2former/mask2former_r50_8xb2-160k_ade20k-512x512.py',
        ade(),
        NEEDS.format(family='mask2former', package='mmdet'),
    ),
]

# At their own width; each was seen to end so, on images of this size.
LARGER = {'scale': (128, 64)}
DPT = {
    'model.backbone.init_cfg': 'None',
    'model.test_cfg.mode': 'whole',
    'model.backbone.num_layers': '4',
    'model.backbone.out_indices': '(0,1,2,3)',
    'model.backbone.embed_dims': '32',
    'model.backbone.num_heads': '2',
    'model.backbone.img_size': '(64,64)',
    'model.decode_head.embed_dims': '32',
    'model.decode_head.post_process_channels': '[8,8,8,8]',
}
SLOW = [
    Stock('fcn/fcn_r18-d8_4xb2-80k_cityscapes-512x1024.py', city(**LARGER, **NO_PRETRAINED)),
    Stock('hrnet/fcn_hr18s_4xb4-80k_ade20k-512x512.py', ade(**LARGER, **NO_PRETRAINED)),
    Stock('upernet/upernet_r18_4xb4-80k_ade20k-512x512.py', ade(**LARGER, **NO_PRETRAINED)),
    Stock('swin/swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512.py', ade(**LARGER, **NO_START)),
    Stock('pspnet/pspnet_r18-d8_4xb2-80k_cityscapes-512x1024.py', city(**LARGER, **NO_PRETRAINED)),
    Stock('bisenetv2/bisenetv2_fcn_4xb4-160k_cityscapes-1024x1024.py', city(**LARGER)),
    Stock('ocrnet/ocrnet_hr18s_4xb4-80k_ade20k-512x512.py', ade(**LARGER, **NO_PRETRAINED)),
    Stock('knet/knet-s3_r50-d8_fcn_8xb2-adamw-80k_ade20k-512x512.py', ade(**LARGER, **NO_PRETRAINED)),
    Stock('ddrnet/ddrnet_23-slim_in1k-pre_2xb6-120k_cityscapes-1024x1024.py', city(**NO_START)),
    Stock('stdc/stdc1_4xb12-80k_cityscapes-512x1024.py', city(**LARGER)),
    Stock('segnext/segnext_mscan-t_1xb16-adamw-160k_ade20k-512x512.py', ade(**LARGER, **NO_START)),
    Stock('sem_fpn/fpn_r50_4xb4-160k_ade20k-512x512.py', ade(**LARGER, **NO_PRETRAINED)),
    Stock('dpt/dpt_vit-b16_8xb2-160k_ade20k-512x512.py', ade(**LARGER, **NO_PRETRAINED, **DPT)),
    Stock('segmenter/segmenter_vit-t_mask_8xb1-160k_ade20k-512x512.py', no_val(ade(32, **NARROW_VIT))),
    Stock('apcnet/apcnet_r50-d8_4xb4-80k_ade20k-512x512.py', ade(**NARROW_RESNET)),
    Stock('isanet/isanet_r50-d8_4xb4-80k_ade20k-512x512.py', ade(**NARROW_RESNET)),
    Stock('gcnet/gcnet_r50-d8_4xb4-80k_ade20k-512x512.py', ade(**NARROW_RESNET)),
    Stock('dmnet/dmnet_r50-d8_4xb4-80k_ade20k-512x512.py', ade(**NARROW_RESNET)),
    Stock('dnlnet/dnl_r50-d8_4xb4-80k_ade20k-512x512.py', ade(**NARROW_RESNET)),
    Stock('nonlocal_net/nonlocal_r50-d8_4xb4-80k_ade20k-512x512.py', ade(**NARROW_RESNET)),
    Stock('deeplabv3/deeplabv3_r50-d8_4xb2-40k_cityscapes-512x1024.py', city(**NARROW_RESNET)),
    Stock('resnest/resnest_s101-d8_fcn_4xb4-160k_ade20k-512x512.py', ade(**NARROW_RESNEST)),
    Stock('fastfcn/fastfcn_r50-d32_jpu_psp_4xb4-80k_ade20k-512x512.py', ade(**NO_PRETRAINED)),
    Stock('mobilenet_v2/mobilenet-v2-d8_fcn_4xb4-160k_ade20k-512x512.py', ade(**NO_PRETRAINED)),
    Stock(
        'bisenetv1/bisenetv1_r18-d32-in1k-pre_4xb4-160k_cityscapes-1024x1024.py',
        city(**{'model.backbone.backbone_cfg.init_cfg': 'None'}),
    ),
    Stock('twins/twins_svt-s_uperhead_8xb2-160k_ade20k-512x512.py', ade(**NO_START)),
    Stock('vit/vit_deit-s16_upernet_8xb2-80k_ade20k-512x512.py', ade(32, **NARROW_PYRAMID)),
    Stock(
        'beit/beit-base_upernet_8xb2-160k_ade20k-640x640.py',
        ade(32, **NARROW_PYRAMID, **WINDOWS, **{'model.neck.embed_dim': '24'}),
    ),
    Stock(
        'mae/mae-base_upernet_8xb2-amp-160k_ade20k-512x512.py',
        ade(32, **NARROW_PYRAMID, **WINDOWS, **{'model.neck.embed_dim': '24'}),
    ),
    Stock('setr/setr_vit-l-mla_8xb1-160k_ade20k-512x512.py', ade(32, **NARROW_SETR)),
    Stock('dsdl/voc.py', {}, r'DSDLSegDataset cannot be built .*dsdl is not installed.* Install the package'),
    Stock('vpd/vpd_sd_4xb8-25k_nyu-480x480.py', {}, r"model\.type='DepthEstimator' gives depths"),
    Stock(
        'maskformer/maskformer_r50-d32_8xb2-160k_ade20k-512x512.py',
        ade(),
        NEEDS.format(family='maskformer', package='mmdet'),
    ),
    Stock(
        'convnext/convnext-tiny_upernet_8xb2-amp-160k_ade20k-512x512.py',
        ade(),
        NEEDS.format(family='convnext', package='mmpretrain'),
    ),
]
