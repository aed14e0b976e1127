# SPDX-License-Identifier: GPL-2.0
# Two commands matter: `make run` and `make test`. `make help` lists the rest.

include kernel.mk
export KERNEL_RELEASE KERNEL_PACKAGE KERNEL_TARBALL KERNEL_CONFIG KERNEL_CONFIG_PACKAGE

# These reach the scripts through the environment.
export ARCHS CONFIG JOBS KERNEL MIRROR

# The first kernel that the scenario is for
KERNEL_NAME ?= $(or $(shell sed -n 's/^kernels *= *\([a-z0-9-]*\).*/\1/p' \
	tools/testing/swiotlb-vm/scenarios/$(SCENARIO).scenario 2>/dev/null),swiotlb)
ROUNDS ?= 5
RIG := tools/testing/swiotlb-vm/rig.py

# The two sides of `make ab`: pristine, or a backend's name
A ?= fixed
B ?= dynamic
HOW ?= boot
AB = ab $(A) $(B) --scenario $(or $(SCENARIO),nvme) --how $(HOW) --rounds $(ROUNDS) $(IN_COCO)

# What `make coverage` boots, in 5 minutes: all that guests were seen to reach and tests in user space do not
GUESTS ?= kunit noforce pool-none param-unknown mask32-grow guard trace switch-errors switch-storm swiotlb-top \
	coco-enforce coco-inject cc-storm
GUESTS_COCO ?= selftest

# COCO=1: in a simulated confidential guest
IN_COCO = $(if $(filter-out 0,$(COCO)),--coco)

# Each script uses all processors by itself, and they build upon each other.
.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help deps tree kernel pristine baseline baseline-dynamic debug debug-kernel gcov gcov-kernel arm64 arm64-kernel boot run ab vm test check coverage bench bench-vm builds \
	series series-check deb deb-check deb-boot deb-deps clean distclean ab-arguments vm-arguments

help: ## This list
	@echo "make run     A/B: the same I/O on the new kernel and on the pristine one"
	@echo "make test    every check there is"
	@echo
	@sed -n 's/^\([a-z][a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16
	@echo
	@echo "KERNEL=<tree>   a $(KERNEL_RELEASE) tree of your own as the base (copied, never changed)"
	@echo "JOBS=<n>        processes per build (all processors)"

deps: ## Install the Debian packages needed (does nothing when all are there)
	@scripts/deps

tree: deps ## Unpack the kernel; lay overlay and patches over a copy of it
	@scripts/tree.py

kernel: tree ## Build the kernel with the new swiotlb
	@scripts/kernel.py swiotlb

baseline: tree ## Build the pristine kernel, the other side of every comparison
	@scripts/kernel.py pristine

debug-kernel: tree ## Build the new kernel with KASAN, lockdep, DMA API debugging
	@scripts/kernel.py debug

gcov-kernel: tree ## Build the new kernel with counters of what is reached in kernel/dma/swiotlb
	@scripts/kernel.py gcov

arm64-kernel: tree ## Build the new kernel for arm64, which has device trees
	@scripts/kernel.py arm64

# KERNEL_NAME= as a goal
swiotlb: kernel
pristine: baseline
debug: debug-kernel
gcov: gcov-kernel
arm64: arm64-kernel

boot: kernel ## Boot the new kernel once; prints PASS or why not
	@$(RIG) vm boot --kernel swiotlb $(BACKEND:%=--backend %)

run: kernel baseline ## Interleaved A/B run over NVMe and virtio disks; table, JSON, HTML (ROUNDS=5) [COCO=1]
	@$(RIG) run --rounds $(ROUNDS) $(BACKEND:%=--backend %) $(IN_COCO)

ab: ab-arguments kernel $(if $(filter pristine,$(A) $(B)),baseline) ## The same for any two of pristine and the backends: A=fixed B=dynamic [SCENARIO=nvme] [HOW=boot|live] [ROUNDS=5] [COCO=1]
	@$(RIG) $(AB)

# Before a kernel is built for nothing
ab-arguments:
	@$(RIG) $(AB) --check

vm: vm-arguments $(filter swiotlb pristine debug gcov arm64,$(KERNEL_NAME)) ## One scenario: SCENARIO=<name> [BACKEND=fixed] [CMDLINE=...] [KERNEL_NAME=swiotlb|pristine|debug|gcov|arm64] [COCO=1]
	@$(RIG) vm $(SCENARIO) --kernel $(KERNEL_NAME) $(BACKEND:%=--backend %) $(if $(CMDLINE),--cmdline '$(CMDLINE)') $(IN_COCO)

# Before a kernel is built for nothing
vm-arguments:
	@test -f tools/testing/swiotlb-vm/scenarios/$(SCENARIO).scenario || \
		{ echo "vm: SCENARIO=<name> must be one of: $(patsubst %.scenario,%,$(notdir \
		$(wildcard tools/testing/swiotlb-vm/scenarios/*.scenario)))" >&2; exit 2; }
	@case "$(KERNEL_NAME)" in swiotlb|pristine|debug|gcov|arm64) ;; \
	*) echo "vm: KERNEL_NAME must be swiotlb, pristine, debug, gcov or arm64" >&2; exit 2;; esac

bench: tree ## Upstream and all backends side by side in user space: time, memory, cache lines; table, JSON, HTML, 3 minutes [ARGS=--quick]
	@$(MAKE) -s --no-print-directory -C tools/testing/swiotlb/bench run ARGS='$(ARGS)'

bench-vm: kernel baseline $(if $(UPSTREAM_DYNAMIC),baseline-dynamic) ## Exact instructions per map, unmap and lookup in the kernel, on pristine and all backends; fails if ours take 3 % more [UPSTREAM_DYNAMIC=1]
	@$(RIG) bench --max-ratio 1.03 $(if $(UPSTREAM_DYNAMIC),--upstream-dynamic)

baseline-dynamic: tree ## Build the pristine kernel with upstream's growing pools, for that
	@scripts/kernel.py pristine-dynamic

check: deps ## Static checks and user-space tests, no kernel build
	@scripts/tree.py
	@scripts/check.py

coverage: gcov-kernel ## What tests in user space and guests reach of kernel/dma/swiotlb, together, 7 minutes [GUESTS='kunit trace ...'] [ARGS=-b]
	@rm -rf build/gcov
	@$(RIG) vm $(GUESTS) --kernel gcov --ci
	@$(if $(GUESTS_COCO),$(RIG) vm $(GUESTS_COCO) --kernel gcov --ci --coco)
	@$(MAKE) -s --no-print-directory -j$(or $(JOBS),$(shell nproc)) -C tools/testing/swiotlb coverage \
		ARGS='-g $(CURDIR)/build/gcov -j $(CURDIR)/build/report/coverage.json $(ARGS)'

builds: tree ## Compile under every configuration that matters, with sparse and W=1, arm64 and i386 too (ARCHS=all)
	@scripts/builds.py

test: deps ## Everything: checks, builds, scenarios; ends with the count
	@scripts/test.py

series: tree ## Write build/series/*.patch for git am on the pristine tree
	@scripts/series.py write

series-check: tree ## Apply that series with git am and build at each step
	@scripts/series.py check

deb: deb-deps tree ## Debian packages of the kernel, configured as the distribution's, and of swiotlb-top, in build/deb [CONFIG=<file>]
	@scripts/deb.py package

deb-check: deb-deps tree ## Only see whether that configuration holds, and compile our folders with it
	@scripts/deb.py check

deb-boot: ## Install the packages of `make deb` in a Debian and boot it through GRUB, in QEMU (as root) [MIRROR=<url>]
	@DEB=boot scripts/deps
	@scripts/deb_boot.py

deb-deps:
	@DEB=1 scripts/deps

clean: ## Remove object trees and reports, keep the unpacked kernels
	@rm -rf build/$(KERNEL_RELEASE)/obj* build/$(KERNEL_RELEASE)-pristine/obj*
	@find build -mindepth 1 -maxdepth 1 ! -name '$(KERNEL_RELEASE)*' ! -name '.*-$(KERNEL_RELEASE)' -exec rm -rf {} + 2>/dev/null || :

distclean: ## Remove build/
	@rm -rf build
