# Root filesystems of Debian packages for the tests, from the mirror that this machine's own apt is set up with. Needs
# host.sh and mirror.sh.

rootfs_cache=/var/cache/cryopod

# rootfs_build NAME SUITE FROM_NEWER PACKAGE...   make $rootfs_cache/NAME, unless it is there with these very packages
#
# FROM_NEWER names packages to take from forky instead, or is empty. A root filesystem is built beside its place and
# renamed into it: what a killed run leaves is thrown away, never used. Two at a time exclude each other.
rootfs_build() {
  local name=$1 suite=$2 newer=$3 root=$rootfs_cache/$1 making=$rootfs_cache/$1.making key
  shift 3
  key=$(printf '%s\n' "$suite" "$newer" "$@" | sha256sum)
  [ "$(cat "$root/.complete" 2>/dev/null)" != "$key" ] || return 0
  mkdir -p "$rootfs_cache"
  exec 8>"$rootfs_cache/.lock"
  flock 8
  [ "$(cat "$root/.complete" 2>/dev/null)" != "$key" ] || return 0
  mirror_find
  rootfs_base "$suite"
  say "$name: packages"
  rm -rf --one-file-system "$making"
  cp -a "$rootfs_cache/base-$suite" "$making"
  rootfs_sources "$making" "$suite" "$newer"
  # shellcheck disable=SC2086
  rootfs_apt "$making" "$@" $newer
  echo "$key" >"$making/.complete"
  rm -rf --one-file-system "$root"
  mv "$making" "$root"
  flock -u 8
  say "$name: ready"
}

# The least there is of a suite, kept for the next one.
rootfs_base() {
  local base=$rootfs_cache/base-$1 script=/usr/share/debootstrap/scripts/$1
  [ ! -e "$base" ] || return 0
  command -v debootstrap >/dev/null || { apt-get -q update && apt-get -q -y --no-install-recommends install debootstrap; } >/dev/null
  # every Debian release is bootstrapped by the same script; an old debootstrap may not know this one by name
  [ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
  say "base system of $1"
  rm -rf --one-file-system "$base.making"
  debootstrap --variant=minbase --include=ca-certificates "$1" "$base.making" "$mirror" "$script" >"$base.log" 2>&1 8>&- ||
    { tail -20 "$base.log" >&2; exit 1; }
  mv "$base.making" "$base"
  rm -f "$base.log"
}

rootfs_sources() {
  local root=$1 suite=$2 newer=$3 one
  rm -f "$root/etc/apt/sources.list"
  for one in $suite ${newer:+forky}; do
    printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' "$mirror" "$one" \
      >"$root/etc/apt/sources.list.d/$one.sources"
  done
  [ -z "$newer" ] || printf 'Package: *\nPin: release n=forky\nPin-Priority: -1\n\nPackage: %s\nPin: release n=forky\nPin-Priority: 990\n' "$newer" \
    >"$root/etc/apt/preferences.d/newer"
}

rootfs_apt() {
  local root=$1
  shift
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  # a mirror may be some weeks behind; what it holds is signed all the same
  DEBIAN_FRONTEND=noninteractive unshare --mount --propagation private sh -c '
    root=$1; shift
    mount -t proc proc "$root/proc"
    chroot "$root" apt-get -q -o Acquire::Check-Valid-Until=false update &&
    chroot "$root" apt-get -q -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io install "$@"
  ' packages "$root" "$@" >"$root.log" 2>&1 8>&- || { tail -20 "$root.log" >&2; exit 1; }
  rm -f "$root.log"
  chroot "$root" apt-get clean
}
