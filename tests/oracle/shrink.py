"""Shrinks a run that failed to the fewest statements that still fail in the same way."""
import time
from dataclasses import replace


def flatten(units):
    return [(number, position) for number, unit in enumerate(units) for position in range(len(unit.statements))]


def rebuild(units, kept):
    """The units with the kept statements only; units that lost all are gone, but for their clock."""
    by_unit = {}
    for number, position in kept:
        by_unit.setdefault(number, []).append(position)
    result = []
    advance = 0
    for number, unit in enumerate(units):
        advance += unit.advance
        if number in by_unit:
            statements = [unit.statements[position] for position in by_unit[number]]
            result.append(replace(unit, statements=statements, advance=advance))
            advance = 0
    return result


def shrink(units, still_fails, seconds):
    """still_fails(units). Delta debugging over statements; then units become plain where they can."""
    end = time.monotonic() + seconds
    kept = flatten(units)
    size = (len(kept) + 1) // 2
    while size >= 1 and time.monotonic() < end:
        position, removed = len(kept), False
        # From the end: what comes last depends on what came before.
        while position > 0 and time.monotonic() < end:
            first = max(0, position - size)
            rest = kept[:first] + kept[position:]
            if rest and still_fails(rebuild(units, rest)):
                kept, removed = rest, True
            position = first
        if size == 1 and not removed:
            break
        size = size if removed and size == 1 else size // 2
    return simplify(rebuild(units, kept), still_fails)


def simplify(units, still_fails):
    """One session, no transaction, no clock, no argument that is not needed."""
    for number in range(len(units)):
        for change in ({"session": 0}, {"advance": 0}, {"isolation": None, "commit": True, "read_only": False}):
            candidate = list(units)
            candidate[number] = replace(units[number], **change)
            if candidate[number] != units[number] and still_fails(candidate):
                units = candidate
        for position, statement in enumerate(units[number].statements):
            for name in list(getattr(statement, "arguments", {})):
                candidate = list(units)
                statements = list(units[number].statements)
                given = {key: value for key, value in statements[position].arguments.items() if key != name}
                statements[position] = replace(statements[position], arguments=given)
                candidate[number] = replace(units[number], statements=statements)
                if still_fails(candidate):
                    units = candidate
    return units
