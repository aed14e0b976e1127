#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Tests of the rig's own judgement; needs neither QEMU nor a kernel."""

from __future__ import annotations

import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import badness
import fio
import guest
import initramfs
import ktap
import scenario
import stats
from boot import add_backend, judge_failing
from common import RigError


def parse_scenario(text: str, kernel: str = "swiotlb") -> scenario.Scenario:
    """A scenario from text instead of a file of the repository."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "x.scenario").write_text(text)
        return scenario.load("x", kernel, Path(folder))


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

    def test_kernel_specific_lines(self) -> None:
        text = "limit = 5\nlimit@debug = 50\nallow = a ## b\nallow@debug = c ## d\n\njob:\ntrue\n"
        self.assertEqual(parse_scenario(text)["limit"], "5")
        self.assertEqual(parse_scenario(text, "debug")["limit"], "50")
        self.assertEqual(parse_scenario(text, "debug").allowed(), [("a", "b"), ("c", "d")])

    def test_failing_on_purpose(self) -> None:
        item = parse_scenario("fails = all\nfails = [a] only\n\njob:\ntrue\n")
        self.assertEqual((item.must_fail("a"), item.must_fail("b")), (["all", "only"], ["all"]))

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


class Badness(unittest.TestCase):
    def test_finds(self) -> None:
        for line in ("WARNING: CPU: 0 PID: 1 at x", "BUG: KASAN: slab-out-of-bounds", "Oops: 0002 [#1]",
                     "INFO: task fio:12 blocked for more than 120 seconds", "UBSAN: shift-out-of-bounds",
                     "WARNING: possible circular locking dependency detected", "Call Trace:",
                     "nvme 0000:00:02.0: swiotlb buffer is full (sz: 4096 bytes), total 512",
                     "I/O error, dev nvme0n1, sector 0", "DMA-API: nvme: device driver maps",
                     "Kernel panic - not syncing: x", "watchdog: BUG: soft lockup - CPU#0",
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
        side = '{"io_bytes": %d, "iops": 1, "bw_bytes": 1, "clat_ns": {"percentile": {"99.000000": 1}}}'
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


if __name__ == "__main__":
    unittest.main()
