"""The published network, written from the recipe in plain PyTorch with the published module names."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def conv_bn(in_channels, out_channels, kernel_size, relu=True, **kwargs) -> list[nn.Module]:
    conv = nn.Conv2d(in_channels, out_channels, kernel_size, bias=False, **kwargs)
    return [conv, nn.BatchNorm2d(out_channels), *([nn.ReLU()] if relu else [])]


class Block(nn.Module):
    def __init__(self, in_channels, channels, stride, dilation):
        super().__init__()
        self.conv1, self.bn1 = conv_bn(
            in_channels, channels, 3, relu=False, stride=stride, padding=dilation, dilation=dilation
        )
        self.conv2, self.bn2 = conv_bn(channels, channels, 3, relu=False, padding=dilation, dilation=dilation)
        self.downsample = nn.Sequential()
        if stride != 1 or in_channels != channels:
            self.downsample = nn.Sequential(*conv_bn(in_channels, channels, 1, relu=False, stride=stride))

    def forward(self, x: Tensor) -> Tensor:
        inner = self.bn1(self.conv1(x)).relu()
        return (self.bn2(self.conv2(inner)) + self.downsample(x)).relu()


class Backbone(nn.Module):
    def __init__(self, blocks, width):
        super().__init__()
        self.conv1, self.bn1 = conv_bn(3, width, 7, relu=False, stride=2, padding=3)
        channels = width
        for stage, (stride, dilation) in enumerate([(1, 1), (2, 1), (1, 2), (1, 4)]):
            layer = []
            for block in range(blocks[stage]):
                layer.append(Block(channels, width << stage, stride if block == 0 else 1, dilation))
                channels = width << stage
            setattr(self, f'layer{stage + 1}', nn.Sequential(*layer))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = F.max_pool2d(self.bn1(self.conv1(x)).relu(), 3, stride=2, padding=1)
        low = self.layer1(x)
        return low, self.layer4(self.layer3(self.layer2(low)))


class ASPP(nn.Module):
    def __init__(self, in_channels, channels):
        super().__init__()
        dilated = [conv_bn(in_channels, channels, 3, padding=rate, dilation=rate) for rate in (12, 24, 36)]
        pooled = [nn.AdaptiveAvgPool2d(1), *conv_bn(in_channels, channels, 1)]
        branches = [conv_bn(in_channels, channels, 1), *dilated, pooled]
        self.convs = nn.ModuleList(nn.Sequential(*branch) for branch in branches)
        self.project = nn.Sequential(*conv_bn(5 * channels, channels, 1), nn.Dropout(0.5))

    def forward(self, x: Tensor) -> Tensor:
        branches = [branch(x) for branch in self.convs]
        branches[-1] = branches[-1].expand_as(branches[0])
        return self.project(torch.cat(branches, 1))


class Decoder(nn.Module):
    def __init__(self, low_channels, aspp_channels, reduced, channels):
        super().__init__()
        self.low_level_conv = nn.Sequential(*conv_bn(low_channels, reduced, 1))
        self.fusion_conv = nn.Sequential(
            *conv_bn(aspp_channels + reduced, channels, 3, padding=1),
            *conv_bn(channels, channels, 3, padding=1),
        )

    def forward(self, low: Tensor, high: Tensor) -> Tensor:
        high = F.interpolate(high, low.shape[2:], mode='bilinear', align_corners=False)
        return self.fusion_conv(torch.cat([high, self.low_level_conv(low)], 1))


class ReferenceDeepLabV3Plus(nn.Module):
    """Returns logits at the size of the image."""

    def __init__(self, num_classes=19, blocks=(3, 4, 6, 3), width=64, aspp_channels=256, reduced=48, channels=256):
        super().__init__()
        self.backbone = Backbone(blocks, width)
        self.aspp = ASPP(8 * width, aspp_channels)
        self.decoder = Decoder(width, aspp_channels, reduced, channels)
        self.classifier = nn.Conv2d(channels, num_classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        low, high = self.backbone(image)
        logits = self.classifier(self.decoder(low, self.aspp(high)))
        return F.interpolate(logits, image.shape[2:], mode='bilinear', align_corners=False)


def randomize_batch_norms(network: nn.Module) -> None:
    """Statistics and weights that no two batch norms share, so that a swapped key shows."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.1)
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            module.num_batches_tracked.random_(1, 1000)
