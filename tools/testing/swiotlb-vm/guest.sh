# SPDX-License-Identifier: GPL-2.0
# Put in front of every job. Runs in the guest, under busybox sh.
set -eu
set -o pipefail

SWIOTLB=/sys/kernel/debug/swiotlb
BACKEND=/sys/kernel/swiotlb/backend

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

# In a confidential guest: what has been converted so far, for coco.py. Boot and I/O
# are phases by themselves, see fio_pass; so is all of it when the job ends.
COCO=/sys/kernel/debug/coco

coco_phase() {
	[ -e $COCO/sim ] || return 0
	{
		sed 's/^/sim /' $COCO/sim
		sed -n 's/^DirectMap/map &/p' /proc/meminfo
		sed 's/^/site /' $COCO/conversions
	} >"$ATTACH/coco.$1"
}
trap 'coco_phase end' EXIT

# coco_count <key>: one number of the simulated guest.
coco_count() {
	sed -n "s/^$1 //p" $COCO/sim
}

# same_leak: every byte whose conversion was made to fail is lost, and nothing else. One may
# fail between the two looks.
has_same_leak() {
	leaked=$(pool io_tlb_leaked_bytes)
	[ "$leaked" -eq "$(coco_count injected_bytes)" ]
}

same_leak() {
	try 5 has_same_leak || {
		cat $COCO/sim $COCO/conversions
		die "conversions of $(coco_count injected_bytes) bytes failed, $leaked bytes leaked"
	}
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

# echo_bytes <file>: to the host and back, both rings, all packet sizes, checked whole.
echo_bytes() {
	nc 10.0.2.2 "$ECHO_PORT" <"$1" | head -c "$(stat -c %s "$1")" >/tmp/received
	cmp "$1" /tmp/received || die "TCP gave back other data"
}

# Backends: all of them, and the one that new mappings go to. No program is
# started: in a slow guest that takes as long as what is tested here.
all_backends() {
	read -r backends <"$BACKEND"
	for backend in $backends; do
		backend=${backend#[}
		echo "${backend%]}"
	done
}

active_backend() {
	read -r backends <"$BACKEND"
	backends=${backends#*[}
	echo "${backends%%]*}"
}

# switch_to <backend>
switch_to() {
	echo "$1" >"$BACKEND" || die "cannot switch to $1"
	[ "$(active_backend)" = "$1" ] || die "switched to $1, but $(active_backend) is active"
}

# refuses <message of the errno> <word> <file>: writing must fail, in this way.
refuses() {
	if (echo "$2" >"$3") 2>/tmp/refused; then
		die "'$2' was taken by $3"
	fi
	grep -q "$1" /tmp/refused || die "'$2' to $3: expected '$1', got '$(cat /tmp/refused)'"
}

# PCI addresses of the NVMe disks, whether a driver has them or not.
nvme_devices() {
	grep -l 0x010802 /sys/bus/pci/devices/*/class | cut -d/ -f6
}

# In a confidential guest, what a driver once allocated keeps the backend it came from: give that back.
nvme_rebind() {
	for device in $(nvme_devices); do
		[ ! -e "/sys/bus/pci/drivers/nvme/$device" ] || echo "$device" >/sys/bus/pci/drivers/nvme/unbind
		echo "$device" >/sys/bus/pci/drivers/nvme/bind
	done
}

# Instances of backends, those included that still end.
instances() {
	grep -c "^backend " "$SWIOTLB/state"
}

one_instance() {
	[ "$(instances)" -eq 1 ]
}

# Nothing is mapped. In a confidential guest, what drivers have allocated is in the pool as well.
idle() {
	[ "$(pool io_tlb_used)" -eq "$(pool io_tlb_alloc_nslabs 2>/dev/null || echo 0)" ]
}

# Failed maps since boot, of any reason, or of one.
failed_maps() {
	[ -e "$SWIOTLB/failures" ] || { echo 0; return; }
	awk -v only="${1:-}" '!only || $1 == only { sum += $2 } END { print sum + 0 }' "$SWIOTLB/failures"
}

# All of them, for the report.
report_failures() {
	while read -r reason count; do
		result "failures.$reason" "$count"
	done <"$SWIOTLB/failures"
}

# Free memory in KiB, without what caches hold back: those of files, of pages per
# CPU, and KASAN's quarantine of freed objects, which only shrinking a cache empties.
free_kib() {
	sync
	if [ "$KERNEL" = debug ]; then
		for cache in /sys/kernel/slab/*/shrink; do
			[ -L "${cache%/shrink}" ] || echo 1 >"$cache" 2>/dev/null || :
		done
	fi
	echo 3 >/proc/sys/vm/drop_caches
	[ ! -e /proc/sys/vm/compact_memory ] || echo 1 >/proc/sys/vm/compact_memory
	sleep 0.5
	awk '$1 == "nr_free_pages" || $1 == "count:" { pages += $2 } END { print pages * 4 }' /proc/zoneinfo
}

# The pool and the free memory together: what a leak would make smaller.
accounted_kib() {
	free=$(free_kib)
	echo $((free + 2 * $(pool io_tlb_nslabs)))
}

# need_same_memory <KiB before> <KiB after>: less than 4 MiB apart.
need_same_memory() {
	lost=$(($1 - $2))
	result memory_before_kib "$1"
	result memory_after_kib "$2"
	[ $lost -lt 4096 ] && [ $lost -gt -4096 ] || die "$lost KiB were lost: $1 before, $2 after"
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
	[ -e "$ATTACH/coco.boot" ] || coco_phase boot
	set -- $(for disk; do echo "--name=$name --filename=$disk"; done)
	# shellcheck disable=SC2086
	fio $FIO_OPTIONS --rw="$rw" --do_verify=0 --randseed="$seed" "$@" >/tmp/fio.json 2>/tmp/fio.err || {
		cat /tmp/fio.err
		sed '/^{/,$d' /tmp/fio.json
		die "fio $name failed"
	}
	mv /tmp/fio.json "$ATTACH/$name.json"
	coco_phase "${PHASE:-io}"
}

# watch_stalls <disks...>: until there is a file /tmp/watched, look after disks that have something on
# their way and complete nothing. Leaves the longest such time in /tmp/stall, in ms, and whose it was.
watch_stalls() {
	rm -f /tmp/watched
	longest=0 worst=none
	while [ ! -e /tmp/watched ]; do
		read -r now _ </proc/uptime
		now=${now%.*}${now#*.}0
		for disk; do
			disk=${disk#/dev/}
			read -r reads _ _ _ writes _ _ _ underway _ <"/sys/block/$disk/stat"
			eval "last=\${completed_$disk:-} since=\${since_$disk:-$now}"
			if [ "$underway" -eq 0 ] || [ "$last" != $((reads + writes)) ]; then
				since=$now
			fi
			eval "completed_$disk=$((reads + writes)) since_$disk=$since"
			[ $((now - since)) -le $longest ] || longest=$((now - since)) worst=$disk
		done
		sleep 0.2
	done
	echo "$longest $worst" >/tmp/stall
}

# fio_load <randwrite|randrw> <name> <seconds> <disks...>: requests up to 1 MiB at disks that keep nothing.
fio_load() {
	rw=$1 name=$2 seconds=$3
	shift 3
	[ -e "$ATTACH/coco.boot" ] || coco_phase boot
	set -- $(for disk; do echo "--name=$name --filename=$disk"; done)
	fio --bssplit=4k/30:16k/20:64k/20:256k/15:1m/15 --direct=1 --thread --group_reporting=1 --zero_buffers \
		--ioengine=io_uring --iodepth="${DEPTH:-64}" --norandommap --randrepeat=0 --random_generator=lfsr \
		--time_based --runtime="$seconds" \
		--rw="$rw" --output-format=json "$@" >/tmp/fio.json 2>/tmp/fio.err || {
		cat /tmp/fio.err
		sed '/^{/,$d' /tmp/fio.json
		die "fio $name failed"
	}
	mv /tmp/fio.json "$ATTACH/$name.json"
	coco_phase "$name"
}

# Refused maps of all reasons. Pristine only says so in its log, which drops most of them.
refused_maps() {
	if [ -e "$SWIOTLB/failures" ]; then
		failed_maps
	else
		dmesg | awk '/swiotlb buffer is/ { sum++ } /callbacks suppressed/ { sum += $(NF - 2) }
			END { print sum + 0 }'
	fi
}

# has_begun <name> <disk>: something is on its way to it, or fio is through already.
has_begun() {
	read -r reads writes <"/sys/block/${2#/dev/}/inflight"
	[ $((reads + writes)) -gt 0 ] || [ -e "$ATTACH/$1.json" ]
}

# pressure <randwrite|randrw> <name> <seconds> <disks...>: fio_load, watched. Adds to what is refused in the
# first two seconds, when the pool may still grow, and after them, and to the longest time without progress.
refused_early=0 refused_late=0 stalled=0 stalled_disk=none

pressure() {
	name=$2
	refused=$(refused_maps)
	fio_load "$@" &
	fio=$!
	shift 3
	try 60 has_begun "$name" "$1" || die "fio $name does not start"
	watch_stalls "$@" &
	watch=$!
	sleep 2
	early=$(refused_maps)
	wait $fio || die "fio $name failed"
	touch /tmp/watched
	wait $watch
	late=$(($(refused_maps) - early)) early=$((early - refused))
	read -r stall worst </tmp/stall
	result "$name.refused_early" $early
	result "$name.refused_late" $late
	result "$name.stall_ms" "$stall"
	refused_early=$((refused_early + early)) refused_late=$((refused_late + late))
	[ "$stall" -le "$stalled" ] || stalled=$stall stalled_disk=$worst
}

# What pressure must not lead to.
no_stall() {
	[ "$stalled" -le 5000 ] || die "$stalled_disk completed nothing for $stalled ms"
}

none_refused_late() {
	[ "$refused_late" -eq 0 ] || die "$refused_late maps were refused after the first two seconds"
}

# count_bounces <device>...: have a tracer for each (0000:00:03.0) count what it bounces.
count_bounces() {
	for device; do
		tracer=/sys/kernel/tracing/instances/$device
		mkdir "$tracer"
		echo "dev_name == \"$device\"" >"$tracer/events/swiotlb/swiotlb_bounced/filter"
		echo 1 >"$tracer/events/swiotlb/swiotlb_bounced/enable"
	done
}

# bounced <device>: how many buffers since then.
bounced() {
	awk '/^(entries|overrun):/ { sum += $2 } END { print sum }' \
		/sys/kernel/tracing/instances/"$1"/per_cpu/cpu*/stats
}

# pci_device <path in /sys>: name of the PCI device behind it.
pci_device() {
	readlink -f "$1" | grep -o '[0-9a-f]*:[0-9a-f]*:[0-9a-f]*\.[0-7]' | tail -n 1
}

# net_up <interface>: an address from QEMU's DHCP server, UDP in both directions.
net_up() {
	cat >/tmp/dhcp <<'END'
[ "$1" = bound ] || exit 0
ip addr replace "$ip/24" dev "$interface"
ip route replace default via "$router"
END
	chmod +x /tmp/dhcp
	ip link set "$1" up
	udhcpc -i "$1" -n -q -t 10 -T 1 -s /tmp/dhcp || die "no address from DHCP"
}

# net_echo <MiB>: random bytes to the host and back, compared; frames of all sizes.
net_echo() {
	for bytes in 56 1400; do
		ping -c 20 -i 0.05 -s $bytes -W 2 10.0.2.2 >/tmp/ping
		grep -q "20 packets received" /tmp/ping || die "pings of $bytes bytes were lost"
	done
	dd if=/dev/urandom of=/tmp/sent bs=1M count="$1" 2>/dev/null
	echo_bytes /tmp/sent
}

# trace_dma <device>...: have a tracer for each record the DMA addresses that it gets.
trace_dma() {
	for device; do
		tracer=/sys/kernel/tracing/instances/dma-$device
		mkdir "$tracer"
		echo 8192 >"$tracer/buffer_size_kb"
		for event in dma_alloc dma_map_page dma_map_sg; do
			echo "device == \"$device\"" >"$tracer/events/dma/$event/filter"
			echo 1 >"$tracer/events/dma/$event/enable"
		done
	done
}

# dma_addresses <device>: those addresses in hexadecimal, without leading zeros.
dma_addresses() {
	grep -o ' dma_addrs\?=[^ ]*' "/sys/kernel/tracing/instances/dma-$1/trace" |
		sed 's/.*=//; s/0x//g; s/[{}]//g' | tr , '\n'
}

# Let upstream's own benchmark have the edu card.
map_benchmark_device() {
	edu=$(grep -l 0x1234 /sys/bus/pci/devices/*/vendor)
	echo dma_map_benchmark >"${edu%vendor}driver_override"
	basename "${edu%/vendor}" >/sys/bus/pci/drivers_probe
}

# map_benchmark <name> <threads> <to|from|both> <KiB>: run it for a second. Its means
# become results: dma_map_benchmark.<name>.<threads>.<direction>.<KiB>.(map|unmap)_us
map_benchmark() {
	case $3 in
	both) code=0 ;;
	to) code=1 ;;
	from) code=2 ;;
	esac
	dma_map_benchmark -s 1 -b 36 -t "$2" -d $code -g $(($4 / 4)) >/tmp/map_benchmark
	sed -n "s/^average \(map\|unmap\) latency(us):\([0-9.]*\) .*/dma_map_benchmark.$1.$2.$3.$4.\1_us=\2/p" \
		/tmp/map_benchmark >>"$RESULTS"
}

# A backend from a module comes too late for the command line.
if [ -n "${SWITCH_TO:-}" ]; then
	insmod "/job/modules/swiotlb_$SWITCH_TO.ko"
	switch_to "$SWITCH_TO"
	try 10 one_instance || echo "the backend of the boot still has mappings"
fi
