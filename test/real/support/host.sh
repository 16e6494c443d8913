#!/bin/sh
# A host of its own for a test: its network, and where it is wished one place in every cgroup hierarchy of this machine,
# which it takes for the root.
#
#   host.sh hold LAYOUT NETWORK   hold a host until killed. LAYOUT is v1 or v2 (/sys/fs/cgroup laid out so), or host (as this
#                                 machine's); NETWORK is own (loopback alone) or machine
#   host.sh enter PID CMD…        run a command on the host that process PID holds
#   host.sh sweep PID             remove the cgroups of a host whose process is gone
set -eu
points() { awk '$3 == "cgroup" || $3 == "cgroup2" { print $2 }' /proc/mounts; }
place() { echo "$1/cryopod-host-$2"; }

case $1 in
hold)
  layout=$2
  network=
  [ "$3" = machine ] || network=--net
  set --
  if [ "$layout" != host ]; then
    for point in $(points); do
      own=$(place "$point" $$)
      mkdir "$own"
      [ ! -e "$own/cpuset.mems" ] || for file in cpus mems; do cat "$point/cpuset.$file" >"$own/cpuset.$file"; done
      echo $$ >"$own/cgroup.procs"
    done
    set -- --mount --propagation private --cgroup
  fi
  exec unshare $network "$@" "$0" held "$layout"
  ;;
held)
  ip link set lo up
  [ "$2" = host ] || for point in $(points | sort -r); do umount -l "$point"; done
  if [ "$2" = v2 ]; then
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    # a cgroup with processes cannot hand controllers on to those below it
    mkdir /sys/fs/cgroup/leaf
    echo 0 >/sys/fs/cgroup/leaf/cgroup.procs
  elif [ "$2" = v1 ]; then
    mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
    for controller in cpu cpuacct cpuset memory devices freezer blkio pids none,name=systemd; do
      point=/sys/fs/cgroup/${controller#none,name=}
      mkdir "$point"
      mount -t cgroup -o "$controller" cgroup "$point"
    done
  fi
  echo ready
  exec sleep infinity
  ;;
enter)
  holder=$2
  shift 2
  for point in $(points); do
    own=$(place "$point" "$holder")
    [ ! -d "$own/leaf" ] || own=$own/leaf
    [ ! -d "$own" ] || echo $$ >"$own/cgroup.procs"
  done
  exec nsenter --target "$holder" --mount --cgroup --net "$@"
  ;;
sweep)
  for point in $(points); do
    own=$(place "$point" "$2")
    # the last processes may still be on their way out
    for _ in 1 2 3 4 5 6 7 8 9 10; do
      [ -d "$own" ] || break
      find "$own" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.1
    done
  done
  ;;
esac
