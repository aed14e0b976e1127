#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Tests of the rig's own judgement; needs neither QEMU nor a kernel."""

from __future__ import annotations

import re
import subprocess
import tempfile
import unittest
from pathlib import Path
from xml.etree import ElementTree

import ab
import acpi
import backends
import badness
import bench_page
import coco
import counts
import fio
import gcov
import guest
import initramfs
import ktap
import live
import page
import qemu
import scenario
import stats
import sweep
import table
from boot import add_backend, judge_failing, wrong_backend
from common import RIG, RigError
from comparison import COCO_METRICS, METRICS, Comparison, Side
from kernels import Kernel
from single import wanted_backends


def parse_scenario(text: str, kernel: str = "swiotlb", confidential: bool = False) -> scenario.Scenario:
    """A scenario from text instead of a file of the repository."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "x.scenario").write_text(text)
        return scenario.load("x", kernel, Path(folder), confidential)


class Coverage(unittest.TestCase):
    """What the gcov kernel counted."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)
        self.kernel = Kernel("gcov", self.top / "obj")

    def test_is_for_the_scenarios_of_the_kernel_under_test(self) -> None:
        self.assertEqual((self.kernel.role, Kernel("debug", RIG).role), ("swiotlb", "debug"))
        self.assertTrue(self.kernel.is_ours)

    def test_files_arrive_byte_by_byte(self) -> None:
        every = bytes(range(256))
        line = '"' + "".join(f"\\u{byte:04x}" for byte in every) + '"'
        (self.top / "results").write_text(f'{{"type": "file", "name": "core.gcda", "text": {line}}}\n'
                                          '{"type": "file", "name": "x.json", "text": "{}"}\n')
        results = guest.read_results(self.top / "results")
        (self.top / "boot").mkdir()
        (self.top / "boot/old.gcda").touch()
        gcov.keep(results, self.kernel, self.top / "boot")
        self.assertEqual((self.top / "boot/core.gcda").read_bytes(), every)
        self.assertEqual((self.top / "boot/core.gcno").readlink(), self.kernel.obj / gcov.SOURCES / "core.gcno")
        self.assertEqual((len(list((self.top / "boot").iterdir())), list(results.files)), (2, ["x.json"]))

    def test_silence_is_a_failure(self) -> None:
        self.assertTrue(gcov.problems(guest.Results(), self.kernel, "no-such-boot"))
        self.assertEqual(gcov.problems(guest.Results(), Kernel("swiotlb", RIG), "no-such-boot"), [])
        self.assertEqual(gcov.env_for(Kernel("swiotlb", RIG)), {})


class Scenarios(unittest.TestCase):
    def test_all_files_load_on_their_kernels(self) -> None:
        for name in scenario.names():
            kernels = scenario.load(name, "swiotlb").kernels
            for kernel in kernels:
                item = scenario.load(name, kernel)
                self.assertTrue(item["summary"], name)
                self.assertTrue(item.job.strip(), name)
                for pattern in item.lists["expect"] + item.lists["fails"]:
                    re.compile(pattern)
                for backend in item["backend"].split():
                    self.assertRegex(backend, r"^[a-z][\w-]*$", name)

    def test_jobs_parse(self) -> None:
        library = (RIG / "guest.sh").read_text()
        for name in scenario.names():
            text = f"{library}\n{scenario.load(name, 'swiotlb').job}"
            done = subprocess.run(["sh", "-n"], input=text, capture_output=True, text=True, check=False)
            self.assertEqual((name, done.returncode, done.stderr), (name, 0, ""))

    def test_variants_have_the_patterns_meant_for_them(self) -> None:
        for name in scenario.names():
            item = scenario.load(name, "swiotlb")
            known = {variant for variant, _ in item.variants()}
            for line in item.lists["expect"] + item.lists["fails"] + item.lists["allow"]:
                only = re.match(r"\[(\w+)\] ", line)
                self.assertTrue(only is None or only[1] in known, f"{name}: {line}")

    def test_kernel_specific_lines(self) -> None:
        text = "limit = 5\nlimit@debug = 50\nallow = a ## b\nallow@debug = c ## d\n\njob:\ntrue\n"
        self.assertEqual(parse_scenario(text)["limit"], "5")
        self.assertEqual(parse_scenario(text, "debug")["limit"], "50")
        self.assertEqual(parse_scenario(text, "debug").allowed("default"), [("a", "b"), ("c", "d")])

    def test_failing_on_purpose(self) -> None:
        item = parse_scenario("fails = all\nfails = [a] only\n\njob:\ntrue\n")
        self.assertEqual((item.must_fail("a"), item.must_fail("b")), (["all", "only"], ["all"]))

    def test_expecting_in_one_variant(self) -> None:
        item = parse_scenario("expect = all\nexpect = [a] only\n\njob:\ntrue\n")
        self.assertEqual((item.patterns("expect", "a"), item.patterns("expect", "b")),
                         (["all", "only"], ["all"]))

    def test_allowing_in_one_variant(self) -> None:
        item = parse_scenario("allow = a ## all\nallow = [slow] b ## only\n\njob:\ntrue\n")
        self.assertEqual((item.allowed("slow"), item.allowed("fast")), ([("a", "all"), ("b", "only")], [("a", "all")]))

    def test_boots_with_each_backend(self) -> None:
        item = parse_scenario("backend = fixed dynamic\n\njob:\ntrue\n")
        ours, pristine = Kernel("swiotlb", RIG), Kernel("pristine", RIG)
        self.assertEqual(wanted_backends(item, ours, ""), ["fixed", "dynamic"])
        self.assertEqual(wanted_backends(item, ours, "guard"), ["guard"])
        self.assertEqual(wanted_backends(item, pristine, ""), [""])
        self.assertEqual(wanted_backends(parse_scenario("\njob:\ntrue\n"), ours, ""), [""])

    def test_variants_with_machines(self) -> None:
        item = parse_scenario("memory = 1G\nvariant = big: [memory=8G devices=nvme*4+edu] a=b c\n"
                              "variant = late: [latency=0]\nvariant = plain: d\n\njob:\ntrue\n")
        self.assertEqual(item.variants(), [("big", "a=b c"), ("late", ""), ("plain", "d")])
        self.assertEqual((item.for_variant("big")["memory"], item.for_variant("big")["devices"]), ("8G", "nvme*4 edu"))
        self.assertEqual((item.keeps_nothing, item.for_variant("late").keeps_nothing), (False, True))
        self.assertEqual((item.for_variant("plain")["memory"], item["devices"]), ("1G", ""))
        with self.assertRaises(RigError):
            parse_scenario("variant = x: [backend=y]\n\njob:\ntrue\n").variants()

    def test_what_make_test_runs(self) -> None:
        text = "kernels = swiotlb debug\nbackend = a b\nvariant = x:\nvariant = y: p\n%s\njob:\ntrue\n"
        item, some = parse_scenario(text % ""), parse_scenario(text % "ci = debug\nci_backend = b\nci_variant = y\n")
        self.assertEqual((item.ci_kernels, some.ci_kernels), (["swiotlb", "debug"], ["debug"]))
        self.assertEqual(parse_scenario(text % "ci = none\n").ci_kernels, [])
        self.assertEqual((item.for_ci().variants(), item.for_ci()["backend"]), ([("x", ""), ("y", "p")], "a b"))
        self.assertEqual((some.for_ci().variants(), some.for_ci()["backend"]), ([("y", "p")], "b"))

    def test_make_test_runs_what_there_is(self) -> None:
        for name in scenario.names():
            item = scenario.load(name, "swiotlb")
            self.assertLessEqual({*item.ci_kernels, *item.coco_kernels}, set(item.kernels), name)
            known = {variant for variant, _ in item.variants()}
            self.assertLessEqual(set(item["ci_variant"].split()), known, name)
            self.assertLessEqual(set(item["ci_backend"].split()), set(item["backend"].split()), name)

    def test_confidential_guests(self) -> None:
        text = "limit = 5\nlimit@debug = 50\nlimit@coco = 7\nenv = A=1\nenv@coco = A=2\ncmdline = a\n\njob:\ntrue\n"
        item = parse_scenario(text, "debug", True)
        self.assertEqual((item.name, item["limit"], item["cmdline"]), ("x-coco", "7", "a coco_sim"))
        self.assertEqual(item.lists["env"], ["A=1", "A=2"])
        self.assertEqual((parse_scenario(text, "debug")["limit"], parse_scenario(text).name), ("50", "x"))

    def test_rejects(self) -> None:
        for header in ("nonsense\n", "colour = red\n", "limit@vax = 5\n", "allow = no reason\n",
                       "allow = ( ## bad pattern\n"):
            with self.assertRaises(RigError, msg=header):
                parse_scenario(f"{header}\njob:\ntrue\n")
        with self.assertRaises(RigError):
            parse_scenario("limit = 5\n")

    def test_backend_joins_the_list(self) -> None:
        self.assertEqual(add_backend("swiotlb=force quiet", "fixed"), "swiotlb=force,fixed quiet")
        self.assertEqual(add_backend("noswiotlb=1", "fixed"), "noswiotlb=1 swiotlb=fixed")
        self.assertEqual(add_backend("", "fixed"), "swiotlb=fixed")
        self.assertEqual(add_backend("swiotlb=8192", ""), "swiotlb=8192")


class Backends(unittest.TestCase):
    OPS = "const struct swiotlb_backend_ops swiotlb_%s = {\n\t.alloc\t= place,\n\t.name\t\t= \"%s\",\n};\n"

    def tree(self, root: str) -> Path:
        for folder, file, name in ((backends.BUILT_IN, "fixed", "fixed"), (backends.MODULES, "swiotlb_my", "my")):
            (Path(root) / folder).mkdir(parents=True)
            (Path(root) / folder / f"{file}.c").write_text(self.OPS % (name, name))
        return Path(root)

    def test_found_in_the_sources(self) -> None:
        with tempfile.TemporaryDirectory() as root:
            tree = self.tree(root)
            self.assertEqual(backends.known(tree), ["fixed", "my"])
            self.assertEqual(backends.module_of("fixed", tree), "")
            self.assertEqual(backends.module_of("my", tree), "samples/swiotlb/swiotlb_my.ko")
            backends.check("", tree)
            backends.check("my", tree)
            with self.assertRaisesRegex(RigError, "no backend bogus: must be one of fixed, my"):
                backends.check("bogus", tree)

    def test_finds_ours(self) -> None:
        self.assertIn("fixed", backends.known())
        self.assertEqual(backends.module_of("fixed"), "")

    def test_notices_the_wrong_one(self) -> None:
        results = guest.Results(release="6.12", backend="fixed", backend_at_end="my", verdict="pass")
        self.assertEqual(wrong_backend(results, ""), [])
        self.assertEqual(wrong_backend(results, "fixed"), [])
        self.assertEqual(wrong_backend(results, "other"), ["asked for backend other, the guest runs fixed"])


class Badness(unittest.TestCase):
    def test_finds(self) -> None:
        for line in ("WARNING: CPU: 0 PID: 1 at x", "BUG: KASAN: slab-out-of-bounds", "Oops: 0002 [#1]",
                     "INFO: task fio:12 blocked for more than 120 seconds", "UBSAN: shift-out-of-bounds",
                     "WARNING: possible circular locking dependency detected", "Call Trace:",
                     "nvme 0000:00:02.0: swiotlb buffer is full (sz: 4096 bytes), total 512",
                     "I/O error, dev nvme0n1, sector 0", "DMA-API: nvme: device driver maps",
                     "Kernel panic - not syncing: x", "watchdog: BUG: soft lockup - CPU#0",
                     "coco_sim: private page 0x1000 exposed to nvme by dma_map_sg", "coco_sim: shared page 0x1 freed",
                     "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks",
                     "general protection fault, probably for non-canonical address"):
            self.assertEqual(badness.examine(line, []).bad, [line])

    def test_ignores(self) -> None:
        for line in ("debugfs: mounted", "NET: Registered PF_INET protocol family",
                     "software IO TLB: mapped [mem 0x1-0x2] (64MB)", "software IO TLB: backend fixed",
                     "swiotlb_test: loading out-of-tree module taints kernel."):
            self.assertEqual(badness.examine(line, []).bad, [])

    def test_allowing_one_line_allows_no_other(self) -> None:
        found = badness.examine("WARNING: mine\nWARNING: other", [("WARNING: mine", "because")])
        self.assertEqual(found.bad, ["WARNING: other"])
        self.assertEqual(found.allowed, [{"line": "WARNING: mine", "reason": "because"}])

    def test_counts_suppressed_failures(self) -> None:
        log = ("a: swiotlb buffer is full (sz: 1 bytes)\nswiotlb_tbl_map_single: 41 callbacks suppressed\n"
               "a: swiotlb buffer is fragmented (sz: 1 bytes)\nnet_ratelimit: 7 callbacks suppressed\n")
        self.assertEqual(badness.count_map_failures(log), 43)

    def test_allow_list_has_reasons(self) -> None:
        self.assertTrue(all(reason for _, reason in badness.allow_list()))


class Ktap(unittest.TestCase):
    def test_nested_counts_leaves(self) -> None:
        counts = ktap.parse("KTAP version 1\n1..2\n    KTAP version 1\n    1..2\n    ok 1 a\n    not ok 2 b\n"
                            "not ok 1 suite\nok 2 other # SKIP no device\n")
        self.assertEqual(counts.as_json(), {"passed": 1, "failed": 1, "skipped": 1})
        self.assertEqual(len(counts.skips), 1)
        self.assertIn("# SKIP", counts.skips[0])
        self.assertEqual(counts.problems, ["KTAP: not ok: b", "KTAP: not ok: suite"])

    def test_missing_tests(self) -> None:
        self.assertIn("KTAP: 3 tests planned, 2 reported", ktap.parse("1..3\nok 1 a\nok 2 b\n").problems)
        nested = ktap.parse("1..1\n    1..2\n    ok 1 a\nok 1 suite\n")
        self.assertEqual(nested.problems, ["KTAP: 2 tests planned, 1 reported"])

    def test_several_in_a_row(self) -> None:
        counts = ktap.parse("1..1\nok 1 a\n1..1\nok 1 b\n")
        self.assertEqual((counts.passed, counts.problems), (2, []))

    def test_other_text(self) -> None:
        self.assertEqual(ktap.parse("okay 1 not a result\nlook: ok 1\n").total, 0)


class Results(unittest.TestCase):
    def read(self, text: str) -> guest.Results:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "results"
            path.write_text(text)
            return guest.read_results(path)

    def test_a_crash_leaves_no_verdict(self) -> None:
        results = self.read('{"type": "metric", "key": "a", "value": "1.5"}\n{"type": "end", "verd')
        self.assertEqual(results.metrics, {"a": 1.5})
        self.assertIsNone(results.verdict)

    def test_no_file(self) -> None:
        self.assertIsNone(guest.read_results(Path("/nonexistent")).verdict)

    def test_cpu_time_between(self) -> None:
        self.assertEqual(guest.cpu_between("cpu  1 2 3 99 99 4 5 0", "cpu  2 4 6 99 99 8 10 0"),
                         {"user_ms": 30, "system_ms": 30, "irq_ms": 90})

    def test_backend_at_the_end(self) -> None:
        line = '{"type": "end", "verdict": "pass", "reason": null%s}'
        self.assertEqual(self.read(line % ', "backend": "fixed [my]"').backend_at_end, "my")
        self.assertIsNone(self.read(line % "").backend_at_end)

    def test_selected_backend(self) -> None:
        self.assertEqual(guest.selected_backend("dynamic [fixed] cc"), "fixed")
        self.assertEqual(guest.selected_backend("fixed my-own"), "")
        self.assertEqual(guest.selected_backend("fixed [my-own]"), "my-own")
        self.assertIsNone(guest.selected_backend(None))

    def test_numbers(self) -> None:
        self.assertEqual([guest.number_or_word(word) for word in ("7", "-1", "2.5", "nan", "1e3")],
                         [7, -1, 2.5, "nan", "1e3"])


class Fio(unittest.TestCase):
    HEADER = "tools = fio\ndevices = nvme*2 edu\ndisk = 1K\n\njob:\ntrue\n"

    def report(self, read: int, write: int) -> str:
        side = '{"io_bytes": %d, "iops": 1, "bw_bytes": 1, "lat_ns": {"max": 2000000},' \
            ' "clat_ns": {"percentile": {"99.000000": 1}}}'
        return f'{{"jobs": [{{"error": 0, "read": {side % read}, "write": {side % write}}}]}}'

    def test_every_byte(self) -> None:
        item = parse_scenario(self.HEADER)
        files = {"w.json": self.report(0, 2048), "r.json": self.report(2048, 0)}
        self.assertEqual(fio.problems(files, item), [])
        files["r.json"] = self.report(2047, 0)
        self.assertEqual(len(fio.problems(files, item)), 1)

    def test_no_read_pass(self) -> None:
        item = parse_scenario(self.HEADER)
        self.assertEqual(fio.problems({"w.json": self.report(0, 2048)}, item),
                         ["fio: no read pass was reported"])
        self.assertTrue(fio.problems({"w.json": "no JSON"}, item))

    def test_disks_that_keep_nothing(self) -> None:
        item = parse_scenario(f"latency = 300\n{self.HEADER}")
        self.assertEqual(fio.problems({"x.json": self.report(1, 2)}, item), [])
        self.assertTrue(fio.problems({}, item))
        self.assertTrue(fio.problems({"x.json": self.report(0, 0)}, item))
        self.assertTrue(fio.problems({"x.json": self.report(1, 2).replace('"error": 0', '"error": 5')}, item))

    def test_both_directions(self) -> None:
        found = fio.parse("x", self.report(1, 2))
        self.assertEqual((found.direction, found.bytes, found.iops, found.longest_ms), ("mixed", 3, 2, 2))
        self.assertEqual(fio.parse("x", self.report(0, 2)).direction, "write")


class Stats(unittest.TestCase):
    def test_interval(self) -> None:
        ratio = stats.ratio([2, 4, 6, 8, 10], [1, 2, 3, 4, 5])
        self.assertEqual((ratio.median, ratio.low, ratio.high, ratio.confidence), (2, 2, 2, 0.9375))
        self.assertTrue(ratio.decided)
        self.assertEqual(stats.best_interval(6), (0, 0.96875))
        self.assertEqual(stats.best_interval(9)[0], 1)

    def test_few_rounds_decide_nothing(self) -> None:
        self.assertFalse(stats.ratio([2, 2, 2], [1, 1, 1]).decided)

    def test_zero_baseline(self) -> None:
        self.assertIsNone(stats.ratio([1, 0], [0, 0]))

    def test_judge_failing(self) -> None:
        self.assertEqual(judge_failing(["panic"], ["kernel panic: x"]), [])
        self.assertEqual(len(judge_failing(["panic", "hung"], ["kernel panic: x"])), 1)
        self.assertEqual(len(judge_failing(["panic"], [])), 1)


class Plans(unittest.TestCase):
    def plan(self, a: str, b: str, **more: str) -> ab.Plan:
        return ab.Plan("ab", (ab.side_of(a), ab.side_of(b)), **more)

    def test_comparable_scenarios_have_both_passes(self) -> None:
        self.assertTrue({"nvme", "virtio", "ahci"} <= set(ab.comparable()))
        for name in ab.comparable():
            item = scenario.load(name, "swiotlb")
            self.assertRegex(item.job, r"(?m)^fio_pass randwrite write ", name)
            self.assertRegex(item.job, r"(?m)^fio_pass randread read ", name)
            self.assertIn("pristine", item.kernels, name)

    def test_accepts(self) -> None:
        self.plan("pristine", "fixed").check()
        self.plan("fixed", "fixed", how="live", scenario="ahci").check()
        self.plan("pristine", "fixed", coco=True).check()

    def test_rejects(self) -> None:
        for plan, why in ((self.plan("fixed", "bogus"), "no backend bogus"),
                          (self.plan("pristine", "fixed", how="live"), "HOW=boot"),
                          (self.plan("fixed", "fixed", scenario="selftest"), "must be one of ahci, nvme"),
                          (self.plan("fixed", "fixed", scenario="bogus"), "no scenario bogus"),
                          (self.plan("fixed", "fixed", rounds=0), "at least 1"),
                          (self.plan("fixed", "fixed", how="dead"), "must be boot or live"),
                          (self.plan("fixed", "fixed", how="live", coco=True), "COCO=1 wants HOW=boot"),
                          (ab.Plan("run", (ab.Choice("pristine", "fixed"), ab.Choice("swiotlb", ""))),
                           "no backends to choose")):
            with self.assertRaisesRegex(RigError, why) as caught:
                plan.check()
            self.assertNotIn("\n", str(caught.exception))


class Live(unittest.TestCase):
    STAT = "cpu  %d 0 %d 0 0 0 0 0"

    def report(self, direction: str, iops: int) -> str:
        side = '{"io_bytes": %d, "iops": %d, "bw_bytes": 1, "lat_ns": {"max": 2000000},' \
            ' "clat_ns": {"percentile": {"99.000000": 1}}}'
        return ('{"jobs": [{"error": 0, "read": %s, "write": %s}]}'
                % tuple(side % (10 * (direction == name), iops) for name in ("read", "write")))

    def results(self, turn: str, iops: int) -> guest.Results:
        facts = f"before {self.STAT % (0, 0)}\nafter {self.STAT % (100, 50)}\nmap_failures 3\npeak_slots 4\n"
        return guest.Results(files={f"{turn}.turn": facts, f"{turn}.write.json": self.report("write", iops),
                                    f"{turn}.read.json": self.report("read", iops + 1)})

    def test_a_turn(self) -> None:
        values = live.turn_values(self.results("3.a", 70), "3.a")
        self.assertEqual(set(values), {metric.key for metric in METRICS})
        self.assertEqual((values["write_iops"], values["read_iops"]), (70, 71))
        self.assertEqual((values["cpu_s"], values["cpu_kernel_s"]), (1.5, 0.5))
        self.assertEqual((values["map_failures"], values["peak_bounce_kib"]), (3, 8))

    def test_a_turn_that_is_missing(self) -> None:
        with self.assertRaises(KeyError):
            live.turn_values(self.results("3.a", 70), "3.b")

    def test_the_job_is_wrapped(self) -> None:
        item = live.live_scenario(scenario.load("virtio", "swiotlb"), ["fixed", "fixed"], 5)
        once = int(scenario.load("virtio", "swiotlb")["limit"])
        self.assertEqual(int(item["limit"]), 11 * once)
        self.assertIn("ROUNDS=5", item.lists["env"])
        self.assertNotIn("ROUNDS=5", scenario.load("virtio", "swiotlb").lists["env"])
        done = subprocess.run(["sh", "-n"], input=item.job, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class Reports(unittest.TestCase):
    def comparison(self, rounds: int) -> Comparison:
        sides = Side(Kernel("swiotlb", RIG), "fixed"), Side(Kernel("swiotlb", RIG), "dynamic")
        for number in range(rounds):
            for factor, side in enumerate(sides, 1):
                side.add_round({metric.key: factor * (number + 10.0) for metric in METRICS})
        item = parse_scenario("devices = nvme\ncmdline = swiotlb=force\nsummary = x\n\njob:\ntrue\n")
        return Comparison("ab", "live", item, *sides, 1.0, 1, 1 << 20)

    def test_table_with_an_interval(self) -> None:
        header, first, *_ = table.rows(self.comparison(5))
        self.assertEqual(header[2:5], ["swiotlb/fixed", "swiotlb/dynamic", "ratio [94% interval]"])
        self.assertEqual(first[4:], ["2.000 [2.000 .. 2.000]", "better"])

    def test_rows_of_confidential_guests(self) -> None:
        result = self.comparison(5)
        self.assertEqual(len(table.rows(result)), 1 + len(METRICS))
        for side in (result.base, result.ours):
            for _ in range(5):
                side.add_round({metric.key: 0.0 for metric in COCO_METRICS})
        self.assertEqual(len(table.rows(result)), 1 + len(METRICS) + len(COCO_METRICS))
        self.assertIn("mixed 2 MiB blocks", page.table_section(result) + page.dot_section(result))

    def test_too_few_rounds_for_an_interval(self) -> None:
        result = self.comparison(4)
        header, first, *_ = table.rows(result)
        self.assertEqual((header[4], first[4:]), ("ratio", ["2.000", ""]))
        self.assertIn("too few", page.ratio_section(result))
        self.assertNotIn("interval (sign test)", page.ratio_section(result))

    def test_the_page_names_both(self) -> None:
        text = page.header(self.comparison(5)) + page.table_section(self.comparison(5))
        self.assertIn("swiotlb/dynamic against swiotlb/fixed", text)

    def test_equal_sides_are_told_apart(self) -> None:
        kernel = Kernel("swiotlb", RIG)
        sides = Side(kernel, "fixed"), Side(kernel, "fixed", "-again")
        self.assertEqual([side.title for side in sides], ["swiotlb/fixed", "swiotlb/fixed-again"])
        self.assertEqual([side.label for side in sides], ["fixed", "fixed-again"])


class Machines(unittest.TestCase):
    def arguments(self, devices: str, arch: str = "x86") -> list[str]:
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            machine = qemu.Machine(work, work, work, work, "", "1G", 1, devices, "1M", arch=arch)
            return qemu.device_args(machine)

    def test_disks(self) -> None:
        self.assertIn("file=", " ".join(self.arguments("nvme")))
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            machine = qemu.Machine(work, work, work, work, "", "1G", 1, "nvme", "1M", latency_ms=300)
            self.assertIn("driver=null-co,size=1048576,latency-ns=300000000,if=none,id=nvme0",
                          qemu.device_args(machine))
            machine = qemu.Machine(work, work, work, work, "", "1G", 1, "nvme", "1M", iops=50)
            self.assertIn(",throttling.iops-total=50", qemu.device_args(machine)[1])

    def test_each_external_device_has_a_port(self) -> None:
        argv = self.arguments("vtd nvme external/nvme external/e1000")
        self.assertEqual(argv[:2], ["-device", "intel-iommu"])
        self.assertIn("nvme,drive=nvme0,serial=nvme0", argv)
        self.assertIn("pcie-root-port,id=external0,addr=0x18,chassis=1", argv)
        self.assertIn("nvme,drive=externalnvme0,serial=externalnvme0,bus=external0", argv)
        self.assertIn("e1000,netdev=externale10001,bus=external1", argv)

    def test_external_port(self) -> None:
        """As iasl reads it: Scope (\\_SB.PCI0.SC0) { Name (_DSD, Package () { ToUUID (..), .. }) }"""
        self.assertEqual(acpi.external_port(0x18).hex(), (
            "1048045c2f03" "5f53425f" "50434930" "5343305f" "08" "5f445344" "123102"
            "11130a10" "cc06ccefac73c34bbff076143807c389"
            "121a01" "121702" "0d" "45787465726e616c466163696e67506f727400" "01"))

    def test_block_counts_its_own_length(self) -> None:
        self.assertEqual(acpi.block(b"\x10", bytes(62))[1], 63)
        self.assertEqual(acpi.block(b"\x10", bytes(63))[1:3], b"\x41\x04")
        with self.assertRaises(ValueError):
            acpi.block(b"\x10", bytes(4096))

    def test_arm64_has_disks_in_numbered_slots(self) -> None:
        argv = self.arguments("virtio-blk*2", "arm64")
        self.assertEqual([word.partition("bus=")[2] for word in argv if "virtio-blk" in word],
                         ["virtio-mmio-bus.0", "virtio-mmio-bus.1"])
        with self.assertRaises(RigError):
            self.arguments("nvme", "arm64")

    def test_one_processor_could_be_two_where_barriers_count(self) -> None:
        path = Path("x")
        for cpus, clock, arch, expected in ((1, "real", "x86", "1,maxcpus=2"), (2, "real", "x86", "2"),
                                            (1, "icount", "x86", "1"), (1, "real", "arm64", "1")):
            machine = qemu.Machine(path, path, path, path, "", "1G", cpus, "", "1M", clock=clock, arch=arch)
            self.assertEqual(qemu.processors(machine), ["-smp", expected])

    def command(self, cmdline: str, memory: str = "1G") -> str:
        path = Path("x")
        return " ".join(qemu.command(qemu.Machine(path, path, path, path, cmdline, memory, 1, "", "1M")))

    def test_ports_of_a_confidential_guest(self) -> None:
        for cmdline in ("coco_sim", "a coco_sim=x b", "coco_sim.call_ns=5 coco_sim"):
            self.assertIn(f"isa-debugcon,iobase={qemu.RESULTS_IO:#x},chardev=results", self.command(cmdline))
            self.assertNotIn("virtio-serial", self.command(cmdline))
        for cmdline in ("", "coco_sim.call_ns=5", "no_coco_sim", "coco_simple"):
            self.assertNotIn("isa-debugcon", self.command(cmdline))
            self.assertIn("virtserialport,chardev=results", self.command(cmdline))

    def test_large_memory_is_not_reserved(self) -> None:
        self.assertIn("size=64G,reserve=off", self.command("", "64G"))
        self.assertNotIn("reserve", self.command("", "4G"))

    def test_nodes_share_memory_and_processors(self) -> None:
        path = Path("x")
        words = " ".join(qemu.command(qemu.Machine(path, path, path, path, "", "6G", 4, "", "1M", nodes=2)))
        self.assertIn("-smp 4,sockets=2 ", words)
        self.assertIn(f"id=node1,size={3 << 30},", words)
        self.assertIn("-numa node,nodeid=0,memdev=node0,cpus=0-1 ", words)
        self.assertIn("-numa node,nodeid=1,memdev=node1,cpus=2-3 ", words)
        self.assertNotIn("-numa", self.command("", "6G"))


class Conversions(unittest.TestCase):
    HEADER = "site site calls bytes misaligned failures ns direction\n"

    def snapshot(self, calls: int, mixed: int, misaligned: int = 0, site: str = "swiotlb_update", **sim: int) -> str:
        sim = {"shared_bytes": 4 << 20, "calls_shared": calls, "calls_private": 1, "mixed_blocks": mixed, "exposed": 0,
               "freed_shared": 0, "checked": 7, "injected": 0} | sim
        return ("".join(f"sim {key} {value}\n" for key, value in sim.items())
                + "map DirectMap4k: 2048 kB\nmap DirectMap2M: 4096 kB\n" + self.HEADER
                + f"site {site}+0x1/0x2 {calls} 4096 {misaligned} 0 1500000 shared\n"
                + f"site kvmclock_init+0x1/0x2 1 4096 1 0 500000 shared\nsite total {calls + 1} 8192 1 0 2000000 -\n")

    def results(self, **phases: str) -> guest.Results:
        return guest.Results(files={f"coco.{name.replace('_', '-')}": text for name, text in phases.items()})

    def good(self, **other: str) -> guest.Results:
        phases = dict.fromkeys(("boot", "io", "first_round", "drivers", "end"), self.snapshot(5, 2)) | other
        return self.results(**phases)

    def test_parses(self) -> None:
        found = coco.parse(self.snapshot(5, 2, 3))
        self.assertEqual((found.conversions, found.count("calls"), found.count("ns")), (6, 6, 2000000))
        self.assertEqual((found.count("misaligned"), found.count("misaligned", dma_only=True)), (4, 3))
        self.assertEqual(found.direct_map_kib, {"4k": 2048, "2M": 4096})
        with self.assertRaises(ValueError):
            coco.parse("nonsense 1\n")

    def test_dma_code(self) -> None:
        for name, dma in (("dma_direct_alloc", True), ("alloc_dma_pages.isra.0", True), ("swiotlb_pool_share", True),
                          ("share", True), ("kvmclock_init", False), ("snp_msg_alloc", False)):
            self.assertEqual(coco.Site(f"{name}+0x10/0x20", {}).is_dma, dma, name)

    def test_what_no_guest_may_show(self) -> None:
        self.assertEqual(coco.problems(self.good()), [])
        for key in ("exposed", "freed_shared", "alloc_shared"):
            self.assertEqual(len(coco.problems(self.good(end=self.snapshot(5, 2, **{key: 1})))), 1, key)
        self.assertIn("proved nothing", coco.problems(self.good(end=self.snapshot(5, 2, checked=0)))[0])
        self.assertIn("not confidential", coco.problems(guest.Results())[0])
        self.assertIn("not confidential", coco.problems(self.results(end="sim x"))[0])

    def test_strict(self) -> None:
        self.assertEqual(coco.strict_problems(self.good()), [])
        for why, other in (("3 blocks of 2 MiB are mixed at boot", dict.fromkeys(("boot", "io", "drivers"), self.snapshot(5, 3))),
                           ("1 more blocks of 2 MiB are mixed after phase io", {"io": self.snapshot(6, 3)}),
                           ("1 more blocks of 2 MiB are mixed after phase drivers", {"drivers": self.snapshot(5, 3)}),
                           ("2 misaligned conversions from DMA code: swiotlb_update", {"end": self.snapshot(5, 2, 2)}),
                           ("converts: 2 times after the first round", {"drivers": self.snapshot(7, 2)})):
            reasons = coco.strict_problems(self.good(**other))
            self.assertEqual((len(reasons), why in reasons[0]), (1, True), reasons)
        self.assertEqual(coco.strict_problems(self.good(end=self.snapshot(5, 2, 2, "kvmclock_init"))), [])
        self.assertIn("no snapshot", coco.strict_problems(self.results(boot=self.snapshot(5, 2)))[0])

    def test_figures(self) -> None:
        found = coco.figures({"boot": coco.parse(self.snapshot(5, 2)), "end": coco.parse(self.snapshot(9, 3))})
        self.assertEqual(set(found), {metric.key for metric in COCO_METRICS})
        self.assertEqual((found["conversions_boot"], found["conversions_io"], found["convert_ms"]), (6, 4, 2))
        self.assertEqual((found["shared_mib"], found["mixed_blocks"], found["direct_map_2m_mib"]), (4, 3, 4))


class Sweep(unittest.TestCase):
    class Fake:
        """As much of a boot as a sweep asks for."""

        def __init__(self, at_boot: int, at_end: int, injected: int = 0, passed: bool = True) -> None:
            self.passed = passed
            self.conversions = {phase: coco.Snapshot({"calls_shared": calls, "calls_private": 1, "injected": injected})
                                for phase, calls in (("boot", at_boot), ("end", at_end))}

    ITEM = "sweep = calls_shared:p.s calls_private:p.p\nci_sweep = 2\n\njob:\ntrue\n"

    def test_each_in_turn(self) -> None:
        item, found = parse_scenario(self.ITEM), sweep.variants(parse_scenario(self.ITEM), ("v", "x"), self.Fake(2, 3), False)
        self.assertEqual(found, [("v_shared_1", "x p.s=1"), ("v_shared_2", "x p.s=2"), ("v_shared_3", "x p.s=3"),
                                 ("v_private_1", "x p.p=1")])
        self.assertEqual([name for name, _ in sweep.variants(item, ("", ""), self.Fake(2, 3), True)],
                         ["shared_1", "shared_3", "private_1"])
        self.assertEqual(sweep.variants(item, ("", ""), self.Fake(2, 3, passed=False), False), [])
        self.assertEqual(sweep.variants(parse_scenario("\njob:\ntrue\n"), ("", ""), self.Fake(2, 3), False), [])

    def test_spread(self) -> None:
        self.assertEqual((sweep.spread(3, 0), sweep.spread(3, 5), sweep.spread(9, 1)), ([1, 2, 3], [1, 2, 3], [1]))
        self.assertEqual((sweep.spread(10, 4), sweep.spread(0, 4)), ([1, 4, 7, 10], []))

    def test_something_must_fail(self) -> None:
        counted = self.Fake(2, 3)
        self.assertEqual(sweep.problems(("shared_2", ""), counted, self.Fake(2, 3, 1)), [])
        self.assertEqual(len(sweep.problems(("v_shared_2", ""), counted, self.Fake(2, 3))), 1)
        self.assertEqual(sweep.problems(("shared_3", ""), counted, self.Fake(2, 3)), [])


class Initramfs(unittest.TestCase):
    def archive(self) -> bytes:
        archive = initramfs.Archive()
        archive.add_dir("a/b")
        archive.add_file("a/b/c", b"hello", executable=True)
        return archive.pack()

    def test_reproducible(self) -> None:
        self.assertEqual(self.archive(), self.archive())

    def test_cpio_reads_it(self) -> None:
        listed = subprocess.run(["cpio", "-itv", "--quiet"], input=self.archive(),
                                capture_output=True, check=True).stdout.decode()
        self.assertRegex(listed, r"drwxr-xr-x.* a/b\n-rwxr-xr-x .* 5 .* a/b/c\n")


class Counts(unittest.TestCase):
    def counted(self, map_cost: int) -> counts.Counts:
        return counts.Counts({"empty": 200, "memcpy.64": 1200, "map.64.from.fff.90": 100 * map_cost + 200,
                              "unmap.64.from.fff.90": 5200, "io_tlb_used": 3, "lookup.own.1.hit": 5000})

    def lookup(self, pools: int, cost: float, backend: str = "pools", **other: float) -> counts.Lookup:
        costs = dict.fromkeys(counts.LOOKUPS, cost) | {key.replace("_", "."): value for key, value in other.items()}
        return counts.Lookup("swiotlb" if backend else "pristine-dynamic", backend, pools, costs)

    def bench(self, ours: int, table: list[counts.Lookup]) -> counts.Bench:
        side = counts.rows(self.counted(100), self.counted(ours))
        times = counts.map_times("swiotlb", "fixed", "icount", {"dma_map_benchmark.own.1.1.to.4.map_us": 2.5,
                                                                "dma_map_benchmark.own.1.1.to.4.unmap_us": 0})
        return counts.Bench("pristine", "swiotlb", 1.03, {"swiotlb/<x>": side}, ["swiotlb/<x>"], table, times)

    def test_rows_are_without_the_counter(self) -> None:
        row, = counts.rows(self.counted(100), self.counted(70))
        self.assertEqual((row.name, row.base, row.ours, row.memcpy), ("64.from.fff.90", 150, 120, 20))
        self.assertEqual((row.ratio, round(row.ratio_without_copy, 4)), (0.8, 0.7692))

    def test_rows_must_match(self) -> None:
        other = self.counted(1)
        other.values["map.64.to.fff.0"] = 1.0
        self.assertRaises(RigError, counts.rows, self.counted(1), other)

    def test_lookups(self) -> None:
        found = counts.lookups("swiotlb", "fixed", {"lookup.own.1.near.sync": 4150, "lookup.pools.256.hit": 8200,
                                                    "lookup.pools.256.hit_worst": 8300, "empty": 200})
        self.assertEqual([(item.title, item.pools, item.costs) for item in found],
                         [("swiotlb/fixed", 1, {"near.sync": 41.5}),
                          ("swiotlb/pools", 256, {"hit": 82, "hit_worst": 83})])

    def test_lookups_must_not_depend_on_pools(self) -> None:
        one = self.lookup(1, 40)
        self.assertEqual(counts.unsteady([one, self.lookup(256, 42), self.lookup(1, 30, "fixed")]), [])
        self.assertEqual(len(counts.unsteady([one, self.lookup(256, 40, hit=42.1)])), 1)
        self.assertEqual(len(counts.unsteady([one, self.lookup(256, 40, far_unmap=37)])), 1)
        self.assertEqual(counts.unsteady([one, self.lookup(256, 40, ram_unmap=50)]), [])

    def test_misses_must_not_be_dearer_than_upstream(self) -> None:
        upstream = self.lookup(1, 40, "")
        table = [self.lookup(1, 40, "x"), self.lookup(256, 40, "x", hit=90, fresh_unmap=50), self.lookup(1, 50)]
        self.assertEqual(counts.dearer(table, upstream), [])
        self.assertEqual(len(counts.dearer([self.lookup(256, 40, "x", near_sync=41)], upstream)), 1)

    def test_map_times(self) -> None:
        prefix = "dma_map_benchmark."
        found = counts.map_times("swiotlb", "fixed", "real", {
            f"{prefix}{whose}.{number}.2.both.4.{what}_us": value for whose, number, what, value in (
                ("dynamic", 1, "map", 3.0), ("dynamic", 2, "map", 5.0), ("dynamic", 1, "unmap", 1), ("none", 1, "map", 9.0),
                ("none", 1, "unmap", 8.0), ("own", 1, "map", 7.0), ("own", 1, "unmap", 6.0))})
        self.assertEqual([(item.title, item.case, item.map_us, item.unmap_us) for item in found],
                         [("swiotlb/dynamic", ("real", 2, "both", 4), 3.0, 1.0),
                          ("swiotlb", ("real", 2, "both", 4), 9.0, 8.0),
                          ("swiotlb/fixed", ("real", 2, "both", 4), 7.0, 6.0)])

    def test_bars(self) -> None:
        self.assertEqual(self.bench(104, [self.lookup(1, 40), self.lookup(256, 40)]).reasons, [])
        self.assertEqual(len(self.bench(105, []).reasons), 1)
        table = [self.lookup(1, 50, "x"), self.lookup(1, 40, "")]
        self.assertEqual(len(self.bench(100, table).reasons), len(counts.MISSES))
        self.assertEqual(self.bench(105, []).as_json()["verdict"], "fail")

    def test_page(self) -> None:
        page = bench_page.render(self.bench(105, [self.lookup(1, 40), self.lookup(256, 40)]))
        parsed = ElementTree.fromstring(re.sub(r"<!.*?>|<meta[^>]*>|&emsp;", "", page))
        self.assertEqual([item.text for item in parsed.iter("h2")][1], "Lookup")
        self.assertIn("swiotlb/<x>", "".join(parsed.itertext()))


if __name__ == "__main__":
    unittest.main()
