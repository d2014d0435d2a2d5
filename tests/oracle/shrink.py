"""Shrinks a run that failed to the fewest statements that still fail in the same way."""
import time
from dataclasses import replace

from statements import Call, Read, Ref


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


def leaves(value):
    """References and keys in a statement's arguments."""
    if isinstance(value, dict):
        return {leaf for name, item in value.items() for leaf in leaves(
            ("key", item) if name == "idempotency_key" else [("key", key) for key in item or []]
            if name == "idempotency_keys" else item)}
    if isinstance(value, Ref):
        return {value.number}
    if isinstance(value, tuple) and value[:1] == ("key",):
        return {value} if value[1] is not None else set()
    if isinstance(value, (list, tuple)):
        return {leaf for item in value for leaf in leaves(item)}
    return set()


def uses(statement):
    if isinstance(statement, Read):
        return leaves([statement.wallet]) | {("key", statement.key)}
    return leaves(statement.arguments) if isinstance(statement, Call) else set()


def made_by(statement):
    """What later statements may refer to: the call's own number, and its keys."""
    own = {leaf for leaf in uses(statement) if isinstance(leaf, tuple)}
    return own | {statement.number} if isinstance(statement, Call) else own


def related(units, is_wide):
    """
    The statements that the last one depends on, by references and keys; wide: those too that use
    what it uses. Savepoints and the like stay where a statement of their transaction does.
    """
    places = flatten(units)
    at = {place: units[place[0]].statements[place[1]] for place in places}
    needed = set(uses(at[places[-1]]))
    chosen = {places[-1]}

    def follow():
        for place in reversed(places):
            if place in chosen or made_by(at[place]) & needed:
                chosen.add(place)
                needed.update(uses(at[place]))

    follow()
    if is_wide:
        core = set(needed)
        chosen.update(place for place in places if uses(at[place]) & core)
        needed.update(leaf for place in chosen for leaf in uses(at[place]))
        follow()
    kept_units = {number for number, _ in chosen}
    return [place for place in places
            if place in chosen or (place[0] in kept_units and not isinstance(at[place], (Call, Read)))]


def shrink(units, still_fails, seconds):
    """
    still_fails(units). What is related to the last statement is tried first, then delta debugging
    over statements; then units become plain where they can, and both again while that leaves fewer.
    """
    end = time.monotonic() + seconds

    def fails(candidate):
        return time.monotonic() < end and still_fails(candidate)

    kept = flatten(units)
    for is_wide in (False, True):
        candidate = related(units, is_wide)
        if fails(rebuild(units, candidate)):
            kept = candidate
            break
    units = rebuild(units, reduce(units, kept, fails))
    while True:
        simpler = simplify(units, fails)
        # An argument that is gone, such as an expected version, may have needed statements that it takes along.
        fewer = reduce(simpler, flatten(simpler), fails)
        if len(fewer) == len(flatten(simpler)):
            return simpler
        units = rebuild(simpler, fewer)


def reduce(units, kept, fails):
    """Leaves out ever smaller pieces, from the end: what comes last depends on what came before."""
    size = (len(kept) + 1) // 2
    while size >= 1:
        position, removed = len(kept), False
        while position > 0:
            first = max(0, position - size)
            rest = kept[:first] + kept[position:]
            if rest and fails(rebuild(units, rest)):
                kept, removed = rest, True
            position = first
        if size == 1 and not removed:
            break
        size = 1 if size == 1 else size // 2
    return kept


def simplify(units, fails):
    """One session, no transaction, no clock, no argument that is not needed."""
    for number in range(len(units)):
        for change in ({"session": 0}, {"advance": 0}, {"isolation": None, "commit": True, "read_only": False}):
            candidate = list(units)
            candidate[number] = replace(units[number], **change)
            if candidate[number] != units[number] and fails(candidate):
                units = candidate
        for position, statement in enumerate(units[number].statements):
            for name in list(getattr(statement, "arguments", {})):
                candidate = list(units)
                statements = list(units[number].statements)
                given = {key: value for key, value in statements[position].arguments.items() if key != name}
                statements[position] = replace(statements[position], arguments=given)
                candidate[number] = replace(units[number], statements=statements)
                if fails(candidate):
                    units = candidate
    return units
