custom_imports = dict(imports=['mmseg_custom'], allow_failed_imports=False)
default_scope = 'mmseg'
runner_type = 'StageRunner'
env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
    num_threads=None,
)
sync_bn = 'torch'
randomness = dict(seed=42)
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    iteration_seed=dict(type='IterationSeedHook'),
    divergence=dict(type='DivergenceHook', interval=50),
    data_check=dict(type='DataCheckHook'),
    skipped_samples=dict(type='SkippedSamplesHook'),
    history=dict(type='TrainingHistoryHook', monitor='mIoU', patience=None),
    checkpoint=dict(type='StageCheckpointHook', keep=2, interval_iters=None),
    preemption=dict(type='PreemptionHook', check_interval=10),
    lineage=dict(type='LineageHook'),
    run_lease=dict(type='RunLeaseHook'),
    run_record=dict(type='RunRecordHook'),
    fold_average=dict(type='FoldAverageHook', stage_dir=None),
    visualization=dict(type='SegVisualizationHook'),
)
vis_backends = [dict(type='LocalVisBackend'), dict(type='StageTensorboardBackend')]
visualizer = dict(type='SegLocalVisualizer', vis_backends=vis_backends, name='visualizer')
log_processor = dict(by_epoch=True)
log_level = 'INFO'
load_from = None
resume = False
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
