#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Tests of swiotlb-top on recorded files, no kernel needed: a few seconds.

trees/*.tree are files of a machine: `== <path>`, then what is in the file; `\\e` stands for an escape character, and a
path that ends with a slash is an empty folder. The program is built with sanitizers, or $SWIOTLB_TOP names one.
"""

import json
import os
import pty
import re
import select
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest
from fcntl import ioctl
from pathlib import Path

HERE = Path(__file__).resolve().parent
MIB = 1 << 20
DEADLINE = 60  # seconds for anything to happen: nothing here is measured
BUILD = {"dir": None, "top": os.environ.get("SWIOTLB_TOP")}


def setUpModule():
    BUILD["dir"] = Path(tempfile.mkdtemp(prefix="swiotlb-top-"))
    BUILD["dir"].chmod(0o755)
    if not BUILD["top"]:
        env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
        subprocess.run(["make", "-s", "-C", HERE.parent, f"O={BUILD['dir']}", "CFLAGS=-O1 -g -Werror "
                        "-fsanitize=address,undefined -fno-sanitize-recover=all"], check=True, env=env)
        BUILD["top"] = str(BUILD["dir"] / "swiotlb-top")


def tearDownModule():
    shutil.rmtree(BUILD["dir"])


def read_tree(name):
    """{path: content} of a recorded tree."""
    text = (HERE / "trees" / f"{name}.tree").read_text().replace("\\e", "\033")
    parts = re.split(r"^== (.*)\n", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


class Top(unittest.TestCase):
    def setUp(self):
        self.dir = Path(tempfile.mkdtemp(dir=BUILD["dir"]))
        self.dir.chmod(0o755)

    def tree(self, name, change=None, to=None):
        """Unpack a tree; `change` are other contents for some of its files."""
        root = self.dir / (to or name)
        for path, text in {**read_tree(name), **(change or {})}.items():
            target = root / path
            if path.endswith("/"):
                target.mkdir(parents=True, exist_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text)
        return root

    def run_top(self, *words, status=0, user=None):
        result = subprocess.run([BUILD["top"], *map(str, words)], capture_output=True, text=True, timeout=DEADLINE,
                                stdin=subprocess.DEVNULL, user=user, check=False)
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        return result

    def roots(self, *names):
        return [word for name in names for word in ("--root", self.tree(name))]

    def samples(self, *names, words=()):
        """Each line is JSON, without a key twice."""
        def once(pairs):
            self.assertEqual(len(pairs), len(dict(pairs)), pairs)
            return dict(pairs)
        text = self.run_top("-J", *words, *self.roots(*names)).stdout
        return [json.loads(line, object_pairs_hook=once) for line in text.splitlines()]

    def advice(self, *names, status=3):
        """{id: advice} of the last sample, in JSON, after comparing it with the text."""
        roots = self.roots(*names)
        text = self.run_top("-a", "-b", *roots, status=status).stdout
        last = json.loads(self.run_top("-a", "-J", *roots, status=status).stdout.splitlines()[-1])
        for item in last["advice"]:
            self.assertIn(f"{item['level']}: {item['what']}\n    why: {item['reason']}\n", text)
            self.assertIn(item["command"], text)
        return {item["id"]: item for item in last["advice"]}


class Figures(Top):
    def test_fixed(self):
        sample, = self.samples("fixed")
        self.assertEqual((sample["active"], sample["backends"]), ("fixed", "[fixed] dynamic cc"))
        self.assertEqual((sample["uptime_seconds"], sample["interval_seconds"]), (100, None))
        self.assertEqual(sample["memory_bytes"], 4096 * MIB)
        self.assertEqual(sample["parameters"]["cc_idle_ms"], 5000)
        domain, = sample["domains"]
        self.assertEqual((domain["size_bytes"], domain["used_bytes"], domain["hiwater_bytes"]),
                         (64 * MIB, 2 * MIB, 20 * MIB))
        self.assertEqual(domain["failures"], dict.fromkeys(
            ["invalid", "not_ready", "too_large", "out_of_reach", "fragmented", "exhausted"], 0))
        self.assertEqual((domain["stats"]["maps"], domain["stats"]["fixed.unmaps"]), (2600, 2500))
        self.assertEqual((domain["failures_per_second"], domain["stats_per_second"]), ({}, {}))
        instance, = domain["instances"]
        self.assertEqual((instance["backend"], instance["role"], instance["areas"], instance["fullest_percent"]),
                         ("fixed", "active", 2, 6))
        self.assertEqual(sum(bucket["count"] for bucket in sample["sizes"]), 2600)
        self.assertEqual(sample["sizes"][-1], {"up_to_bytes": None, "count": 0})
        self.assertIsNone(sample["conversions"])
        self.assertEqual((sample["devices"], sample["notices"]), ([], []))

    def test_growth(self):
        first, second = self.samples("cc-1", "cc-2")
        self.assertEqual((first["interval_seconds"], second["interval_seconds"]), (None, 10))
        domain = second["domains"][0]
        self.assertEqual(domain["stats_per_second"]["maps"], 5000)
        self.assertEqual(domain["stats_per_second"]["cc.maps"], 5000)
        self.assertEqual(domain["stats_per_second"]["dynamic.maps"], 0)
        self.assertEqual((domain["stats"]["cc.512.used_bytes"], domain["stats_per_second"]["cc.4K.buffers"]), (16384, 5000))
        retiring, active = domain["instances"]
        self.assertEqual((retiring["role"], retiring["pools"], retiring["areas"], retiring["fullest_percent"]),
                         ("retiring", 1, 4, 0))
        self.assertEqual(active["values"], {"cap_mib": 2048, "boot_chunks": 4, "grown_chunks": 20, "grown": 20,
                                            "shrunk": 0, "failed": 0})
        self.assertEqual([(c["reach"], c["name"], c["slabs"], c["slots"], c["free"], c["cached"], c["waste_percent"])
                          for c in active["classes"]],
                         [("low", "4K", None, 0, 0, 0, 7), ("any", "512", 32, 4096, 4000, 64, 40),
                          ("any", "4K", None, 11264, 200, 12, 7), ("any", "16K-runs", None, 0, 0, 0, None)])
        self.assertEqual([(d["name"], d["bounces"], d["bytes"]) for d in second["devices"]],
                         [("0000:00:04.0", 60000, 60000 * 4096), ("0000:00:05.0", 400, 400 * 512)])
        self.assertEqual([(c["site"], c["calls"], c["misaligned"]) for c in second["conversions"]],
                         [("total", 29, 4), ("kvm_init+0x10/0x20", 4, 4), ("swiotlb_pages_share+0x30/0x90", 25, 0)])
        self.assertEqual(second["notices"], [])

    def test_devices(self):
        """Mappings made are better than mappings asked for; both together would count twice."""
        path = "sys/kernel/tracing/events/swiotlb/swiotlb_mapped/hist"
        both = "{ dev_name: a, reason: x } hitcount: 3 size: 30\n{ dev_name: a } hitcount: 1  size: 5\n"
        for text, rows in ((both, ["a", 4, 35]),
                           ("# nothing counted\nTotals:\n", ["0000:00:04.0", 10000, 10000 * 4096])):
            root = self.tree("cc-1", {path: text}, to=rows[0])
            sample = json.loads(self.run_top("-J", "--root", root).stdout)
            self.assertEqual(list(sample["devices"][0].values()), rows)

    def test_restricted(self):
        domains = self.samples("restricted")[0]["domains"]
        self.assertEqual([(d["name"], d["size_bytes"], d["failures"]["exhausted"]) for d in domains],
                         [("", 64 * MIB, 0), ("wifi@50000000", 256 << 10, 5)])
        self.assertIn("restricted pool wifi@50000000", self.run_top("-b", *self.roots("restricted")).stdout)

    def test_legacy(self):
        sample, = self.samples("legacy")
        domain, = sample["domains"]
        self.assertEqual((domain["size_bytes"], domain["hiwater_bytes"]), (64 * MIB, 9000 * 2048))
        self.assertEqual((domain["leaked_bytes"], domain["failures"], domain["stats"], domain["instances"]),
                         (None, {}, {}, []))
        self.assertEqual((sample["backends"], sample["notices"]), ("", []))

    def test_garbage(self):
        """Whatever the files hold: no crash, no invented figure, no escape sequence, and it is said that it is so."""
        change = {"sys/kernel/debug/swiotlb/stats": "".join(f"n{i} {i}\n" for i in range(9000)),
                  "sys/kernel/debug/swiotlb/size_histogram": "".join(f"{i} 1\n" for i in range(2000)),
                  "sys/kernel/tracing/events/swiotlb/swiotlb_bounced/hist":
                  "".join(f"{{ dev_name: d{i} }} hitcount: 1 size: 1\n" for i in range(500))}
        for root in (self.tree("garbage"), self.tree("garbage", change, to="more")):
            sample = json.loads(self.run_top("-J", "--root", root).stdout)
            domain = sample["domains"][0]
            self.assertEqual((domain["size_bytes"], domain["used_bytes"], domain["hiwater_bytes"]), (64 * MIB, 0, None))
            self.assertEqual((domain["transient_bytes"], domain["coherent_used_bytes"]), (None, None))
            self.assertEqual(domain["failures"]["tail"], 8)
            self.assertEqual(domain["failures"]['quote"back\\slash'], 1)
            self.assertEqual(list(domain["failures"]), ['quote"back\\slash', "esc\033[2J", "utf8-\u00c3\u00a9", "tail"])
            self.assertIsNone(sample["conversions"])
            self.assertRegex(sample["notices"][-1], r"^\d+ lines were not understood")
            for words, status in (([], 0), (["-a"], 3)):
                text = self.run_top("-b", *words, "--root", root, status=status).stdout
                self.assertNotIn("\033", text)
                self.assertTrue(text.isascii() and text.replace("\n", "").isprintable())

    def test_counter_restarts(self):
        """Figures of another boot: no rate, rather than a negative one."""
        later = self.samples("cc-2", "cc-1")[1]["domains"][0]
        self.assertIsNone(later["stats_per_second"]["maps"])

    def test_text(self):
        text = self.run_top("-b", *self.roots("cc-1", "cc-2")).stdout
        first, second = text.split("\n\n")
        for line in ("swiotlb-top  up 210 s  last 10.0 s  backends fixed dynamic [cc]",
                     "memory      112M   used  24.5M  22%   at most  24.7M  22%",
                     "coherent    256K of it   in own blocks   2.0M   by neither 0 times",
                     "failures  none",
                     "a second     5000     5000    19.5M     9.8M      500        0     3.2M        0",
                     "cc       active    48.0M  24.0M  50%   2.0G    20      0      0   5000",
                     "4K       any       22     -  11.3k    200     12  98%  11.3k     7    5000",
                     "512      any        -    32   4096   4000     64   1%     40    40       0",
                     "0000:00:04.0          60.0k    234M      5000   19.5M",
                     "swiotlb_pages_share+ shared      25  50.0M          0      0    2.5       -"):
            self.assertIn(f"{line}\n", second)
        self.assertNotIn("a second", first)
        self.assertIn("sizes to  512 10.0%  2K 10.0%  4K 100.0%", first)

    def test_units(self):
        """All figures keep to their columns, whatever their size."""
        for value in ("999", "1000", "9999", "99999", "999999", "9" * 12, "9" * 15):
            change = {"sys/kernel/debug/swiotlb/stats": f"maps {value}\nunmaps {value}\nbytes_to_device {value}\n"}
            text = self.run_top("-b", "--root", self.tree("fixed", change, to=value)).stdout
            row = re.search(r"^in all .*$", text, re.M)[0]
            self.assertRegex(row, r"^in all    +\S{1,6} +\S{1,6} +\S{1,6}( +-){5}$")


class Advice(Top):
    def test_fine(self):
        self.assertEqual(list(self.advice("fixed", status=0)), ["fine"])
        self.assertIn("no failures", self.advice("legacy", status=0)["fine"]["reason"])
        self.assertEqual(self.advice("none", status=0)["none"]["level"], "fine")

    def test_cap(self):
        advice = self.advice("dynamic-full-1", "dynamic-full-2")
        self.assertEqual(list(advice), ["cap", "fragmented", "too_large", "out_of_reach", "transient"])
        self.assertIn("53 mappings failed since boot (exhausted), 50 of them just now", advice["cap"]["reason"])
        self.assertIn("echo 256 >/sys/module/swiotlb/parameters/dynamic_max_mib", advice["cap"]["command"])
        self.assertIn("20 areas", advice["fragmented"]["reason"])
        self.assertEqual([advice[name]["level"] for name in advice], ["problem"] * 4 + ["hint"])

    def test_cap_and_memory(self):
        """No more than half of all memory."""
        for mib, command in ((300, "echo 150 >"), (200, "give the machine more memory")):
            root = self.tree("dynamic-full-1", {"proc/meminfo": f"MemTotal: {mib * 1024} kB\n"}, to=f"{mib}")
            self.assertIn(f"    do:  {command}", self.run_top("-a", "--root", root, status=3).stdout)

    def test_fixed_full(self):
        advice = self.advice("fixed-full")
        self.assertEqual(list(advice), ["exhausted", "fragmented", "not_ready", "invalid"])
        self.assertEqual(advice["exhausted"]["command"], "swiotlb=4096 on the kernel's command line (8.0M)")
        self.assertIn("1 mapping failed since boot (invalid)", advice["invalid"]["reason"])

    def test_other_backend(self):
        """Where there is one that grows, it is the first thing to try."""
        path = "sys/kernel/swiotlb/backend"
        root = self.tree("fixed-full", {path: "[fixed] dynamic\n"})
        self.assertIn("echo dynamic >/sys/kernel/swiotlb/backend, or swiotlb=4096",
                      self.run_top("-a", "--root", root, status=3).stdout)
        (root / path).write_text("[fixed] dynamical\n")
        self.assertNotIn("echo dynamic >", self.run_top("-a", "--root", root, status=3).stdout)

    def test_growth(self):
        advice = self.advice("dynamic-no-memory")["no_memory"]
        self.assertIn("12 times in vain", advice["reason"])
        advice = self.advice("cc-burst")["burst"]
        self.assertIn("though 16.0M of at most 1024M were taken", advice["reason"])
        self.assertIn("swiotlb=8192 ", advice["command"])

    def test_platform(self):
        advice = self.advice("platform")
        self.assertEqual(list(advice), ["lost", "fallbacks", "granules"])
        self.assertIn("4.0M", advice["lost"]["reason"])

    def test_size(self):
        advice = self.advice("oversized", status=0)["too_much"]
        self.assertIn("at most 20.0M of 512M", advice["reason"])
        self.assertIn("swiotlb=32768 on the kernel's command line (64.0M)", advice["command"])
        advice = self.advice("nearly-full", status=0)["nearly_full"]
        self.assertIn("swiotlb=8192 ", advice["command"])

    def test_restricted(self):
        advice = self.advice("restricted")
        self.assertTrue(advice["exhausted"]["what"].startswith("wifi@50000000: "))
        self.assertIn("where firmware describes it", advice["exhausted"]["command"])
        self.assertIn("fine", advice)

    def test_retiring(self):
        advice = self.advice("cc-2", status=0)
        self.assertIn("dynamic: drivers still hold 512K of its 64.0M", advice["retiring"]["reason"])


class Errors(Top):
    def test_usage(self):
        for words in (["-d", "0"], ["-d", "nan"], ["-d", "1x"], ["-d", "1e9"], ["-n", "0"], ["-n", "-1"], ["-n", "x"],
                      ["-x"], ["extra"], ["--root"]):
            result = self.run_top(*words, status=2)
            self.assertIn("usage:", result.stderr)
            self.assertEqual(result.stdout, "")
        self.assertIn("usage:", self.run_top("--help").stdout)

    def test_nothing(self):
        (self.dir / "empty").mkdir()
        (self.dir / "debug/sys/kernel/debug").mkdir(parents=True)
        (self.dir / "other/sys/kernel/debug/bdi").mkdir(parents=True)
        for name, word in (("empty", "CONFIG_DEBUG_FS"), ("debug", "mount -t debugfs none /sys/kernel/debug"),
                           ("other", "no /sys/kernel/debug/swiotlb"), ("missing", "CONFIG_DEBUG_FS")):
            for words in ([], ["-b"], ["-J"], ["-a"]):
                result = self.run_top(*words, "--root", self.dir / name, status=1)
                self.assertIn(word, result.stderr)
                self.assertEqual((result.stdout, result.stderr.count("\n")), ("", 1))

    def test_unmounted(self):
        """What sysfs has is shown, and how to see more."""
        roots = self.roots("unmounted")
        text = self.run_top("-b", *roots).stdout
        self.assertIn("backends [fixed] dynamic cc", text)
        self.assertIn("note: debugfs is not mounted: mount -t debugfs none /sys/kernel/debug", text)
        self.assertEqual(self.run_top("-a", *roots).stdout.count("\n"), 1)

    def test_permission(self):
        root = self.tree("fixed")
        user = 65534 if os.geteuid() == 0 else None
        (root / "sys/kernel/debug").chmod(0)
        self.addCleanup((root / "sys/kernel/debug").chmod, stat.S_IRWXU)
        text = self.run_top("-b", "--root", root, user=user).stdout
        self.assertIn("note: no permission to read /sys/kernel/debug/swiotlb: run swiotlb-top as root", text)
        self.assertIn("backends [fixed] dynamic cc", text)
        (root / "sys/kernel/swiotlb/backend").unlink()
        self.assertIn("as root", self.run_top("-b", "--root", root, user=user, status=1).stderr)

    def test_closed_output(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            result = subprocess.run([BUILD["top"], "-b", "--root", self.tree("fixed")], stdout=full, check=False)
        self.assertEqual(result.returncode, 1)

    def test_counts(self):
        """Without an end given, a pipe gets one sample; with a count, that many."""
        root = self.tree("fixed")
        for words, count in (([], 1), (["-b"], 1), (["-n", "3", "-d", "0.1"], 3), (["-b", "-n", "2", "-d", "0.1"], 2)):
            text = self.run_top(*words, "--root", root).stdout
            self.assertEqual(text.count("swiotlb-top "), count)
        self.assertEqual(self.run_top("-J", "-n", "2", "-d", "0.1", "--root", root).stdout.count("\n"), 2)


class Terminal(Top):
    """On a terminal of its own."""

    def start(self, *words, columns=80, rows=24, term="xterm"):
        pid, self.fd = pty.fork()
        if pid == 0:
            os.environ["TERM"] = term
            # before anybody could be told of a change
            self.resize(0, columns, rows)
            os.execv(BUILD["top"], [BUILD["top"], *map(str, words)])
        self.addCleanup(os.close, self.fd)
        self.pid, self.seen = pid, ""

    @staticmethod
    def resize(fd, columns, rows):
        """Who has the terminal is told by SIGWINCH."""
        ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def wait_for(self, pattern):
        """Read until a pattern is in what has not been looked at yet; return all up to there."""
        end = time.monotonic() + DEADLINE
        while not (match := re.search(pattern, self.seen, re.S)):
            self.assertLess(time.monotonic(), end, f"no {pattern!r} in {self.seen!r}")
            if select.select([self.fd], [], [], 1)[0]:
                try:
                    self.seen += os.read(self.fd, 65536).decode()
                except OSError:  # nobody has it open any more
                    self.fail(f"ended before {pattern!r}: {self.seen!r}")
        text, self.seen = self.seen[:match.end()], self.seen[match.end():]
        return text

    def ends_with(self, status):
        end = time.monotonic() + DEADLINE
        while True:
            pid, code = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                break
            self.assertLess(time.monotonic(), end, "does not end")
            time.sleep(0.01)
        self.assertEqual(os.waitstatus_to_exitcode(code), status)

    def test_keys(self):
        self.start("-d", "3600", "--root", self.tree("fixed-full"))
        self.wait_for(r"\033\[\?1049h.*memory .*\033\[J")
        attributes = termios.tcgetattr(self.fd)
        self.assertFalse(attributes[3] & termios.ECHO)
        os.write(self.fd, b" ")
        self.wait_for(r"last .*memory .*\033\[J")
        os.write(self.fd, b"a")
        self.wait_for(r"problem: .*\033\[J")
        os.write(self.fd, b"a")
        self.wait_for(r"memory .*\033\[J")
        os.write(self.fd, b"q")
        self.wait_for(r"\033\[\?25h\033\[\?1049l")
        self.ends_with(0)
        self.assertTrue(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def test_signals(self):
        root = self.tree("fixed")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self.start("-d", "3600", "--root", root)
            self.wait_for(r"memory .*\033\[J")
            os.kill(self.pid, number)
            self.wait_for(r"\033\[\?1049l")
            self.ends_with(0)

    def test_stop(self):
        self.start("-d", "3600", "--root", self.tree("fixed"))
        self.wait_for(r"memory .*\033\[J")
        os.kill(self.pid, signal.SIGTSTP)
        self.wait_for(r"\033\[\?1049l")
        os.waitpid(self.pid, os.WUNTRACED)
        os.kill(self.pid, signal.SIGCONT)
        self.wait_for(r"\033\[\?1049h.*memory .*\033\[J")
        os.write(self.fd, b"q")
        self.ends_with(0)

    def test_narrow(self):
        """No line is longer than the terminal, no line more than it has, and nothing scrolls."""
        self.start("-d", "3600", "--root", self.tree("cc-2"))
        self.wait_for(r"memory .*\033\[J")
        for columns, rows in ((40, 10), (20, 3), (200, 60), (1, 1)):
            self.resize(self.fd, columns, rows)
            text = self.wait_for(r"\033\[H[^\033]*(\033\[[0-9]*[mK][^\033]*)*\033\[J")
            if columns > 40:
                self.assertIn("last", text)
            lines = re.sub(r"\033\[[0-9]*[a-zA-Z]", "", text).split("\r\n")
            self.assertLessEqual(len(lines), rows)
            self.assertLessEqual(max(map(len, lines)), columns)
        os.write(self.fd, b"q")
        self.ends_with(0)

    def test_dumb(self):
        self.start("-n", "1", "--root", self.tree("fixed"), term="dumb")
        self.assertNotIn("\033", self.wait_for("failures  none"))

    def test_last_screen_stays(self):
        self.start("-n", "2", "-d", "0.1", "--root", self.tree("fixed"))
        self.wait_for(r"\033\[\?1049l.*memory .*failures  none")

    def test_advise_is_text(self):
        """Advice on a terminal is there to be read and copied."""
        self.start("--advise", "--root", self.tree("fixed-full"))
        self.assertNotIn("\033", self.wait_for("problem: .*invalid"))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
