#!/usr/bin/env bash
# Scores models with several ranks and compares the JSON with that of one process, byte for byte but for the time:
# scores.sh PARE DEMO SCRATCH [RANKS...]. DEMO has models/ and heldout/. Exit status 77 without mpirun.
set -euo pipefail
pare=$(realpath "$1") demo=$(realpath "$2") scratch=$(realpath -m "$3")
ranks=("${@:4}")
[[ ${#ranks[@]} -gt 0 ]] || ranks=(2 3)
command -v mpirun >/dev/null || { echo "skipped: no mpirun"; exit 77; }
rm -rf "$scratch" && mkdir -p "$scratch" && cd "$scratch"
mpirun=(mpirun --allow-run-as-root --oversubscribe)
fail() { echo "FAILED: $*"; [[ -f log ]] && sed 's/^/  | /' log; exit 1; }

# evaluate DIRECTORY RUN...: the tasks, each in a file.
evaluate() {
  local directory=$1 models=$demo/models data=$demo/heldout
  mkdir "$directory"
  run() {
    local task=$1
    shift
    "${command[@]}" eval "$@" --task "$task" --json --quiet --threads 1 | sed -E 's/"seconds": .*,/"seconds": 0,/' >"$directory/$task"
  }
  command=("${@:2}")
  run perplexity "$models/gpt2-world" --data "$data/lm.txt" --context 64 --limit 200 --levels 50,80
  run wikitext "$models/gpt2-world" --data "$data/lm.txt" --limit 3
  run lambada "$models/gpt2-world" --data "$data/lambada.jsonl" --limit 100 --pattern 2:4,unstructured --levels 50
  run masked-lm "$models/bert-world" --data "$data/cloze.txt" --limit 20
  run classify "$models/bert-world-sst2" --data "$data/sentiment.tsv" --limit 200
  run text2text "$models/t5-world" --data "$data/text2text.tsv" --limit 100 --beams 2
  run divergence "$models/gpt2-world" --data "$data/lm.txt" --limit 10 --levels 50,90
  "${command[@]}" sensitivity "$models/gpt2-world" --data "$data/lm.txt" --context 64 --limit 80 --levels 50,90 --target 60 \
    --rounds 1 --write "$directory/levels.json" --json --quiet --threads 1 >"$directory/sensitivity"
}

evaluate one "$pare"
for n in "${ranks[@]}"; do
  evaluate "$n" "${mpirun[@]}" -n "$n" "$pare"
  diff -r one "$n"
  echo "$n ranks: the same"
done

# More ranks than windows.
few=(eval "$demo/models/gpt2-world" --task perplexity --data "$demo/heldout/lm.txt" --limit 1 --threads 1 --format csv)
diff <("$pare" "${few[@]}" | cut -d , -f -7) <("${mpirun[@]}" -n 3 "$pare" "${few[@]}" | cut -d , -f -7) ||
  fail "one window and three ranks"

# One rank does not see the data, or reads other data: all ranks stop, and one line says why.
cp "$demo/heldout/lm.txt" data.txt
head -c 500 data.txt >other.txt
cat >other.sh <<TEXT
[[ \$OMPI_COMM_WORLD_RANK == 1 ]] && exec "$pare" "\${@:2}" --data "\$1"
exec "$pare" "\${@:2}" --data data.txt
TEXT
# told DATA MATCH
told() {
  local status=0 start
  start=$(date +%s)
  "${mpirun[@]}" -n 3 bash other.sh "$1" eval "$demo/models/gpt2-world" --task perplexity --threads 1 >/dev/null 2>log || status=$?
  ((status != 0)) || fail "success with $1 on one rank"
  (($(date +%s) - start < 15)) || fail "took long after $1"
  [[ $(grep -c '^pare: ' log) -eq 1 ]] || fail "expected one line that begins with 'pare: ', for $1"
  grep -Eq "^pare: $2" log || fail "no line matches: $2"
}
told missing.txt 'rank 1 on .*: missing.txt: '
told other.txt 'rank 0 on .*: data.txt: rank 1 reads other data than rank 0'
cd / && rm -rf "$scratch"
