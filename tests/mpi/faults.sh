#!/usr/bin/env bash
# Kills ranks, cuts off files and fills disks, and checks that all ranks stop within ten seconds, that no partial output
# appears, and that a rerun succeeds: faults.sh PARE MODEL SCRATCH [KILLS]. KILLS (default 50) is how often a random rank
# is killed at a random moment. Exit status 77 without mpirun.
set -euo pipefail
pare=$(realpath "$1") model=$(realpath "$2") scratch=$(realpath -m "$3") kills=${4:-50}
command -v mpirun >/dev/null || { echo "skipped: no mpirun"; exit 77; }
rm -rf "$scratch" && mkdir -p "$scratch" && cd "$scratch"
ranks=4
mpirun=(mpirun --allow-run-as-root --oversubscribe -n $ranks)
run() { "${mpirun[@]}" "$@"; }
prune=(prune "$model" -o out --levels 10,50,90 --quiet --threads 1)
fail() { echo "FAILED: $*"; [[ -f log ]] && sed 's/^/  | /' log; exit 1; }
now() { date +%s%N; }

"$pare" prune "$model" -o expected --levels 10,50,90 --quiet >/dev/null
same() { diff -r expected out >/dev/null; }
rerun() {
  rm -rf out
  run "$pare" "${prune[@]}" >/dev/null 2>log || fail "the rerun after $1"
  same || fail "the output after $1 differs"
  [[ -z "$(find . -maxdepth 1 -name '.out.pare-*')" ]] || fail "the rerun after $1 left a temporary directory"
  rm -rf out
}
# told MATCH: the failure is one line of pare's that matches; what a killed run left can be noted before it.
told() {
  [[ $(grep '^pare: ' log | grep -vc '^pare: note: ') -eq 1 ]] || fail "expected one line that begins with 'pare: ', for $1"
  grep -Eq "^pare: $1" log || fail "no line matches: $1"
}

start=$(now)
rerun "nothing"
took=$((($(now) - start) / 1000000))

stuck=0
for ((i = 1; i <= kills; ++i)); do
  "${mpirun[@]}" "$pare" "${prune[@]}" >/dev/null 2>log & # not in a function: $! must be mpirun itself
  parent=$!
  sleep "$(awk -v ms="$((RANDOM % (took + 1)))" 'BEGIN { print ms / 1000 }')"
  mapfile -t pids < <(pgrep -P $parent || true)
  ((${#pids[@]})) && kill -9 "${pids[RANDOM % ${#pids[@]}]}" 2>/dev/null || true
  for ((tenths = 0; tenths < 100; ++tenths)); do
    kill -0 $parent 2>/dev/null || break
    sleep 0.1
  done
  if ((tenths == 100)); then
    [[ -z "$(ps -o stat= --ppid $parent | grep -v '^Z' || true)" ]] || fail "kill $i: ranks went on for 10 s"
    # Open MPI 4.1.4 can wait forever for a rank that was killed while it connected to mpirun.
    kill -9 $parent
    stuck=$((stuck + 1))
  fi
  wait $parent && status=0 || status=$?
  if [[ -e out ]]; then same || fail "kill $i: partial output"; fi
  [[ -e out || $status -ne 0 ]] || fail "kill $i: success without output"
  rerun "kill $i"
done
echo "$kills kills: everyone stopped, nothing partial, every rerun succeeded (mpirun itself hung $stuck times)"

# A shard that one rank cannot read: it sees another copy of the model, in which a shard is cut off.
cp -r "$model" cut
shard=$(find cut -name '*.safetensors' | sort | tail -1)
truncate -s -100 "$shard"
cat >cut.sh <<TEXT
[[ \$OMPI_COMM_WORLD_RANK == 2 ]] && exec "$pare" prune cut "\${@:3}"
exec "$pare" "\$@"
TEXT
start=$(now)
run bash cut.sh "${prune[@]}" >/dev/null 2>log && fail "a shard that is cut off was read"
(((($(now) - start) / 1000000000) < 15)) || fail "took long after a shard that was cut off"
told "rank 2 on .*: cut/$(basename "$shard"): "
[[ ! -e out ]] || fail "output in spite of a shard that is cut off"

# A full disk on one rank, as far as a limit on the size of files is one. (Messages must go over TCP, because MPI's shared
# memory is a file, too.)
cat >full.sh <<TEXT
[[ \$OMPI_COMM_WORLD_RANK == 1 ]] && { trap '' XFSZ; ulimit -f 64; }
exec "$pare" "\$@"
TEXT
OMPI_MCA_btl=self,tcp PMIX_MCA_gds=hash run bash full.sh "${prune[@]}" >/dev/null 2>log && fail "a full disk was not noticed"
told "rank 1 on .*: out/sparsity-[0-9]*/model-.*: cannot "
[[ ! -e out ]] || fail "output in spite of a full disk"

# All ranks fail alike: one of them says so.
run "$pare" prune missing -o out --levels 50 >/dev/null 2>log && fail "a missing model was read"
told "rank 0 on .*: missing: "
run "$pare" bench "$model" >/dev/null 2>log && fail "bench ran under mpirun"
told ".*pare bench runs as one process, not under mpirun"

# A pare without the module for MPI.
mkdir alone && cp "$pare" alone/
run alone/pare inspect "$model" >/dev/null 2>log && fail "pare ran without its module for MPI"
told "started as one of $ranks processes, but this pare was built without MPI"

# Ctrl-C.
"${mpirun[@]}" "$pare" "${prune[@]}" >/dev/null 2>log &
parent=$!
sleep "$(awk -v ms="$((took / 2))" 'BEGIN { print ms / 1000 }')"
kill -INT $parent
start=$(now)
wait $parent && true
(((($(now) - start) / 1000000000) < 10)) || fail "an interrupt took long"
if [[ -e out ]]; then same || fail "an interrupt left partial output"; fi
rerun "an interrupt"
cd / && rm -rf "$scratch"
