# SPDX-License-Identifier: GPL-2.0
# The job of a live comparison: scenario_job(), a scenario's own job, runs again
# and again in one guest, each time on the other of two backends, A B B A ...
# ROUNDS, SIDE_A, SIDE_B and MODULES come from live.py, which also reads what
# the rounds leave behind: fio's reports, and a file of numbers for each.
STAGE=/tmp/round

for module in ${MODULES:-}; do
	insmod "/job/modules/$module"
done

# turn <name> <backend>: once the backend before has nothing mapped. But a network
# card may keep buffers in it, which the other side's turns find there as well.
turn() {
	switch_to "$2"
	try 5 one_instance || echo "turn $1: the backend before still has mappings"
	rm -rf "$STAGE"
	mkdir "$STAGE"
	echo 0 >"$SWIOTLB/io_tlb_used_hiwater"
	failed=$(failed_maps)
	before=$(head -n 1 /proc/stat)
	scenario_job
	after=$(head -n 1 /proc/stat)
	[ "$(active_backend)" = "$2" ] || die "turn $1: $(active_backend) is active, not $2"
	echo "done: turn $1 on $2"
	[ "$1" != warm-up ] || return 0
	{
		echo "before $before"
		echo "after $after"
		echo "map_failures $(($(failed_maps) - failed))"
		echo "peak_slots $(pool io_tlb_used_hiwater)"
	} >"$ATTACH/$1.turn"
	for report in "$STAGE"/*.json; do
		mv "$report" "$ATTACH/$1.${report##*/}"
	done
}

# Disks are written for the first time and caches filled: this counts for no one.
turn warm-up "$SIDE_B"
round=1
while [ $round -le "$ROUNDS" ]; do
	if [ $((round % 2)) -eq 1 ]; then
		turn $round.a "$SIDE_A"
		turn $round.b "$SIDE_B"
	else
		turn $round.b "$SIDE_B"
		turn $round.a "$SIDE_A"
	fi
	round=$((round + 1))
done
