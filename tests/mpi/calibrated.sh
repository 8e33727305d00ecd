#!/usr/bin/env bash
# Prunes on a text with several ranks, compares with one process, kills ranks and resumes:
# calibrated.sh PARE DEMO MODEL SCRATCH [KILLS]. DEMO has models/ and heldout/, MODEL is a GPT-2 in several shards. Exit
# status 77 without mpirun.
set -euo pipefail
here=$(realpath "$(dirname "$0")")
pare=$(realpath "$1") demo=$(realpath "$2") model=$(realpath "$3") scratch=$(realpath -m "$4") kills=${5:-10}
command -v mpirun >/dev/null || { echo "skipped: no mpirun"; exit 77; }
rm -rf "$scratch" && mkdir -p "$scratch" && cd "$scratch"
mpirun=(mpirun --allow-run-as-root --oversubscribe)
fail() { echo "FAILED: $*"; [[ -f log ]] && sed 's/^/  | /' log; exit 1; }
text=$demo/heldout/lm.txt

# compare NAME OPTIONS...: one process and 2 and 3 ranks; 3 ranks twice.
compare() {
  local name=$1 n
  shift
  rm -rf one out
  "$pare" prune "$@" -o out --threads 1 --json --quiet >one.json && mv out one
  for n in 2 3 3; do
    rm -rf out
    "${mpirun[@]}" -n $n "$pare" prune "$@" -o out --threads 1 --json --quiet >some.json 2>log || fail "$name with $n ranks"
    diff one.json some.json || fail "$name with $n ranks prints something else"
    diff -r one out -x '*.safetensors' || fail "$name with $n ranks writes something else beside the weights"
    echo "$name, $n ranks: $(python3 "$here/close_weights.py" one out)"
    if [[ -d before.$n ]]; then diff -r before.$n out || fail "$name with $n ranks again differs"; else mv out before.$n; fi
  done
  rm -rf before.*
}
gpt2=("$model" --data "$text" --sequences 96 --length 64)
compare wanda "${gpt2[@]}" --criterion wanda --levels 50,80 --allocation owl
compare sparsegpt "${gpt2[@]}" --criterion sparsegpt --levels 60 --allocation second-order
compare alps "${gpt2[@]}" --criterion alps --pattern 2:4
compare refit "${gpt2[@]}" --refit --levels 60
compare t5 "$demo/models/t5-world" --data "$demo/heldout/text2text.tsv" --sequences 200 --criterion sparsegpt --levels 60
# One sequence for all ranks.
compare few "$model" --data "$text" --sequences 1 --length 32 --criterion wanda --levels 50

# One rank does not see the text, or reads another.
cp "$text" data.txt
head -c 5000 data.txt >other.txt
cat >other.sh <<TEXT
[[ \$OMPI_COMM_WORLD_RANK == 1 ]] && exec "$pare" "\${@:2}" --data "\$1"
exec "$pare" "\${@:2}" --data data.txt
TEXT
# told DATA MATCH
told() {
  local status=0 start
  start=$(date +%s)
  "${mpirun[@]}" -n 3 bash other.sh "$1" prune "$model" --criterion wanda --levels 50 -o other --threads 1 --quiet >/dev/null 2>log ||
    status=$?
  ((status != 0)) || fail "success with $1 on one rank"
  (($(date +%s) - start < 15)) || fail "took long after $1"
  [[ $(grep -c '^pare: ' log) -eq 1 ]] || fail "expected one line that begins with 'pare: ', for $1"
  grep -Eq "^pare: $2" log || fail "no line matches: $2"
  [[ ! -e other ]] || fail "output in spite of $1"
}
told missing.txt 'rank 1 on .*: missing.txt: '
told other.txt 'rank 0 on .*: data.txt: rank 1 reads other data than rank 0'

# Kills of a rank, without --resume and with it: nothing partial, all stop, and in the end the output is the same.
prune=("$pare" prune "${gpt2[@]}" --criterion alps --levels 60,80 --threads 1 --quiet)
start=$(date +%s%N)
rm -rf out
"${mpirun[@]}" -n 3 "${prune[@]}" -o out >/dev/null
took=$((($(date +%s%N) - start) / 1000000))
mv out expected
# stopped SIGNAL OPTION...: starts a run and sends mpirun, or for KILL a rank, the signal.
stopped() {
  "${mpirun[@]}" -n 3 "${prune[@]}" -o out "${@:2}" >/dev/null 2>log &
  local parent=$! pids tenths
  sleep "$(awk -v ms="$((took / 3 + RANDOM % (took * 2 / 3 + 1)))" 'BEGIN { print ms / 1000 }')"
  if [[ $1 == KILL ]]; then
    mapfile -t pids < <(pgrep -P $parent || true)
    ((${#pids[@]})) && kill -9 "${pids[RANDOM % ${#pids[@]}]}" 2>/dev/null || true
  else
    kill -s "$1" $parent 2>/dev/null || true
  fi
  for ((tenths = 0; tenths < 100; ++tenths)); do
    kill -0 $parent 2>/dev/null || break
    sleep 0.1
  done
  if ((tenths == 100)); then
    [[ -z "$(ps -o stat= --ppid $parent | grep -v '^Z' || true)" ]] || fail "ranks went on for 10 s after a $1"
    kill -9 $parent # Open MPI itself can hang (docs/clusters.md)
  fi
  wait $parent 2>/dev/null || true
  if [[ -e out ]]; then diff -r expected out || fail "partial output after a $1"; fi
}
for ((i = 0; i < kills; ++i)); do
  rm -rf out
  stopped "$( ((i % 3 == 2)) && echo INT || echo KILL)"
done
rm -rf out
for ((i = 0; i < kills; ++i)); do
  stopped KILL --resume
  [[ ! -e out ]] || break
done
[[ -e out ]] || "${mpirun[@]}" -n 3 "${prune[@]}" -o out --resume >/dev/null 2>log || fail "resuming after $kills kills"
diff -r expected out || fail "the output after $kills kills differs"
[[ ! -e out.pare-resume ]] || fail "finished layers are kept after a success"
echo "$((2 * kills)) kills: everyone stopped, nothing partial, and the output of resumed runs is the same"
cd / && rm -rf "$scratch"
