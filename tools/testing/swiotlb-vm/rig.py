#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Boot test kernels in QEMU and judge them. See README.md in this folder."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

import scenario as scenarios
from common import RigError
from kernels import NAMES, find_kernel


def parse_obj(text: str) -> tuple[str, Path]:
    """`name=path` of the --obj option."""
    name, separator, path = text.partition("=")
    if not separator or name not in NAMES:
        raise argparse.ArgumentTypeError(f"{text!r} is not <{'|'.join(NAMES)}>=<object tree>")
    return name, Path(path)


def cmd_vm(args: argparse.Namespace) -> int:
    """Run scenarios on one kernel."""
    from single import Options, run_scenarios
    name = args.kernel or scenarios.load(args.scenario[0], "swiotlb").kernels[0]
    kernel = find_kernel(name, dict(args.obj))
    return run_scenarios(args.scenario, kernel,
                         Options(args.backend, args.cmdline, args.coco, args.ci))


def cmd_run(args: argparse.Namespace) -> int:
    """Compare two kernels under the main job."""
    from ab import Choice, Plan, compare
    choices = Choice(args.base, ""), Choice(args.kernel, args.backend)
    name = "run-coco" if args.coco else "run"
    return compare(Plan(name, choices, rounds=args.rounds, coco=args.coco), dict(args.obj))


def cmd_ab(args: argparse.Namespace) -> int:
    """Compare any two backends, or one with the pristine kernel."""
    from ab import Plan, compare, side_of
    plan = Plan("ab-coco" if args.coco else "ab", (side_of(args.a), side_of(args.b)),
                args.scenario, args.how, args.rounds, args.coco)
    if args.check:
        plan.check()
        return 0
    return compare(plan, dict(args.obj))


def cmd_bench(args: argparse.Namespace) -> int:
    """Compare the backends with the pristine kernel by counting instructions."""
    from bench import benchmark
    names = [args.base, args.kernel] + (["pristine-dynamic"] if args.upstream_dynamic else [])
    kernels = [find_kernel(name, dict(args.obj)) for name in names]
    return benchmark(*kernels, backend=args.backend, max_ratio=args.max_ratio)


def cmd_list(args: argparse.Namespace) -> int:
    """Print every scenario with the kernels it is for, or those of `make test`, one line each."""
    for name in scenarios.names():
        item = scenarios.load(name, "swiotlb")
        if not args.ci:
            print(f"{name:16} {','.join(item.kernels):24} {item['summary']}")
            continue
        for kernel in item.ci_kernels:
            print(f"{name} {kernel}")
        for kernel in item.coco_kernels:
            print(f"{name} {kernel} --coco")
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line of the rig."""
    top = argparse.ArgumentParser(description=__doc__)
    top.add_argument("--obj", action="append", default=[], type=parse_obj, metavar="NAME=PATH",
                     help="object tree to use for a kernel, instead of the one in build/")
    commands = top.add_subparsers(dest="command", required=True)
    vm = commands.add_parser("vm", help="run scenarios on one kernel")
    vm.add_argument("scenario", nargs="+")
    vm.add_argument("--kernel", choices=NAMES, help="default: the first that the scenario is for")
    vm.add_argument("--backend", default="", help="backend to select and to insist on")
    vm.add_argument("--cmdline", default="", help="further kernel parameters")
    vm.add_argument("--coco", action="store_true", help="in a simulated confidential guest")
    vm.add_argument("--ci", action="store_true", help="only as much of it as `make test` does")
    vm.set_defaults(run=cmd_vm)
    run = commands.add_parser("run", help="compare two kernels, boot by boot")
    run.add_argument("--rounds", type=int, default=5)
    run.add_argument("--kernel", default="swiotlb", choices=NAMES)
    run.add_argument("--base", default="pristine", choices=NAMES,
                     help="baseline; the same kernel twice shows the noise")
    run.add_argument("--backend", default="", help="backend to select on the kernel under test")
    run.add_argument("--coco", action="store_true", help="in a simulated confidential guest")
    run.set_defaults(run=cmd_run)
    ab = commands.add_parser("ab", help="compare two backends, or one with the pristine kernel")
    ab.add_argument("a", help="baseline: pristine, or a backend's name")
    ab.add_argument("b", help="what is compared with it, of the same kind")
    ab.add_argument("--scenario", default="nvme", help="what to do on both")
    ab.add_argument("--how", default="boot", metavar="boot|live",
                    help="one boot per round and side, or rounds that take turns in one boot")
    ab.add_argument("--rounds", type=int, default=5)
    ab.add_argument("--coco", action="store_true", help="in a simulated confidential guest")
    ab.add_argument("--check", action="store_true", help="only see whether that makes sense")
    ab.set_defaults(run=cmd_ab)
    bench = commands.add_parser("bench", help="count instructions per map, unmap and lookup")
    bench.add_argument("--kernel", default="swiotlb", choices=NAMES)
    bench.add_argument("--base", default="pristine", choices=NAMES)
    bench.add_argument("--backend", default="", help="only this one, instead of all that are built in")
    bench.add_argument("--max-ratio", type=float, help="fail if any row is above, such as 1.03")
    bench.add_argument("--upstream-dynamic", action="store_true",
                       help="also compare with upstream's own growing pools")
    bench.set_defaults(run=cmd_bench)
    listing = commands.add_parser("list", help="list scenarios")
    listing.add_argument("--ci", action="store_true", help="what `make test` runs: scenario, kernel, options")
    listing.set_defaults(run=cmd_list)
    return top


def interrupt(*_: object) -> None:
    """Take a polite kill as ^C, so that the guest does not outlive the rig."""
    raise KeyboardInterrupt


def main() -> int:
    args = parser().parse_args()
    signal.signal(signal.SIGTERM, interrupt)
    try:
        return args.run(args)
    except RigError as why:
        print(f"rig: {why}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("rig: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
