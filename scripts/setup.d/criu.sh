# A CRIU that works with the running kernel: the distribution's, or a newer one in the private prefix.

# Below this a CRIU is known not to work on a kernel. The table spares installing one that is bound to fail; and
# `criu check`, which has the last word, does not try sockets.
#   6.13  the vDSO's data got a mapping of its own (vvar_vclock): 4.1 knows, criu pull request 2539
#   6.16  asking an inet socket for SO_PASSCRED became an error, so no TCP or UDP socket could be dumped: 4.2 knows
criu_least() {
  local kernel
  kernel=$(host_kernel)
  if version_at_least "$kernel" 6.16; then echo 4.2
  elif version_at_least "$kernel" 6.13; then echo 4.1
  else echo 3.17
  fi
}

# The least that is worth fetching when the distribution's will not do.
criu_fetched_least=4.2.1

# The CRIU that cryopod will find: the prefix comes first.
criu_program() {
  if prefix_here && [ -x "$prefix/bin/criu" ]; then echo "$prefix/bin/criu"; else command -v criu; fi
}

criu_version() { "$1" --version 2>/dev/null | awk '$1 == "Version:" { print $2 }'; }

# Only root can ask the kernel; for others the version has to do.
criu_fits() {
  local version
  version=$(criu_version "$1")
  [ -n "$version" ] && version_at_least "$version" "$(criu_least)" || return 1
  ! host_is_root || "$1" check >/dev/null 2>&1
}

criu_here() { local program; program=$(criu_program) && criu_fits "$program"; }

criu_summary() {
  local program
  program=$(criu_program)
  printf 'criu %s at %s' "$(criu_version "$program")" "$program"
}

# Why there is no CRIU to work with.
criu_complaint() {
  local program version
  program=$(criu_program) || { echo "none found, $(criu_least) or newer needed for Linux $(host_kernel)"; return; }
  version=$(criu_version "$program")
  if [ -z "$version" ]; then echo "$program does not run"
  elif ! version_at_least "$version" "$(criu_least)"; then echo "$program is $version, $(criu_least) or newer needed for Linux $(host_kernel)"
  else echo "$program check says: $("$program" check 2>&1 | grep -E 'Error|fail' | tail -n 1)"
  fi
}

criu_install() {
  criu_here && return
  criu_install_distribution || criu_install_newer
}

# Looked at before it is installed: one that is too old for this kernel would only be in the way.
criu_install_distribution() {
  local version
  if ! command -v criu >/dev/null; then
    packages_update
    version=$(packages_version criu | sed 's/^[0-9]*://; s/-[^-]*$//')
    { [ -n "$version" ] && version_at_least "$version" "$(criu_least)"; } || return 1
    # crun asks for libcriu by name at run time, no dependency says so
    # shellcheck disable=SC2046
    packages_add criu $(packages_known crun libcriu2)
    hash -r
  fi
  criu_here
}

criu_install_newer() {
  local state suite version
  command -v patchelf >/dev/null || { packages_update; packages_add patchelf; }
  mirror_find
  state=$(prefix_beside apt)
  for suite in $(mirror_suites); do
    mkdir -p "$state"
    if mirror_open "$state" "$suite"; then
      version=$(mirror_version "$state" criu)
      if [ -n "$version" ] && version_at_least "$version" "$criu_fetched_least"; then
        say "fetching criu $version and crun from $suite"
        mirror_download "$state" criu libcriu2 crun || {
          cp "$state/log" "$packages_log"
          packages_failed "$packages_log" "fetching from $suite failed"
        }
        say "unpacking into $prefix"
        prefix_build "$state/cache/archives" "$suite, verified by ${mirror_keyring##*/}" criu crun
        hash -r
        criu_here || die "$(criu_complaint)"
        return
      fi
      say "suite $suite has criu ${version:-none}, passing over"
    else
      say "suite $suite cannot be read ($(grep -m 1 -E '^(E:|Err|W:)' "$state/log" || echo 'no reason given')), passing over"
    fi
  done
  die "no suite of this machine's mirror has criu $criu_fetched_least or newer"
}
