#!/usr/bin/env bash
# Runs commands with several ranks and compares what they print and write with what one process does, byte for byte:
# compare.sh PARE MODEL SCRATCH [RANKS...]. MODEL should have several shards. Exit status 77 without mpirun.
set -euo pipefail
pare=$(realpath "$1") model=$(realpath "$2") scratch=$(realpath -m "$3")
ranks=("${@:4}")
[[ ${#ranks[@]} -gt 0 ]] || ranks=(2 3 8)
command -v mpirun >/dev/null || { echo "skipped: no mpirun"; exit 77; }
rm -rf "$scratch" && mkdir -p "$scratch" && cd "$scratch"

# The output directory is called the same in all runs, because it is printed.
mkdir one && cd one
"$pare" inspect "$model" >table
"$pare" inspect "$model" --json --quantiles 0.5,0.999 >json
"$pare" inspect "$model" --format csv >csv
for kind in histogram layers cumulative; do "$pare" plot "$model" --kind $kind -o $kind.svg >/dev/null; done
"$pare" prune "$model" -o pruned --levels 10,50,90,95,99 >prune
"$pare" prune "$model" -o local --levels 50 --scope per-tensor --json >prune-local
"$pare" prune "$model" -o random --levels 50 --criterion random >prune-random
"$pare" pack pruned/sparsity-90 -o packed >pack
cd ..

for n in "${ranks[@]}"; do
  run() { mpirun --allow-run-as-root --oversubscribe -n "$n" "$pare" "$@" --threads 1; }
  mkdir "$n" && cd "$n"
  run inspect "$model" >table
  run inspect "$model" --json --quantiles 0.5,0.999 >json
  run inspect "$model" --format csv >csv
  for kind in histogram layers cumulative; do run plot "$model" --kind $kind -o $kind.svg >/dev/null; done
  run prune "$model" -o pruned --levels 10,50,90,95,99 >prune
  run prune "$model" -o local --levels 50 --scope per-tensor --json >prune-local
  run prune "$model" -o random --levels 50 --criterion random >prune-random
  run pack pruned/sparsity-90 -o packed >pack
  cd ..
  diff -r one "$n"
  echo "$n ranks: the same"
done
rm -rf "$scratch"
