#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Tests of the build scripts, on a toy repository with a toy kernel: a second in all."""

import lzma
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent
sys.path.insert(0, str(SCRIPTS))
USER_SPACE = SCRIPTS.parent / "tools/testing/swiotlb"

PATCH = """Subject: toy: Say two

Because one is not enough.

diff --git a/kernel/edited.c b/kernel/edited.c
--- a/kernel/edited.c
+++ b/kernel/edited.c
@@ -1,3 +1,3 @@
 first
-one
+two
 last
"""


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


class Toy(unittest.TestCase):
    """A repository with the real scripts, and a kernel of six files."""

    def setUp(self):
        self.top = Path(tempfile.mkdtemp(prefix="swiotlb-scripts-"))
        self.addCleanup(shutil.rmtree, self.top)
        self.repo, self.kernel = self.top / "repo", self.top / "kernel"
        shutil.copytree(SCRIPTS, self.repo / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
        write(self.repo / "kernel.mk", "KERNEL_RELEASE := 6.12\nKERNEL_TARBALL := /nonexistent\n"
              "KERNEL_LEGACY := kernel/legacy.c\nKERNEL_OVERLAY := include \\\n\tkernel\n")
        write(self.repo / "patches/6.12/series", "# comment\n0001-toy.patch\n")
        write(self.repo / "patches/6.12/0001-toy.patch", PATCH)
        write(self.repo / "kernel/new/core.c", "new\n")
        write(self.repo / "include/replaced.h", "ours\n")
        write(self.kernel / "Makefile", "VERSION = 6\nPATCHLEVEL = 12\nmrproper:\n\trm -f built\n")
        write(self.kernel / "built", "an object of an in-place build\n")
        write(self.kernel / "kernel/edited.c", "first\none\nlast\n")
        write(self.kernel / "kernel/legacy.c", "legacy\n")
        write(self.kernel / "include/replaced.h", "theirs\n")
        write(self.kernel / ".git/HEAD", "not to be copied\n")
        self.tree, self.pristine = self.repo / "build/6.12", self.repo / "build/6.12-pristine"

    def run_tree(self, **env):
        # GIT_CEILING_DIRECTORIES: the toy must not find a repository around the temporary folder.
        env = {**os.environ, "KERNEL": str(self.kernel), "GIT_CEILING_DIRECTORIES": str(self.top), **env}
        return subprocess.run([sys.executable, "-B", self.repo / "scripts/tree.py"], capture_output=True, text=True,
                              env=env, check=False)

    def make_tree(self):
        result = self.run_tree()
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def assert_refused(self, result, words):
        self.assertEqual(result.returncode, 1)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        self.assertIn(words, result.stderr)

    def contents(self, tree):
        return {str(path.relative_to(tree)): (path.read_text(), path.stat().st_mtime_ns)
                for path in tree.rglob("*") if path.is_file()}


class Tree(Toy):
    def test_overlay_patch_and_removal(self):
        before = self.contents(self.kernel)
        self.make_tree()
        self.assertEqual((self.tree / "kernel/edited.c").read_text(), "first\ntwo\nlast\n")
        self.assertEqual((self.tree / "include/replaced.h").read_text(), "ours\n")
        self.assertEqual((self.tree / "kernel/new/core.c").read_text(), "new\n")
        self.assertFalse((self.tree / "kernel/legacy.c").exists())
        self.assertFalse((self.tree / "built").exists(), "not cleaned")
        self.assertFalse((self.tree / ".git").exists())
        self.assertEqual((self.pristine / "kernel/edited.c").read_text(), "first\none\nlast\n")
        self.assertEqual(self.contents(self.kernel), before, "the user's tree was touched")

    def test_only_what_changed_is_written(self):
        self.make_tree()
        before = self.contents(self.tree)
        self.assertEqual(self.make_tree(), "")
        self.assertEqual(self.contents(self.tree), before)
        write(self.repo / "kernel/new/core.c", "newer\n")
        self.assertEqual(self.make_tree(), "tree: changed kernel/new/core.c\n")
        after = self.contents(self.tree)
        self.assertEqual({path for path in after if after[path] != before[path]}, {"kernel/new/core.c"})

    def test_deleted_overlay_files(self):
        self.make_tree()
        old = (self.tree / "include/replaced.h").stat().st_mtime_ns
        (self.repo / "kernel/new/core.c").unlink()
        (self.repo / "include/replaced.h").unlink()
        self.make_tree()
        self.assertFalse((self.tree / "kernel/new").exists())
        self.assertEqual((self.tree / "include/replaced.h").read_text(), "theirs\n")
        self.assertGreater((self.tree / "include/replaced.h").stat().st_mtime_ns, old, "make would not notice")

    def test_patch_dropped_from_series(self):
        self.make_tree()
        write(self.repo / "patches/6.12/series", "")
        self.make_tree()
        self.assertEqual((self.tree / "kernel/edited.c").read_text(), "first\none\nlast\n")

    def test_reject(self):
        write(self.kernel / "kernel/edited.c", "FIRST\none\nlast\n")  # would apply with fuzz
        self.assert_refused(self.run_tree(), "0001-toy.patch does not apply")

    def test_missing_patch(self):
        write(self.repo / "patches/6.12/series", "0002-absent.patch\n")
        self.assert_refused(self.run_tree(), "0002-absent.patch, which does not exist")

    def test_wrong_base(self):
        self.assert_refused(self.run_tree(KERNEL=str(self.top)), "is not a kernel source tree")
        self.assert_refused(self.run_tree(KERNEL=""), "/nonexistent is missing")
        write(self.kernel / "Makefile", "VERSION = 6\nPATCHLEVEL = 13\n")
        self.assert_refused(self.run_tree(), "is release 6.13, this overlay needs 6.12")

    def test_base_stays_until_another_is_chosen(self):
        self.make_tree()
        self.assertEqual(self.run_tree(KERNEL="").stdout, "")
        other = self.top / "other"
        shutil.copytree(self.kernel, other)
        write(other / "kernel/edited.c", "first\none\nlast\nmore\n")
        self.assertEqual(self.run_tree(KERNEL=str(other)).returncode, 0)
        self.assertEqual((self.tree / "kernel/edited.c").read_text(), "first\ntwo\nlast\nmore\n")

    def test_file_in_both_places(self):
        write(self.repo / "kernel/edited.c", "ours\n")
        self.assert_refused(self.run_tree(), "kernel/edited.c is both in the overlay and changed by the series")

    def test_baseline(self):
        """What measures the pristine tree gets there, and nothing else; without it the tree is the base again."""
        patch = PATCH.replace("edited", "measured")
        write(self.kernel / "kernel/measured.c", "first\none\nlast\n")
        write(self.repo / "patches/6.12/0002-measure.patch", patch)
        write(self.repo / "patches/6.12/series", "0001-toy.patch\n0002-measure.patch\n")
        write(self.repo / "kernel/meter/meter.c", "meter\n")
        self.make_tree()
        before = self.contents(self.pristine)
        write(self.repo / "patches/6.12/series.baseline", "0002-measure.patch\n")
        settings = (self.repo / "kernel.mk").read_text()
        write(self.repo / "kernel.mk", settings + "KERNEL_BASELINE := kernel/meter/* \\\n\tinclude/replaced.h\n")
        self.make_tree()
        for tree in (self.pristine, self.tree):
            self.assertEqual((tree / "kernel/measured.c").read_text(), "first\ntwo\nlast\n")
            self.assertEqual((tree / "kernel/meter/meter.c").read_text(), "meter\n")
            self.assertEqual((tree / "include/replaced.h").read_text(), "ours\n")
        self.assertEqual((self.pristine / "kernel/edited.c").read_text(), "first\none\nlast\n")
        self.assertFalse((self.pristine / "kernel/new").exists())
        self.assertEqual(self.make_tree(), "", "the base was taken for what it is not")
        write(self.repo / "patches/6.12/series.baseline", "")
        write(self.repo / "kernel.mk", settings)
        self.make_tree()
        self.assertEqual({path: text for path, (text, _) in self.contents(self.pristine).items()},
                         {path: text for path, (text, _) in before.items()})
        self.assertFalse((self.pristine / "kernel/meter").exists())
        self.assertEqual((self.tree / "kernel/measured.c").read_text(), "first\ntwo\nlast\n")

    def test_interrupted_copy_is_not_a_tree(self):
        write(self.repo / "build/6.12.half/rest", "of an interrupted run\n")
        self.make_tree()
        self.assertFalse((self.tree / "rest").exists())


class Configuration(Toy):
    def test_options_that_do_not_hold(self):
        from kernel import broken_options
        write(self.top / ".config", 'CONFIG_A=y\nCONFIG_B=m\n# CONFIG_C is not set\nCONFIG_S="x"\n')
        wanted = {"CONFIG_A": "y", "CONFIG_B": "y", "CONFIG_C": "n", "CONFIG_D": "y", "CONFIG_S": '"x"'}
        self.assertEqual(broken_options(wanted, self.top / ".config"), ["CONFIG_B=y (is m)", "CONFIG_D=y (is n)"])

    def test_on_top_of_the_distribution(self):
        """Ours stand instead of theirs, also of those that they have not set; what vanishes is named."""
        from deb import lost_options, merge
        base = 'CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_AB=m\nCONFIG_S="theirs"\n# comment\nCONFIG_OLD=y\nCONFIG_N=5\n'
        merged = merge(base, {"CONFIG_A": "n", "CONFIG_B": "y", "CONFIG_S": '"ours"'})
        self.assertEqual(merged, 'CONFIG_AB=m\n# comment\nCONFIG_OLD=y\nCONFIG_N=5\nCONFIG_A=n\nCONFIG_B=y\n'
                         'CONFIG_S="ours"\n')
        self.assertEqual(lost_options(base, {"CONFIG_A": "n"}, "CONFIG_AB=y\n"), ["CONFIG_OLD"])

    def test_base_configuration(self):
        import deb
        self.addCleanup(os.environ.pop, "CONFIG", None)
        (self.top / "text").write_text("CONFIG_A=y\n")
        (self.top / "text.xz").write_bytes(lzma.compress(b"CONFIG_B=y\n"))
        (self.top / "broken.xz").write_bytes(b"CONFIG_B=y\n")
        for name, text in (("text", "CONFIG_A=y\n"), ("text.xz", "CONFIG_B=y\n")):
            os.environ["CONFIG"] = str(self.top / name)
            self.assertEqual(deb.base_config(), (self.top / name, text))
        for name, words in (("none", "No such file"), ("broken.xz", "is no configuration"), ("", "is a dir|directory")):
            os.environ["CONFIG"] = str(self.top / name)
            with self.assertRaisesRegex(deb.Failed, words):
                deb.base_config()


class DebBoot(unittest.TestCase):
    def test_questions_of_the_guide(self):
        """Three questions in three ways, each of which a shell can read."""
        from deb_boot import questions
        found = questions()
        self.assertEqual(len(found), 9)
        for name, script in found.items():
            self.assertNotIn("\t", script)
            self.assertEqual(subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode, 0, name)
        for tool in ("bpftrace -c", "trace-cmd record", "cat hist"):
            self.assertEqual(sum(tool in script.replace("swiotlb_mapped/", "") for script in found.values()), 3, tool)

    def test_verdict(self):
        """What the guest must have said: one thing less, or anything wrong, is a finding that names it."""
        from deb_boot import WORDS, judge, questions
        answers = {"fills": "@[0000:00:03.0]: 4096", "fail": "@[0000:00:03.0, exhausted]: 7", "converts": ""}
        lines = ["deb-boot: release 6.12-x", f"deb-boot: cmdline BOOT_IMAGE=/boot/vmlinuz-6.12-x ro {WORDS} quiet",
                 "deb-boot: backend fixed dynamic [cc]"]
        for name in questions():
            lines += [f"deb-boot: begin {name}", answers[name.split("-")[1]], f"deb-boot: end {name} 0"]
        lines += ["deb-boot: top 0", "deb-boot: hiwater 9", "deb-boot: maps 3", "    do:  something", "deb-boot: advice 3"]
        self.assertEqual(judge("\n".join(lines), "6.12-x"), [])
        for number, line in enumerate(lines):
            if line:
                self.assertEqual(len(judge("\n".join(lines[:number] + lines[number + 1:]), "6.12-x")), 1, line)
        for old, new in (("BOOT_IMAGE=/boot/vmlinuz-6.12-x ", ""), ("[cc]", "cc"), ("maps 3", "maps 0"), ("-2 0", "-2 1"),
                         ("exhausted", ""), (": 4096", ": -4096"), ("top 0", "top 1"), ("release 6.12-x", "release 6.1")):
            self.assertTrue(judge("\n".join(lines).replace(old, new, 1), "6.12-x"), old)
        self.assertTrue(judge("\n".join(lines + ["WARNING: CPU: 0"]), "6.12-x"))


class Sparse(unittest.TestCase):
    def test_mistakes_that_were_missed(self):
        from builds import missed_mistakes
        source = "one; /* sparse: first */\ntwo;\nthree; /* sparse: third */\n"
        log = "/x/mistakes.c:1:5: warning: the first thing\n/x/mistakes.c:3:1: warning: third\n/x/mistakes.c:3:1:  more\n"
        self.assertEqual(missed_mistakes(source, log), [])
        self.assertEqual(missed_mistakes(source, log.replace("first", "other")), ["sparse does not say 'first' of line 1"])
        self.assertEqual(missed_mistakes(source, log.replace(":3:1: w", ":2:1: w")),
                         ["sparse does not say 'third' of line 3", "sparse says 'third' of line 2"])
        self.assertEqual(len(missed_mistakes(source, "")), 2)


class Split(unittest.TestCase):
    def test_each_file_in_one_step(self):
        from common import SETTINGS, series
        from split import unassigned
        rest = {"*": [path.name for path in series()], "-": [SETTINGS["KERNEL_LEGACY"]]}
        one, two = {"+": ["kernel/a.c"], "*": [], "-": []}, {"+": ["kernel/b/*"], **rest}
        self.assertEqual(unassigned([one, two], ["kernel/a.c", "kernel/b/c/d.c"]), [])
        self.assertEqual(len(unassigned([one, two], ["kernel/a.c", "kernel/b/x.c", "kernel/c.c"])), 1)
        self.assertEqual(len(unassigned([one, one, two], ["kernel/a.c", "kernel/b/x.c"])), 1)
        self.assertEqual(len(unassigned([one, two], ["kernel/a.c"])), 1, "a pattern without a file")
        self.assertEqual(len(unassigned([one, {**two, "-": []}], ["kernel/a.c", "kernel/b/x.c"])), 1)


class Counting(Toy):
    def run_step(self, script):
        import test
        test.LOGS, say = self.top, test.say
        test.say = lambda text: None
        self.addCleanup(setattr, test, "say", say)
        return test.step("toy", ["sh", "-c", script])

    def test_steps(self):
        self.assertEqual(self.run_step("true"), (1, 0, 0))
        self.assertEqual(self.run_step("false"), (0, 1, 0))
        self.assertEqual(self.run_step("echo 3 passed, 0 failed"), (3, 0, 0))
        self.assertEqual(self.run_step("echo 3 passed, 2 failed, 1 skipped; exit 1"), (3, 2, 1))
        self.assertEqual(self.run_step("echo 3 passed, 0 failed; exit 1"), (3, 1, 0), "a crash after the count")
        self.assertEqual(self.run_step("echo 3 passed, 1 failed"), (3, 1, 0), "a status that lies")


class Lanes(Toy):
    def run_lanes(self, steps, lanes=2):
        import test
        log, say = test.LOGS, test.say
        test.LOGS, test.say = self.top, lambda text: None
        self.addCleanup(setattr, test, "LOGS", log)
        self.addCleanup(setattr, test, "say", say)
        out = test.Lanes([test.Step(name, ["sh", "-c", f"cd {self.top}; {script}"], *more)
                          for name, script, *more in steps])
        out.run(lanes)
        return out.counts

    def test_failures_reach_those_who_need_it(self):
        counts = self.run_lanes([("a", "false"), ("b", "touch ran", ("a",)), ("c", "touch ran", ("b",)),
                                 ("d", "echo 2 passed, 0 failed", (), ("a",)), ("e", "true")])
        self.assertEqual(counts, {"a": (0, 1, 0), "b": (0, 1, 0), "c": (0, 1, 0), "d": (2, 0, 0), "e": (1, 0, 0)})
        self.assertFalse((self.top / "ran").exists())

    def test_two_at_a_time(self):
        """Each of the two waits for the other to be there."""
        meet = "touch {0}; for i in 1 2 3 4 5 6 7 8 9 10; do [ -e {1} ] && exit 0; sleep 0.2; done; exit 1"
        counts = self.run_lanes([("a", meet.format("a", "b")), ("b", meet.format("b", "a"))])
        self.assertEqual(counts, {"a": (1, 0, 0), "b": (1, 0, 0)})

    def test_one_lock_one_step(self):
        alone = "mkdir held && sleep 0.2 && rmdir held"
        steps = [(name, alone, (), (), "x") for name in "abc"]
        self.assertEqual(sum(bad for _, bad, _ in self.run_lanes(steps, 3).values()), 0)
        self.assertGreater(sum(bad for _, bad, _ in self.run_lanes([step[:2] for step in steps], 3).values()), 0)

    def test_order(self):
        """needs and after, even when another lane is free."""
        self.run_lanes([("late", "echo late >>order", (), ("slow",)), ("next", "echo next >>order", ("slow",)),
                        ("slow", "sleep 0.3; echo slow >>order"), ("free", "echo free >>order")])
        order = (self.top / "order").read_text().split()
        self.assertEqual((order[:2], sorted(order[2:])), (["free", "slow"], ["late", "next"]))


class Deps(Toy):
    def test_names_what_is_missing(self):
        """Without a package manager in $PATH there is one line, and it names the package of the missing tool."""
        tools = self.top / "bin"
        tools.mkdir()
        for tool in ("sh", "cat", "dirname", "grep", "id", "git"):
            (tools / tool).symlink_to(shutil.which(tool))
        result = subprocess.run([self.repo / "scripts/deps"], capture_output=True, text=True, check=False,
                                env={"PATH": str(tools), "KERNEL": "/some/tree", "KERNEL_RELEASE": "6.12"})
        self.assert_refused(result, "deps: missing: ")
        self.assertRegex(result.stderr, r"\bflex\b")
        self.assertNotRegex(result.stderr, r"\bgit\b")


class Coverage(unittest.TestCase):
    """What tools/testing/swiotlb/coverage makes of counters."""

    def setUp(self):
        sys.path.insert(0, str(USER_SPACE))
        self.addCleanup(sys.path.remove, str(USER_SPACE))
        loader = SourceFileLoader("coverage_script", str(USER_SPACE / "coverage"))
        self.coverage = module_from_spec(spec_from_loader(loader.name, loader))
        loader.exec_module(self.coverage)
        self.reached = self.coverage.reached

    def lines(self, **counts):
        """lines(_number=(count, branches), ...)"""
        return {int(name[1:]): self.reached.Line(count, branches) for name, (count, branches) in counts.items()}

    def compiled(self, folder, text):
        """Build and run a program with counters, in the way of a kernel: -O0."""
        write(folder / "toy.c", text)
        subprocess.run(["gcc", "-O0", "--coverage", "toy.c", "-o", "toy"], cwd=folder, check=True)
        subprocess.run(["./toy"], cwd=folder, check=True)
        return list(folder.glob("*.gcda"))

    def test_reads_what_gcov_says(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            counters = self.compiled(folder, "int main(int n, char **v)\n{\n\tif (n > 1)\n\t\treturn 1;\n\treturn 0; }\n")
            counters = [counters[0].rename(folder / "toy.gcda")]
            next(folder.glob("*.gcno")).rename(folder / "toy.gcno")
            lines = self.reached.read(counters)["toy.c"]
            self.assertEqual({number: line.count for number, line in lines.items()}, {1: 1, 3: 1, 4: 0, 5: 1})
            self.assertEqual((len(lines[3].branches), lines[3].taken), (2, 1))
            self.assertEqual(self.reached.unreached(lines, (folder / "toy.c").read_text().splitlines()), {"main": [4]})
            (folder / "toy.gcno").unlink()
            self.assertRaises(ValueError, self.reached.read, counters)

    def test_two_runs_add_up(self):
        one, two = self.lines(_1=(1, [0, 2]), _2=(0, [])), self.lines(_1=(2, [1, 0]), _3=(4, []))
        self.assertEqual(self.reached.add(one, two), self.lines(_1=(3, [1, 2]), _2=(0, []), _3=(4, [])))
        self.assertEqual(self.reached.add({}, two), two)

    def test_two_builds_are_put_together(self):
        user = self.lines(_1=(1, [0, 2]), _2=(0, [0, 0]), _3=(1, [0, 1]), _4=(0, []), _5=(1, [1, 0]))
        guests = self.lines(_1=(1, [1, 0]), _2=(9, [1, 1, 1]), _3=(5, [1, 1, 0]), _4=(2, []), _6=(0, []))
        both = self.reached.together(user, guests)
        self.assertEqual({number: (line.count, line.taken) for number, line in both.items()},
                         {1: (2, 2), 2: (9, 2), 3: (6, 1), 4: (2, 0), 5: (1, 1)})
        self.assertEqual(self.reached.figures(both), [5, 5, 8, 6])
        self.assertEqual(self.reached.figures(self.reached.blank(user)), [5, 0, 8, 0])

    def judge(self, reason, scenarios, lines=(3, 4)):
        found = {name: self.lines(**{f"_{number}": (1, []) for number in numbers}) for name, numbers in scenarios.items()}
        holes = {("a.c", "f"): self.coverage.hole_of(lines, found)} if lines else {}
        return len(self.coverage.judge(holes, {("a.c", "f"): reason} if reason else {}, found))

    def test_holes_want_the_right_reason(self):
        some, all_of_it = {"kunit": [3], "boot": []}, {"kunit": [3], "trace": [4], "boot": []}
        for reason, scenarios, wrong in (
                ("", {}, 1), ("why", {}, 0), ("guests: kunit", {}, 0), ("", some, 1),
                ("why", some, 0), ("guests: kunit; why", some, 0), ("guests: kunit", some, 1),
                ("guests: boot; why", some, 1), ("guests: nvme; why", some, 0), ("guests: kunit, nvme", some, 0), ("guests: kuint; why", {}, 1),
                ("guests: kunit, trace", all_of_it, 0), ("guests: trace", all_of_it, 0), ("why", all_of_it, 1),
                ("guests: trace; why", all_of_it, 1), ("guests: boot", all_of_it, 1), ("by chance", all_of_it, 0)):
            self.assertEqual(self.judge(reason, scenarios), wrong, (reason, scenarios))
        self.assertEqual([self.judge(reason, {}, ()) for reason in ("why", "by chance: why")], [1, 0])

    def test_branches_have_a_reason_each(self):
        text = ["if (WARN_ON(x))", "if (y)", "", "if (z)", "a;", "if (z)"]
        lines = self.lines(_1=(1, [1, 0]), _2=(1, [1, 0, 0]), _4=(1, [1, 0]), _5=(0, []), _6=(1, [1, 1]))
        warn, y, z = ("any", "/WARN/"), ("a.c", "/\\(y/"), ("a.c", "/\\(z/")
        for reasons, found in (
                ({warn: "why"}, {1: warn, 2: ("a.c", "line 2"), 4: self.coverage.LEADS_TO_HOLE}),
                ({("b.c", "/WARN/"): "why", y: "why"}, {1: ("a.c", "line 1"), 2: y, 4: self.coverage.LEADS_TO_HOLE}),
                ({("any", "/if/"): "why", y: "why", z: "why"}, {1: ("any", "/if/"), 2: y, 4: z})):
            self.assertEqual(self.coverage.untaken(lines, "a.c", text, reasons), found, reasons)
        self.assertEqual([len(self.coverage.overdone("a.c", text, {key: reason}, lines)) for key, reason in (
            (y, "why"), (z, "why"), (z, "by chance: why"), (("any", "/z/"), "why"))], [0, 1, 0, 0])
        self.assertEqual(self.coverage.by_reason({1: warn, 2: ("a.c", "line 2")}, lines, {warn: "why"}),
                         {"why": {1: 1}, "": {2: 2}})

    def test_branches_that_guests_take(self):
        user = self.lines(_1=(1, [1, 0]), _2=(1, [1, 0]))
        guests = {"boot": self.lines(_1=(1, [0, 1]), _2=(1, [1, 0])), "trace": self.lines(_1=(1, [1, 0]))}
        key, holes = ("any", "/x/"), {}
        self.coverage.add_branches(holes, "a.c", {2: key}, user, {1: key, 2: key}, guests)
        self.assertEqual((holes[key].lines, holes[key].left, holes[key].by), (["a.c:1", "a.c:2"], ["a.c:2"], {"boot": ["a.c:1"]}))
        for reason, wrong in (("why", 0), ("guests: boot; why", 0), ("guests: boot", 1), ("guests: trace; why", 1), ("", 1)):
            self.assertEqual(len(self.coverage.judge(holes, {key: reason} if reason else {}, guests)), wrong, reason)


if __name__ == "__main__":
    unittest.main()
