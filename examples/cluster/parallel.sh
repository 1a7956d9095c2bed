#!/bin/bash
# Ten seeds of split MNIST on the machines of hosts.txt, one name a line, with GNU parallel: ./parallel.sh
set -eu
shards=5

# A folder that all machines see under this path.
out=${OUT:-$PWD/runs/split-mnist-cluster}

parallel --jobs 1 --sshloginfile hosts.txt --workdir "$PWD" \
  si split-mnist --seeds 10 --threads 1 --out "$out" --shard {}/$shards ::: $(seq "$shards")

si report "$out"
