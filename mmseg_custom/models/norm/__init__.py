from mmseg_custom.models.norm.all_reduce_batch_norm import AllReduceBatchNorm, synchronize_batch_norm

__all__ = ['AllReduceBatchNorm', 'synchronize_batch_norm']
