# SPDX-License-Identifier: GPL-2.0
# Fuzzing, and what the tests cover. Included by Makefile.
#
#   make fuzz                    both targets, from the inputs in corpus/, for a minute
#   make fuzz SECONDS=3600 SEED=7
#   make fuzz ENGINE=libfuzzer   the same targets with libFuzzer, which comes with clang
#   make coverage [ARGS=-b]      lines and branches of the sources that the tests reach

SECONDS ?= 60
SEED ?= $(shell date +%s)
# The same for both targets
SEED := $(SEED)
ENGINE ?= builtin
CLANG ?= clang

FUZZ_PARTS := allocator model diff_ops diff_must diff_run $(if $(UPSTREAM),upstream upstream_dynamic)
FUZZERS := fuzz-ops fuzz-params

.PHONY: fuzz coverage
fuzz: fuzz-$(ENGINE)

# Operations are slow and many, so they get most of the time
fuzz-builtin: $(FUZZERS:%=$(O)/asan/%)
	@$(O)/asan/fuzz-ops -t $$(($(SECONDS) * 5 / 6)) -s $(SEED) corpus/ops
	@$(O)/asan/fuzz-params -t $$(($(SECONDS) - $(SECONDS) * 5 / 6)) -s $(SEED) corpus/params

# New inputs go to a folder of their own
fuzz-libfuzzer: $(FUZZERS:%=$(O)/libfuzzer/%)
	@mkdir -p $(O)/corpus/ops $(O)/corpus/params
	@$(O)/libfuzzer/fuzz-ops -max_total_time=$$(($(SECONDS) * 5 / 6)) -seed=$(SEED) \
		-max_len=2048 -verbosity=0 -print_final_stats=1 $(O)/corpus/ops corpus/ops
	@$(O)/libfuzzer/fuzz-params -max_total_time=$$(($(SECONDS) - $(SECONDS) * 5 / 6)) -seed=$(SEED) \
		-max_len=500 -verbosity=0 -print_final_stats=1 $(O)/corpus/params corpus/params

# $(1): folder of the objects, $(2): of those of the sources under test, $(3): compiler and its flags, $(4): a driver
define fuzzers
$(O)/$(1)/fuzz-ops: $$(KERNEL:%=$(O)/$(2)/kernel/%.o) $$(SHIM:%=$(O)/$(1)/shim/%.o) \
		$$(FUZZ_PARTS:%=$(O)/$(1)/%.o) $(O)/$(1)/fuzz_ops.o $(4)
	@$(3) -pthread -o $$@ $$^

$(O)/$(1)/fuzz-params: $$(KERNEL:%=$(O)/$(2)/kernel/%.o) $$(SHIM:%=$(O)/$(1)/shim/%.o) \
		$(O)/$(1)/fuzz_params.o $(4)
	@$(3) -pthread -o $$@ $$^
endef
$(eval $(call fuzzers,asan,fuzz,$(CC) $(SANITIZE_asan),$(O)/asan/fuzz_main.o $(O)/asan/fuzz_shrink.o))
$(eval $(call fuzzers,cov,cov,$(CC) $(SANITIZE_cov),$(O)/cov/fuzz_main.o $(O)/cov/fuzz_shrink.o))
$(eval $(call fuzzers,libfuzzer,libfuzzer,$(CLANG) -fsanitize=fuzzer $(SANITIZE_asan)))

# Only the sources under test tell which branches they take
$(O)/fuzz/kernel/%.o: $(SRC)/%.c $(STUB_FILES) Makefile fuzz.mk
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(SANITIZE_asan) -fsanitize-coverage=trace-pc -MD -c -o $@ $<

LIBFUZZER_CFLAGS = $(CFLAGS) $(SANITIZE_asan) -fsanitize=fuzzer-no-link -Wno-unknown-warning-option \
	-Wno-gnu -Wno-initializer-overrides
$(O)/libfuzzer/kernel/%.o: $(SRC)/%.c $(STUB_FILES) Makefile fuzz.mk
	@mkdir -p $(@D)
	@$(CLANG) $(LIBFUZZER_CFLAGS) -MD -c -o $@ $<

$(O)/libfuzzer/%.o: %.c $(STUB_FILES) Makefile fuzz.mk
	@mkdir -p $(@D)
	@$(CLANG) $(LIBFUZZER_CFLAGS) -MD -c -o $@ $<

coverage: $(O)/cov/swiotlb-tests $(FUZZERS:%=$(O)/cov/%)
	@O=$(O) SRC=$(SRC) ./coverage $(ARGS)

-include $(wildcard $(O)/fuzz/kernel/*.d $(O)/libfuzzer/*.d $(O)/libfuzzer/*/*.d)
