#!/usr/bin/env bash
# Runs one .test file (see README.md): run.bash PROGRAM FILE.test SCRATCH
set -u
program=$1 file=$2 scratch=$3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export ROOT=$here/../..
rm -rf "$scratch" && mkdir -p "$scratch/work" "$scratch/bin" || exit 1
ln -s "$(realpath "$program")" "$scratch/bin/pare"
export PATH=$scratch/bin:$PATH LC_ALL=C.UTF-8
unset HF_HOME HF_HUB_CACHE
export HF_HUB_OFFLINE=1 # names that are not in the cache are not looked for
export PARE_HOLES=read # large models of zeros must take their time
out=$scratch/stdout err=$scratch/stderr
failures=0 cases=0

complain() {
  echo "$file:$first_line: $1"
  printf '  $ %s\n' "${script%$'\n'}"
  failures=$((failures + 1))
}

# check_stream NAME ACTUAL_FILE EXACT_COUNT EXACT_TEXT PATTERNS...
check_stream() {
  local name=$1 actual=$2 exact_count=$3 exact=$4 pattern
  shift 4
  if ((exact_count > 0)) || (($# == 0 && exact_count == 0)); then
    if ! diff -u --label "expected $name" --label "actual $name" <(printf '%s' "$exact") "$actual"; then
      complain "$name differs"
    fi
  fi
  for pattern in "$@"; do
    grep -Eq -- "$pattern" "$actual" && continue
    complain "no line of $name matches: $pattern"
    sed 's/^/  | /' "$actual"
  done
}

run_case() {
  [[ -n $script ]] || return
  cases=$((cases + 1))
  (cd "$scratch/work" && bash -c "source '$here/helpers.bash'"$'\n'"$script") >"$out" 2>"$err" </dev/null
  local actual=$?
  if ((actual != status)); then
    complain "exit status $actual, not $status"
    sed 's/^/  | /' "$err"
  fi
  check_stream "standard output" "$out" "$out_count" "$out_text" ${out_patterns[@]+"${out_patterns[@]}"}
  check_stream "standard error" "$err" "$err_count" "$err_text" ${err_patterns[@]+"${err_patterns[@]}"}
  if ((status != 0 && err_count == 0)) && (($(wc -l <"$err") != 1)); then
    complain "a failure must be told in one line"
    sed 's/^/  | /' "$err"
  fi
}

begin_case() {
  script='' status=0 out_text='' err_text='' out_count=0 err_count=0 expecting=0
  out_patterns=() err_patterns=() first_line=0
}

begin_case
number=0
while IFS= read -r line || [[ -n $line ]]; do
  number=$((number + 1))
  case $line in
    '@needs '*)
      if [[ ! -e $ROOT/${line#@needs } ]]; then
        echo "skipped: no ${line#@needs }"
        exit 77
      fi ;;
    '$ '*)
      if ((expecting)); then
        run_case
        begin_case
      fi
      ((first_line)) || first_line=$number
      script+=${line#'$ '}$'\n' ;;
    '' | '#'*) [[ -n $script ]] && expecting=1 ;;
    *)
      expecting=1
      case $line in
        '>~ '*) out_patterns+=("${line#'>~ '}") ;;
        '!~ '*) err_patterns+=("${line#'!~ '}") ;;
        '>'*) line=${line#>} out_text+=${line# }$'\n' out_count=$((out_count + 1)) ;;
        '!'*) line=${line#!} err_text+=${line# }$'\n' err_count=$((err_count + 1)) ;;
        '= '*) status=${line#= } ;;
        *)
          echo "$file:$number: cannot read this line: $line"
          exit 1 ;;
      esac ;;
  esac
done <"$file"
run_case
echo "$cases cases, $failures failures"
((cases > 0 && failures == 0))
