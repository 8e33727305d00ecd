#!/usr/bin/env bash
# Kills one process, or a rank of mpirun, at random moments until it gets through with --resume, and compares what it
# writes with what an uninterrupted run does: resume.sh PARE MODEL SCRATCH [RUNS]. Exit status 77 without mpirun.
set -euo pipefail
pare=$(realpath "$1") model=$(realpath "$2") scratch=$(realpath -m "$3") runs=${4:-10}
command -v mpirun >/dev/null || { echo "skipped: no mpirun"; exit 77; }
rm -rf "$scratch" && mkdir -p "$scratch" && cd "$scratch"
fail() { echo "FAILED: $*"; [[ -f log ]] && sed 's/^/  | /' log; exit 1; }
now() { date +%s%N; }

"$pare" prune "$model" -o pruned --levels 10,50,90 --quiet >/dev/null
"$pare" pack pruned/sparsity-90 -o packed --quiet >/dev/null

# until_done RANKS EXPECTED COMMAND...
until_done() {
  local ranks=$1 expected=$2 start took parent pids kills=0 finished=0 deadline
  shift 2
  local run=("$pare" "$@" -o out --resume --quiet --threads 1)
  ((ranks == 1)) || run=(mpirun --allow-run-as-root --oversubscribe -n "$ranks" "${run[@]}")
  rm -rf out .out.pare-*
  start=$(now)
  "${run[@]}" >/dev/null 2>log || fail "$* without a kill"
  took=$((($(now) - start) / 1000000))
  rm -rf out
  until [[ -e out ]]; do
    "${run[@]}" >/dev/null 2>log &
    parent=$!
    # After a few kills one run is let through.
    if ((kills < 8)); then
      sleep "$(awk -v ms="$((took / 4 + RANDOM % (took + 1)))" 'BEGIN { print ms / 1000 }')"
      if ((ranks == 1)); then kill -9 $parent 2>/dev/null || true; fi
      mapfile -t pids < <(pgrep -P $parent || true)
      ((${#pids[@]})) && kill -9 "${pids[RANDOM % ${#pids[@]}]}" 2>/dev/null || true
      kills=$((kills + 1))
    fi
    for ((deadline = 0; deadline < 150; ++deadline)); do
      kill -0 $parent 2>/dev/null || break
      sleep 0.1
    done
    kill -9 $parent 2>/dev/null || true # Open MPI itself can hang (docs/clusters.md)
    wait $parent 2>/dev/null || true
    finished=$((finished + $(find . -path './.out.pare-*/.finished/*' | wc -l)))
  done
  diff -r "$expected" out || fail "the output of $* after $kills kills differs"
  [[ -z "$(find . -maxdepth 1 -name '.out.pare-*')" ]] || fail "$* left a temporary directory"
  total_kills=$((total_kills + kills)) total_finished=$((total_finished + finished))
}

total_kills=0 total_finished=0
for ((i = 1; i <= runs; ++i)); do
  ranks=$((i % 2 == 0 ? 1 : 3))
  until_done $ranks pruned prune "$model" --levels 10,50,90
  until_done $ranks packed pack pruned/sparsity-90
done
echo "$((2 * runs)) outputs after $total_kills kills: the same; $total_finished files were finished by runs that were killed"
cd / && rm -rf "$scratch"
