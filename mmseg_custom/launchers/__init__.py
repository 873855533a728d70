"""Where the runs of a stage are trained side by side: processes of this machine, or a Ray cluster."""

from mmseg_custom.launchers.local_pool import LocalPool
from mmseg_custom.launchers.pool import Pool
from mmseg_custom.launchers.ray_pool import RayPool

__all__ = ['LocalPool', 'Pool', 'RayPool']
