"""What a client finds, as TAP on standard output."""

import sys

_results = []


def is_equal(got, expected, name):
    _results.append(got == expected)
    print(f"{'ok' if got == expected else 'not ok'} {len(_results)} - {name}", flush=True)
    if got != expected:
        print(f"# got {got!r}, expected {expected!r}", flush=True)


def done():
    print(f"1..{len(_results)}", flush=True)
    sys.exit(0 if _results and all(_results) else 1)
