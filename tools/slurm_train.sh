#!/usr/bin/env bash
# Submit one run to Slurm: tools/slurm_train.sh PARTITION JOB_NAME CONFIG [train.py options]
#
# The job comes back until the run is finished: 120 s before its time is up, or when Slurm takes the machine for
# another job, the run saves where it is and exits with 75; the job is then queued again and goes on with --resume.
# The log of all attempts is slurm-<job id>.out.
#
# %a is the number of a task of a job array: SBATCH_ARGS=--array=1-5 for configs/stage2.py --fold %a. A stage with all
# its folds, and those behind it: tools/slurm_stage.sh.
#
# GPUS, GPUS_PER_NODE and CPUS_PER_TASK size the job; SBATCH_ARGS (e.g. --time=8:00:00) and SRUN_ARGS take further
# options. A grace time of the partition (GraceTime) below that of a step and a checkpoint is too short.
set -euo pipefail

# What each process of the job runs. Slurm signals the whole process group: this shell has to outlive train.py. Only 0
# may come back from a process that was asked to stop, else srun kills the others before the job is queued again.
task() {
    trap : TERM USR1
    if [ "${SLURM_RESTART_COUNT:-0}" -gt 0 ]; then
        set -- "$@" --resume
    fi
    # How the processes find each other; jobs on one machine need ports of their own.
    export RANK=${SLURM_PROCID:-0} WORLD_SIZE=${SLURM_NTASKS:-1} MASTER_ADDR=${SLURM_LAUNCH_NODE_IPADDR:-127.0.0.1}
    export MASTER_PORT=${MASTER_PORT:-$((20000 + SLURM_JOB_ID % 10000))}
    local code=0
    python -u "$(dirname "$0")/train.py" "${@//%a/${SLURM_ARRAY_TASK_ID:-}}" --launcher slurm || code=$?
    case $code in
        75 | 138 | 143) ;; # Saved; or died of USR1 or TERM before there was anything to save.
        *) exit "$code" ;;
    esac
    if [ "${SLURM_PROCID:-0}" -eq 0 ]; then
        scontrol requeue "$SLURM_JOB_ID"
    fi
}

if [ "${1:-}" = --task ]; then
    shift
    task "$@"
    exit
fi
if [ $# -lt 3 ]; then
    echo "usage: $0 PARTITION JOB_NAME CONFIG [options of train.py]" >&2
    exit 2
fi
partition=$1 job=$2
shift 2
gpus_per_node=${GPUS_PER_NODE:-1}
for size in GPUS GPUS_PER_NODE CPUS_PER_TASK; do
    if ! [[ ${!size:-1} =~ ^[1-9][0-9]*$ ]]; then
        echo "$size is ${!size}: use a number from 1" >&2
        exit 2
    fi
done
step=$(printf '%q ' bash "$0" --task "$@")
# shellcheck disable=SC2086  # SBATCH_ARGS holds several options
exec sbatch --partition="$partition" --job-name="$job" --ntasks="${GPUS:-1}" --ntasks-per-node="$gpus_per_node" \
    --gres="gpu:$gpus_per_node" --cpus-per-task="${CPUS_PER_TASK:-5}" --signal=USR1@120 --requeue --open-mode=append \
    ${SBATCH_ARGS:-} --wrap="srun --cpus-per-task=${CPUS_PER_TASK:-5} --kill-on-bad-exit=1 ${SRUN_ARGS:-} $step"
