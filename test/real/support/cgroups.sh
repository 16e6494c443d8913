#!/bin/sh
# cgroups.sh v1|v2   lay /sys/fs/cgroup out anew in a mount namespace of our own, say so, and hold it until killed
set -eu
for point in $(awk '$2 ~ /^\/sys\/fs\/cgroup/ { print $2 }' /proc/mounts | sort -r); do umount -l "$point"; done
if [ "$1" = v2 ]; then
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
else
  mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
  for controller in cpu cpuacct cpuset memory devices freezer blkio pids; do
    mkdir "/sys/fs/cgroup/$controller"
    mount -t cgroup -o "$controller" cgroup "/sys/fs/cgroup/$controller"
  done
  mkdir /sys/fs/cgroup/systemd
  mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
fi
echo ready
exec sleep infinity
