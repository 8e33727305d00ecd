#!/usr/bin/env bash
# Runs an example of this folder and compares what it prints with what one process prints:
# check.sh ENGINE PARE MODEL SCRATCH [PYTHON]. Exit status 77 if the engine is not installed.
set -euo pipefail
engine=$1 pare=$(realpath "$2") model=$3 scratch=$4 python=${5:-python3}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
rm -rf "$scratch" && mkdir -p "$scratch/bin" "$scratch/parts"
ln -s "$pare" "$scratch/bin/pare"
export PATH=$scratch/bin:$PATH
skip() { echo "skipped: no $1"; exit 77; }

case $engine in
  slurm) # the variables that Slurm sets for each task of an array
    for task in 1 2 3; do
      SLURM_ARRAY_TASK_ID=$task SLURM_ARRAY_TASK_COUNT=3 "$here/slurm.sh" "$model" "$scratch/parts"
    done
    pare merge "$scratch"/parts/part-* >"$scratch/found" ;;
  parallel)
    parallel --version 2>/dev/null | grep -q 'GNU parallel' || skip "GNU parallel"
    "$here/parallel.sh" "$model" "$scratch/parts" 5 --will-cite -j 2 >"$scratch/found" ;;
  dask)
    "$python" -c 'import dask.distributed' 2>/dev/null || skip Dask
    "$python" "$here/dask_inspect.py" "$model" "$scratch/parts" 4 >"$scratch/found" ;;
  ray)
    "$python" -c 'import ray' 2>/dev/null || skip Ray
    "$python" "$here/ray_inspect.py" "$model" "$scratch/parts" 4 >"$scratch/found" 2>"$scratch/log" ||
      { cat "$scratch/log"; exit 1; } ;;
esac
pare inspect "$model" >"$scratch/expected"
diff "$scratch/expected" "$scratch/found"
rm -rf "$scratch"
