# What every data set shares; one of your own has this base and says `dataset`.
read_image, pack = [dict(type='LoadImageFromFile')], [dict(type='PackSegInputs')]
tta_model = dict(type='MergedTTAModel')
loader = dict(batch_size=4, num_workers=4, persistent_workers=True)
shuffled, in_order = dict(type='SeededSampler', shuffle=True), dict(type='DefaultSampler', shuffle=False)
train_dataloader = dict(sampler=shuffled, dataset=dict(part='train', fold=None), **loader)
val_dataloader = dict(sampler=in_order, dataset=dict(part='val', fold=None), **loader)
test_dataloader = dict(sampler=in_order, dataset=dict(part='val', fold=None), **loader)
val_evaluator = dict(type='SegmentationMetric')
test_evaluator = dict(type='SegmentationMetric')
