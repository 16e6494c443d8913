# Where packages come from: the mirror this machine already uses, and a newer suite of it seen through an apt state of
# our own, so that neither the machine's sources nor its package lists ever change.

# The newer suites to look through, oldest first. One that is gone from the mirror is passed over.
mirror_suites() {
  case $(host_family) in
    debian) echo trixie forky sid ;;
    ubuntu) echo questing resolute devel ;;
  esac
}

mirror=    # its address, once mirror_find has run
mirror_find() { mirror=$(mirror_address) || die 'found no archive of this distribution in the apt sources'; }

mirror_components() { case $(host_family) in ubuntu) echo main universe ;; *) echo main ;; esac; }

# The address of the distribution's archive. apt is asked, because it knows both formats of its sources and
# what is switched off; other vendors' archives have no component `main` of this release.
mirror_address() {
  local table
  table=$(apt-get indextargets --format '$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)' 'Created-By: Packages' 2>/dev/null)
  awk -F'|' -v codename="$(host_codename)" -v family="$(host_family)" '
    $3 != "main" || $1 ~ /^(cdrom|file|copy):/ { next }
    { points = ($2 == codename ? 2 : 0) + (tolower($4) == family ? 1 : 0)
      if (points > best) { best = points; address = $1 } }
    END { if (!best) exit 1; print address }
  ' <<<"$table"
}

# mirror_apt STATE TOOL ARG...   apt-get or apt-cache on the private state in folder STATE.
# Its status file is empty: every library counts as missing, so a download has the whole of what a program needs.
# The machine's apt configuration stays in force (a proxy may be set there).
mirror_apt() {
  local state=$1 tool=$2
  shift 2
  "$tool" -o Dir::State="$state" -o Dir::State::status="$state/status" -o Dir::Cache="$state/cache" \
    -o Dir::Etc::sourcelist="$state/newer.sources" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
    -o Acquire::Languages=none -o APT::Sandbox::User=root \
    -o APT::Install-Recommends=false -o Dpkg::Use-Pty=0 "$@" 9>&-
}

# mirror_use STATE SUITE KEYRING   point the private state at a suite; KEYRING `none` leaves it unverified
mirror_use() {
  local signed="Signed-By: $3"
  [ "$3" != none ] || signed='Trusted: yes'
  rm -rf "$1/lists" "$1/cache"
  mkdir -p "$1/lists/partial" "$1/cache/archives/partial"
  : >"$1/status"
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: %s\n%s\n' "$mirror" "$2" "$(mirror_components)" "$signed" \
    >"$1/newer.sources"
  mirror_apt "$1" apt-get -q update >"$1/log" 2>&1 || return 1
  # apt only warns about an address that did not answer
  ! grep -qE '^(E|Err|W: (Failed|GPG|An error))' "$1/log"
}

mirror_unverified() { grep -qE 'NO_PUBKEY|is not signed|GPG error|EXPKEYSIG|signature verification' "$1/log"; }

# mirror_open STATE SUITE   the same with the best keyring there is. Sets mirror_keyring to what vouched for it.
#
# The machine's keyring normally knows the suites after its own. If it is too old for this one, a newer keyring package is
# taken from the machine's own sources, which its own keys vouch for. Only when that fails too is the suite used
# unverified, and that is said.
mirror_keyring=
mirror_open() {
  local name ring
  name=$(host_family)-archive-keyring
  [ -n "$mirror_keyring" ] || mirror_keyring=/usr/share/keyrings/$name.gpg
  if [ -s "$mirror_keyring" ]; then
    mirror_use "$1" "$2" "$mirror_keyring" && return
    mirror_unverified "$1" || return 1
    mkdir -p "$1/keys" && rm -f "$1/keys"/*.deb
    ring=$(mirror_newer_keyring "$1" "$name")
    if [ -n "$ring" ] && mirror_use "$1" "$2" "$ring"; then mirror_keyring=$ring; return; fi
  fi
  say "WARNING: no key on this machine can verify suite $2 of its mirror; its packages are used UNVERIFIED"
  mirror_use "$1" "$2" none || return 1
  mirror_keyring=none
}

# The keyring package that the machine's own sources have now, unpacked beside the private state.
mirror_newer_keyring() {
  ( cd "$1/keys" && apt-get -q -y -o APT::Sandbox::User=root download "$2" >>"$1/log" 2>&1 9>&- && dpkg-deb -x "$2"_*.deb . ) || return 0
  [ ! -s "$1/keys/usr/share/keyrings/$2.gpg" ] || echo "$1/keys/usr/share/keyrings/$2.gpg"
}

mirror_version() { mirror_apt "$1" apt-cache policy "$2" 2>/dev/null | awk '$1 == "Candidate:" && $2 != "(none)" { print $2 }'; }

# mirror_download STATE PACKAGE...   the packages and all they depend on, into STATE/cache/archives
mirror_download() {
  local state=$1
  shift
  mirror_apt "$state" apt-get -q -y --download-only install "$@" >"$state/log" 2>&1
}
