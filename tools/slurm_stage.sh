#!/usr/bin/env bash
# Submit stages to Slurm: tools/slurm_stage.sh PARTITION JOB_NAME PLAN STAGE... [-- train.py options]
#
# Each stage is a job array with a task a fold, which slurm_train.sh describes; the fold that ends last makes the
# winner. A stage waits until all folds of the one before have ended well, and is cancelled if one has failed. Once
# mended, submit the stages from the failed one on again, with `-- --resume`: what is finished is not trained again.
set -euo pipefail
if [ $# -lt 4 ]; then
    echo "usage: $0 PARTITION JOB_NAME PLAN STAGE... [-- options of train.py]" >&2
    exit 2
fi
partition=$1 job=$2 path=${3%/}
shift 3
stages=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    stages+=("$1")
    shift
done
plan=$(python "$(dirname "$0")/_stages.py" "$path" "${stages[@]}" "$@")
before=''
while read -r stage folds config; do
    fold=() array=''
    if [ "$folds" -gt 0 ]; then
        fold=(--fold %a) array=1-$folds
    fi
    barrier=${before:+--dependency=afterok:$before --kill-on-invalid-dep=yes}
    before=$(SBATCH_ARGS="--parsable ${SBATCH_ARGS:-} ${array:+--array=$array} $barrier" \
        "$(dirname "$0")/slurm_train.sh" "$partition" "$job-stage$stage" "$config" "${fold[@]}" "${@:2}" </dev/null)
    before=${before%%;*}
    echo "stage $stage: job $before"
done <<<"$plan"
