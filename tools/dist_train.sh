#!/usr/bin/env bash
# Train one run on several processes of one machine: tools/dist_train.sh CONFIG PROCESSES [train.py options]
# MAX_RESTARTS=3 starts it again, from the newest resume point, up to three times when a process dies.
# SIGTERM and SIGUSR1 let it save and end with 75: start it again with --resume.
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and PORT on each.
set -euo pipefail
if [ $# -lt 2 ]; then
    echo "usage: $0 CONFIG PROCESSES [options of train.py]" >&2
    exit 2
fi
config=$1 processes=$2
if ! [[ $processes =~ ^[1-9][0-9]*$ ]]; then
    echo "PROCESSES is $processes: use a number from 1" >&2
    exit 2
fi
shift 2
exec python "$(dirname "$0")/_torchrun.py" \
    --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" --nproc_per_node="$processes" \
    --max_restarts="${MAX_RESTARTS:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${PORT:-29500}" \
    "$(dirname "$0")/train.py" "$config" --launcher pytorch "$@"
