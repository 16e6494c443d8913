#!/usr/bin/env bash
# run.sh STEPS OUT   run the steps of a file, each a line of shell in which `podman` is the program that PATH has under this
# name. Variables live from step to step. OUT/N.out, N.err and N.status tell what became of the step in line N.
set -u
steps=$1 out=$2
mkdir -p "$out"
line=0
while IFS= read -r step <&3 || [ -n "$step" ]; do
  line=$((line + 1))
  case $step in '' | '#'*) continue ;; esac
  eval "$step" >"$out/$line.out" 2>"$out/$line.err" </dev/null 3<&-
  echo $? >"$out/$line.status"
done 3<"$steps"
