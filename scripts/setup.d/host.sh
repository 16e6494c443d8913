# This machine: which distribution and kernel, who we are, how we speak, what is there.

say() { printf 'setup: [%3ds] %s\n' "$SECONDS" "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# debian, ubuntu or nothing. Derivatives count as what they are made from: their own names are not on that mirror.
host_family() {
  (
    . /etc/os-release 2>/dev/null || exit 0
    case " ${ID-} ${ID_LIKE-} " in
      *' ubuntu '*) echo ubuntu ;;
      *' debian '*) echo debian ;;
    esac
  )
}

host_codename() {
  ( . /etc/os-release 2>/dev/null || exit 0; echo "${UBUNTU_CODENAME:-${VERSION_CODENAME-}}" )
}

host_kernel() { uname -r | grep -oE '^[0-9]+\.[0-9]+'; }

host_is_root() { [ "$(id -u)" = 0 ]; }

host_can_install() {
  if ! command -v apt-get >/dev/null || [ -z "$(host_family)" ]; then
    echo 'setup: this is neither Debian nor Ubuntu: install what is missing with your own package manager' >&2
    return 1
  fi
  if ! host_is_root; then
    echo 'setup: installing needs root: run this again as root' >&2
    return 1
  fi
}

# Held until this process ends, however it ends. Programs that might outlive us are started with 9>&-.
host_lock() {
  exec 9>"/run/cryopod-setup.lock"
  flock -n 9 || { say 'waiting for another setup to end'; flock 9; }
}

# version_at_least HAVE WANT
version_at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

everything_here() { [ -z "$(packages_missing required)" ] && criu_here && [ -z "$(packages_installable)" ]; }

# What is found and what is missing, with its purpose. Fails when something required is missing.
check_report() {
  local tool package kind purpose where missing=0
  while read -r tool package kind purpose; do
    if where=$(packages_find "$tool"); then
      printf '  found    %-17s %s\n' "$tool" "$where"
    elif [ "$kind" = required ]; then
      printf '  MISSING  %-17s %s (package %s)\n' "$tool" "$purpose" "$package"
      missing=1
    else
      printf '  absent   %-17s %s (package %s, not required)\n' "$tool" "$purpose" "$package"
    fi
  done < <(packages_table)
  if criu_here; then
    printf '  found    %-17s %s\n' criu "$(criu_summary)"
  else
    printf '  MISSING  %-17s %s: %s\n' criu 'dumps and restores processes' "$(criu_complaint)"
    missing=1
  fi
  return $missing
}
