#!/usr/bin/env bash
# Train one run under Slurm: tools/slurm_train.sh PARTITION JOB_NAME CONFIG [train.py options]
# GPUS, GPUS_PER_NODE and CPUS_PER_TASK size the job; SRUN_ARGS takes further options of srun.
set -euo pipefail
if [ $# -lt 3 ]; then
    echo "usage: $0 PARTITION JOB_NAME CONFIG [options of train.py]" >&2
    exit 2
fi
partition=$1 job=$2 config=$3
shift 3
gpus_per_node=${GPUS_PER_NODE:-1}
# shellcheck disable=SC2086  # SRUN_ARGS holds several options
exec srun --partition="$partition" --job-name="$job" --ntasks="${GPUS:-1}" --ntasks-per-node="$gpus_per_node" \
    --gres="gpu:$gpus_per_node" --cpus-per-task="${CPUS_PER_TASK:-5}" --kill-on-bad-exit=1 ${SRUN_ARGS:-} \
    python -u "$(dirname "$0")/train.py" "$config" --launcher slurm "$@"
