#!/usr/bin/env bash
# Compares the bytes and messages that each rank sends with what NumPy works out from the weights, exactly:
# traffic.sh PARE MODEL [RANKS...]. Exit status 77 without mpirun or NumPy.
set -euo pipefail
pare=$(realpath "$1") model=$(realpath "$2")
ranks=("${@:3}")
[[ ${#ranks[@]} -gt 0 ]] || ranks=(2 3 8)
messages=$(dirname "$(realpath "$0")")/../../examples/clusters/messages.py
command -v mpirun >/dev/null || { echo "skipped: no mpirun"; exit 77; }
python3 -c 'import numpy' 2>/dev/null || { echo "skipped: no NumPy"; exit 77; }
for n in "${ranks[@]}"; do
  for command in inspect prune; do
    options=()
    [[ $command == inspect ]] || options=(--dry-run --levels 10,50,90,95,99)
    expected=$(python3 "$messages" "$pare" "$model" "$n" --command $command)
    sent=$(PARE_TRAFFIC=1 mpirun --allow-run-as-root --oversubscribe -x PARE_TRAFFIC -n "$n" "$pare" $command "$model" \
      "${options[@]}" --threads 1 --quiet 2>&1 >/dev/null | sed -n 's/^pare: \(rank .* messages\).*/\1/p' | sort -V)
    diff <(echo "$expected") <(echo "$sent") || { echo "FAILED: $command with $n ranks (expected <, found >)"; exit 1; }
  done
  echo "$n ranks: as worked out; prune sends at most $(echo "$sent" | awk '{ if ($4 > most) most = $4 } END { print most }') bytes"
done
