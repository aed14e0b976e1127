# SPDX-License-Identifier: GPL-2.0
# Put in front of every job. Runs in the guest, under busybox sh.
set -eu
set -o pipefail

SWIOTLB=/sys/kernel/debug/swiotlb

# Say why and fail the job.
die() {
	echo "job: $*" >&2
	exit 1
}

# result <key> <value>: one number or word for the report.
result() {
	echo "$1=$2" >>"$RESULTS"
}

# try <seconds> <command...>: until it succeeds; probing is asynchronous.
try() {
	tries=$(($1 * 10))
	shift
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.1
	done
}

pool() {
	cat "$SWIOTLB/$1"
}

# disks <kind>: block devices by how they are attached, sorted.
disks() {
	for disk in /sys/block/*; do
		case "$1:$(readlink -f "$disk")" in
		nvme:*/nvme/* | virtio:*/virtio*/block/* | ahci:*/ata*/*) echo "/dev/${disk##*/}" ;;
		esac
	done
}

# need_disks <kind> <count>: their names, once all of them are there.
need_disks() {
	try 20 has_disks "$1" "$2" || die "only $(disks "$1" | wc -l) of $2 $1 disks appeared"
	disks "$1"
}

has_disks() {
	[ "$(disks "$1" | wc -l)" -eq "$2" ]
}

# Mixed sizes, every sector with its own header and checksum (verify_interval):
# so a reader may cut the disk into other pieces than the writer did, and still
# notices data that is wrong, misplaced, stale or missing. The random map, on
# by default, makes each pass touch every byte of the disk exactly once.
FIO_OPTIONS="--bssplit=512/10:4k/40:16k/20:64k/20:256k/10 --verify=crc32c
	--verify_interval=512 --verify_fatal=1 --direct=1 --thread --group_reporting=1
	--ioengine=io_uring --iodepth=${DEPTH:-16} --output-format=json"

# fio_pass <randwrite|randread> <name> <seed> <disks...>: one pass over all disks
# at a time; fio's report is forwarded as <name>.json.
fio_pass() {
	rw=$1 name=$2 seed=$3
	shift 3
	set -- $(for disk; do echo "--name=$name --filename=$disk"; done)
	# shellcheck disable=SC2086
	fio $FIO_OPTIONS --rw="$rw" --do_verify=0 --randseed="$seed" "$@" >/tmp/fio.json 2>/tmp/fio.err || {
		cat /tmp/fio.err
		sed '/^{/,$d' /tmp/fio.json
		die "fio $name failed"
	}
	mv /tmp/fio.json "$ATTACH/$name.json"
}
