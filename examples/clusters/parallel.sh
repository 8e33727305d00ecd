#!/usr/bin/env bash
# Inspects a model with GNU parallel: parallel.sh MODEL DIRECTORY N [OPTION OF parallel...]
# With `--sshloginfile nodes`, the parts are measured on other machines, which must see MODEL and DIRECTORY.
set -euo pipefail
model=$1 directory=$2 parts=$3
mkdir -p "$directory"
# --halt: the first part that fails ends all.
parallel --halt now,fail=1 "${@:4}" \
  pare inspect {1} --quiet --force --threads 1 --part "{3}/$parts" -o "{2}/part-{3}" \
  ::: "$model" ::: "$directory" ::: $(seq "$parts")
pare merge "$directory"/part-*
