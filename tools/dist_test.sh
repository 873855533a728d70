#!/usr/bin/env bash
# Score a checkpoint on several processes of one machine: tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [test.py options]
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and PORT on each.
set -euo pipefail
if [ $# -lt 3 ]; then
    echo "usage: $0 CONFIG CHECKPOINT PROCESSES [options of test.py]" >&2
    exit 2
fi
config=$1 checkpoint=$2 processes=$3
if ! [[ $processes =~ ^[1-9][0-9]*$ ]]; then
    echo "PROCESSES is $processes: use a number from 1" >&2
    exit 2
fi
shift 3
exec python -m torch.distributed.run \
    --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" --nproc_per_node="$processes" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${PORT:-29500}" \
    "$(dirname "$0")/test.py" "$config" "$checkpoint" --launcher pytorch "$@"
