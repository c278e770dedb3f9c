#!/bin/sh
# The first process of a guest. Its root is an overlay of the host's `/`, read-only, and its disk.
# In: node, ip, files (what the disk holds at first), as isobar_node=… on the kernel's command line.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root

# Ends the guest: there is nobody to repair it.
die() {
  echo "isobar: $1" >/dev/console
  echo o >/proc/sysrq-trigger
  sleep 60
}

mount -t proc proc /proc || die "/proc cannot be mounted"
for word in $(cat /proc/cmdline); do
  case $word in isobar_*=*) eval "${word%%=*}=\${word#*=}" ;; esac
done
[ -b /dev/ubda ] || mount -t devtmpfs dev /dev || die "/dev cannot be mounted"
modules=/usr/lib/uml/modules/$(uname -r)
insmod "$modules/kernel/fs/overlayfs/overlay.ko" || die "the overlay module cannot be loaded"

mount -t ext4 /dev/ubda /mnt || die "the disk cannot be mounted"
if ! [ -d /mnt/upper ]; then
  mkdir -p /mnt/new /mnt/work /mnt/root || die "the disk cannot be written"
  # With a sync, so that even the first power cut leaves a node that can be reached.
  cp -a "$isobar_files/." /mnt/new/ && mv /mnt/new /mnt/upper && sync || die "no files"
fi
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root ||
  die "the root cannot be mounted"

cd /mnt/root || die "no root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t devtmpfs dev dev
mkdir -p dev/pts dev/shm
mount -t devpts devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t tmpfs -o mode=0755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mkdir -p run/sshd run/lock .old
pivot_root . .old && cd / && umount -l /.old || die "the root cannot be changed"
rmdir /.old

[ -d "/lib/modules/$(uname -r)" ] || { mkdir -p /lib/modules; ln -sfn "$modules" /lib/modules/; }
# The disk for data, behind a table that faults can change.
insmod "$modules/kernel/drivers/md/dm-mod.ko" || die "the device mapper cannot be loaded"
dmsetup --noudevsync create data --table "0 $(blockdev --getsz /dev/ubdb) linear /dev/ubdb 0" &&
  dmsetup mknodes && mkdir -p /var/lib/isobar && mount -t ext4 /dev/mapper/data /var/lib/isobar ||
  die "the disk for data cannot be mounted"

# This kernel has no nf_tables for IPv4: what people type as `iptables` is to work too.
for tool in iptables ip6tables; do
  [ -x /usr/sbin/$tool-legacy ] && ln -sf /usr/sbin/$tool-legacy /etc/alternatives/$tool
done
hostname "$isobar_node"
ip link set lo up
ip link set vec0 name eth0 && ip addr add "$isobar_ip/24" dev eth0 && ip link set eth0 up ||
  die "the network cannot be set up"

# Again whenever it ends, so that even `kill -9 -1` leaves the node reachable.
while :; do
  /usr/sbin/sshd -D -e
  sleep 0.1
done
