#!/usr/bin/env bash
# A batch as a job of a Ray cluster: the list and the files beside it are sent along, the loops go to a storage.
#
#   RAY_API_SERVER_ADDRESS=http://127.0.0.1:8265 examples/cluster/submit.sh LIST OUT [options of t2c batch]
#
# `ray dashboard examples/cluster/cluster.yaml` makes that address the cluster's. The same command again goes on where a
# job was stopped. Inputs above 500 MB belong into the storage too: name them as s3://... in the list.
set -euo pipefail
list=$1 out=$2
shift 2
exec ray job submit --working-dir "$(dirname "$list")" -- \
    t2c batch "$(basename "$list")" -o "$out" --ray auto "$@"
