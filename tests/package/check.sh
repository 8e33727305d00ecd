#!/usr/bin/env bash
# Tries what a package holds, in a root that it was extracted to: check.sh ROOT/usr
set -euo pipefail
usr=$(realpath "$1")
fail() { echo "package: $*" >&2; exit 1; }
export PATH="$usr/bin:$PATH"

pare --version | grep -q '^pare [0-9]' || fail "the program does not run"
for command in '' $(pare man --list); do
  page=$usr/share/man/man1/pare${command:+-$command}.1
  [[ -s $page || -s $page.gz ]] || fail "$page is missing"
  cmp -s <(pare man $command) "$page" || fail "$page is not current"
done
# Pages have no date, because it would tell when they were built, not when they were written.
if command -v mandoc >/dev/null; then
  ! mandoc -T lint -W warning "$usr"/share/man/man1/* | grep -v 'missing date' || fail "mandoc complains"
fi

# What bash completes after these words.
completed() {
  bash -c 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pare 2>/dev/null; echo "${COMPREPLY[*]}"' \
    bash "$usr/share/bash-completion/completions/pare" "$@"
}
expect() {
  local wanted=$1 found
  shift
  found=$(completed "$@")
  [[ $found == "$wanted" ]] || fail "completion of '$*': found '$found', expected '$wanted'"
}
expect "inspect" pare ins
expect "magnitude" pare inspect gpt2 --measure mag
expect "magnitude signed" pare inspect --measure = ""
expect "--levels" pare prune --lev
expect "bash" pare completion ba
cd "$(mktemp -d)"
touch model.safetensors
expect "model.safetensors" pare inspect model

if command -v zsh >/dev/null; then zsh -n "$usr/share/zsh/vendor-completions/_pare" || fail "zsh refuses _pare"; fi
if command -v fish >/dev/null; then fish --no-execute "$usr/share/fish/vendor_completions.d/pare.fish" || fail "fish refuses pare.fish"; fi
rm model.safetensors
rmdir "$PWD"
echo "package: all checks passed"
