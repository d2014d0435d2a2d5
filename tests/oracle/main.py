#!/usr/bin/python3
"""
The oracle: random calls, each predicted by a reference model and compared with what the server does;
then several sessions at once, and the invariants. A failure prints the seed and the shortest sequence
of statements that shows it, as SQL. Progress goes to standard error.
"""
import argparse
import random
import sys
import time
from collections import Counter

import crowd
import invariants
from compare import Mismatch
from generate import Generator
from serial import Runner
from server import Server
from shrink import flatten, shrink
from statements import script

# A run is cut into parts, each in a database of its own: a failure is then searched in one part only.
PART = 2000
EVERY_SECONDS = 5


class Progress:
    """A bar on a terminal, else a line every few seconds."""

    def __init__(self, what, total):
        self.what = what
        self.total = total
        self.begin = self.shown = time.monotonic()

    def __call__(self, done, last=False):
        now = time.monotonic()
        is_terminal = sys.stderr.isatty()
        if not last and now - self.shown < (0.2 if is_terminal else EVERY_SECONDS):
            return
        self.shown = now
        rate = done / max(now - self.begin, 0.001)
        text = f"{self.what}: {done} of {self.total} calls, {rate:.0f}/s"
        if is_terminal:
            filled = min(30, 30 * done // max(self.total, 1))
            sys.stderr.write(f"\r[{'#' * filled}{'.' * (30 - filled)}] {text}" + ("\n" if last else ""))
        else:
            sys.stderr.write(text + "\n")
        sys.stderr.flush()


def run_part(server, features, seed, calls, progress, done):
    """A Mismatch gets the units that led to it. Returns the model, for what it has counted."""
    runner = Runner(server, *features)
    units = []
    try:
        generator = Generator(random.Random(seed), runner)
        while runner.calls < calls:
            unit, produce = generator.unit()
            units.append(unit)
            runner.run(unit, produce)
            progress(done + runner.calls)
        runner.finish()
        for name, rows in invariants.broken(runner.session(0)):
            raise Mismatch(name, f"{rows}")
        return runner
    except Mismatch as mismatch:
        mismatch.units = units
        raise
    finally:
        runner.close()


def replay(server, features, units):
    """The ids that the units made, and the Mismatch they lead to or None."""
    runner = Runner(server, *features)
    try:
        for unit in units:
            runner.run(unit)
        runner.finish()
        for name, rows in invariants.broken(runner.session(0)):
            raise Mismatch(name, f"{rows}")
        return runner.ids, None
    except Mismatch as mismatch:
        return runner.ids, mismatch
    finally:
        runner.close()


def report(server, features, mismatch, seed, seconds):
    units = mismatch.units
    print(f"seed {seed}: {mismatch}")
    print(f"shrinking {len(flatten(units))} statements ...", flush=True)

    def still_fails(candidate):
        found = replay(server, features, candidate)[1]
        return found is not None and found.kind == mismatch.kind

    if not still_fails(units):
        print("the same statements do not fail again: it depends on the time")
    else:
        units = shrink(units, still_fails, seconds)
    ids, found = replay(server, features, units)
    print(f"{len(flatten(units))} statements show it:\n{script(units, ids)}\n-- {found or mismatch}")


def serial(server, features, options):
    progress = Progress("one by one", options.ops)
    questions, functions = Counter(), Counter()
    done, part = 0, 0
    while done < options.ops:
        seed = f"{options.seed}.{part}"
        try:
            runner = run_part(server, features, seed, min(PART, options.ops - done), progress, done)
        except Mismatch as mismatch:
            report(server, features, mismatch, options.seed, options.shrink_seconds)
            return False
        questions += runner.model.open_questions
        functions += runner.outcomes
        done += runner.calls
        part += 1
    progress(done, last=True)
    print(f"seed {options.seed}: {done} calls one by one as predicted")
    print_counts(functions)
    for question, count in sorted(questions.items()):
        print(f"left open by the contract, {count} times: {question}")
    return True


def print_counts(counts):
    by_function = {}
    for outcome, count in sorted(counts.items()):
        function, _, code = outcome.partition(" ")
        by_function.setdefault(function, []).append(f"{code} {count}".strip())
    for function, codes in by_function.items():
        print(f"  {function}: {', '.join(codes)}")


def at_once(server, features, options):
    progress = Progress("at once", options.crowd_ops)
    database = server.create_database()
    try:
        outcomes = crowd.run(server, database, features[0], options.seed, options.members, options.crowd_ops, progress)
    except Mismatch as mismatch:
        print(f"seed {options.seed}, at once: {mismatch}")
        return False
    finally:
        server.drop_database(database)
    progress(options.crowd_ops, last=True)
    print(f"seed {options.seed}: {options.crowd_ops} calls of {options.members} sessions at once keep the invariants")
    print_counts(outcomes)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uri", required=True, help="a server, as superuser")
    parser.add_argument("--template", required=True, help="a database with the extension, which is copied")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ops", type=int, default=2000, help="calls one by one")
    parser.add_argument("--crowd-ops", type=int, default=2000, help="calls at once")
    parser.add_argument("--members", type=int, default=4, help="sessions at once")
    parser.add_argument("--shrink-seconds", type=int, default=300, help="how long a failure is shrunk")
    parser.add_argument("--options", default="", help="options of every session, as -c search_path=other")
    parser.add_argument("--way", choices=["single", "grouped"], default="single", help="of transfers by themselves")
    options = parser.parse_args()

    server = Server(options.uri, options.template, options.options, options.way)
    features = server.features(options.template)
    ok = serial(server, features, options) and (options.crowd_ops == 0 or at_once(server, features, options))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
