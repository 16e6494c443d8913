# The distribution's own packages: which are needed, which are missing, and their installation.

# tool, package, kind, purpose. A tool counts as present wherever it came from, so a hand-installed runc is left
# alone. `wanted` ones are installed where the distribution has them and not missed where it has not.
packages_table() {
  cat <<'T'
runc            runc            required  runs containers
conmon          conmon          required  keeps a container's output and exit code
skopeo          skopeo          required  copies images between registries, archives and the local store
umoci           umoci           required  unpacks an image into a root filesystem
netavark        netavark        required  sets up container networks
iptables        iptables        required  firewall rules of container networks, and of CRIU's network lock
nft             nftables        required  the same on systems without iptables rules
nsenter         util-linux      required  enters the namespaces of a container
ip              iproute2        required  network namespaces and addresses
tar             tar             required  archives
zstd            zstd            required  compressed archives
getfattr        attr            required  extended attributes of a root filesystem
socat           socat           required  feeds the input of attached containers
catatonit       catatonit       required  holds what the containers of a pod share
ps              procps          required  lists the processes of a container
ca-certificates ca-certificates required  lets skopeo trust a registry
busybox-static  busybox-static  required  the container of the tests
buildah         buildah         wanted    builds images from Containerfiles
openssl         openssl         wanted    certificates for the tests
g++             g++             wanted    a program with threads for the tests
debootstrap     debootstrap     wanted    root filesystems for the tests
docker-registry docker-registry wanted    a registry on loopback for the tests
aardvark-dns    aardvark-dns    wanted    names of containers on a network
T
}

# Where a tool is. Network helpers live outside PATH by custom.
packages_find() {
  case $1 in
    ca-certificates)
      local file
      for file in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem; do
        [ -s "$file" ] && echo "$file" && return
      done
      return 1 ;;
    busybox-static)
      # a busybox with libraries cannot be a container's only file
      local busybox
      busybox=$(command -v busybox) && ! ldd "$busybox" >/dev/null 2>&1 && echo "$busybox" ;;
    *)
      PATH=$PATH:/usr/lib/podman:/usr/libexec/podman command -v "$1" ;;
  esac
}

# packages_missing KIND
packages_missing() {
  local tool package kind _
  while read -r tool package kind _; do
    [ "$kind" != "$1" ] || packages_find "$tool" >/dev/null || echo "$package"
  done < <(packages_table)
}

# Wanted packages that could be installed here: asked for only where something can be done about it.
packages_installable() {
  local missing
  missing=$(packages_missing wanted)
  [ -n "$missing" ] && host_is_root && command -v apt-cache >/dev/null || return 0
  # shellcheck disable=SC2086
  packages_known $missing
}

# Those of the named packages that the machine's apt sources have.
packages_known() {
  apt-cache policy "$@" 2>/dev/null | awk '/^[^ ]/ { name = $1; sub(/:$/, "", name) } $1 == "Candidate:" && $2 != "(none)" { print name }'
}

packages_version() { apt-cache policy "$1" 2>/dev/null | awk '$1 == "Candidate:" && $2 != "(none)" { print $2 }'; }

packages_install() {
  local want known unknown
  want=$(packages_missing required; packages_missing wanted)
  [ -n "$want" ] || return 0
  packages_update
  # shellcheck disable=SC2086
  known=$(packages_known $want)
  unknown=$(comm -12 <(packages_missing required | sort) <(comm -23 <(sort <<<"$want") <(sort <<<"$known")))
  [ -z "$unknown" ] || die "the apt sources of this machine do not have: ${unknown//$'\n'/ }"
  [ -z "$known" ] || packages_add $known
}

# packages_add NAME...   install, and start nothing
packages_add() {
  say "installing $*"
  local registry=0
  case " $* " in *' docker-registry '*) [ -e /lib/systemd/system/docker-registry.service ] || registry=1 ;; esac
  packages_hold_services
  packages_apt install --no-install-recommends "$@" || packages_failed "$packages_log" 'apt-get install failed'
  # Not at the next boot either: it would take port 5000 of every address
  if [ $registry = 1 ] && command -v systemctl >/dev/null; then
    systemctl disable docker-registry >/dev/null 2>&1 || :
  fi
  packages_recover
}

packages_updated=0
packages_update() {
  [ $packages_updated = 0 ] || return 0
  say 'refreshing package lists'
  # a third party's broken source is no reason to stop: what we need may still be there
  packages_apt update || say "apt-get update had trouble, going on: $(grep -m 1 '^E:' "$packages_log")"
  packages_updated=1
}

# packages_apt install|update ARG...   apt-get, quiet, patient with other users of apt
packages_log=/var/log/cryopod-setup-apt.log
packages_apt() {
  local started=$SECONDS wait=${CRYOPOD_APT_WAIT:-600}
  until apt-get -q -y -o DPkg::Lock::Timeout="$wait" -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef \
    -o Dpkg::Options::=--force-confold "$@" >"$packages_log" 2>&1 </dev/null 9>&-; do
    # DPkg::Lock::Timeout does not cover the locks of the lists and the archives
    grep -q 'Could not get lock' "$packages_log" && [ $((SECONDS - started)) -lt "$wait" ] || return 1
    sleep 2
  done
}

packages_failed() {
  tail -n 20 "$1" >&2
  die "$2, its log is $1"
}

# Package scripts ask policy-rc.d before they start a service. Where one already says no it is left alone; otherwise
# ours stands in its place while apt runs. The name it is put aside under tells a later run what a killed one left.
policy=/usr/sbin/policy-rc.d
packages_hold_services() {
  local rc=0
  if [ -x $policy ]; then $policy docker-registry start >/dev/null 2>&1 || rc=$?; fi
  [ $rc != 101 ] || return 0
  [ ! -e $policy ] || mv -T $policy $policy.before-cryopod
  printf '#!/bin/sh\n# put here by the set-up of cryopod while it installs packages\nexit 101\n' >$policy
  chmod 755 $policy
}

packages_recover() {
  if [ -e $policy.before-cryopod ]; then
    mv -fT $policy.before-cryopod $policy
  elif grep -qs 'set-up of cryopod' $policy; then
    rm -f $policy
  fi
}
