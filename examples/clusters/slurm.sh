#!/usr/bin/env bash
# Inspects a model with 8 tasks of a Slurm array, on a file system that all nodes see:
#     parts=$(sbatch --parsable slurm.sh MODEL DIRECTORY)
#     sbatch --dependency=afterok:$parts --wrap "pare merge DIRECTORY/part-* >inspection.txt"
#SBATCH --array=1-8
#SBATCH --cpus-per-task=4
set -euo pipefail
model=$1 directory=$2
mkdir -p "$directory"
# --force: a task that Slurm starts again replaces its part.
pare inspect "$model" --quiet --force --threads "${SLURM_CPUS_PER_TASK:-1}" \
  --part "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" -o "$directory/part-$SLURM_ARRAY_TASK_ID"
