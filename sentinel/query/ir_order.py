"""What a plan computes and reads, with every plan once."""

from __future__ import annotations

from sentinel.query import ir


def expressions_of(plan: ir.Plan) -> tuple[ir.Expr, ...]:  # noqa: PLR0911 - a table of cases
    """The expressions a plan computes."""
    match plan:
        case ir.Values(rows=rows):
            return tuple(cell for row in rows for cell in row)
        case ir.Numbers(start=start, stop=stop, step=step):
            return (start, stop, step)
        case ir.Filter(condition=condition):
            return (condition,)
        case ir.Extend(columns=columns) | ir.Expand(columns=columns):
            return tuple(e for _, e in columns)
        case ir.Aggregate(keys=keys, aggregates=aggregates):
            inner = (e for _, a in aggregates for e in (*a.args, *((a.condition,) if a.condition else ())))
            return (*(e for _, e in keys), *inner)
        case ir.Join(pairs=pairs):
            return tuple(side for pair in pairs for side in pair)
        case ir.Union(values=values):
            return tuple(e for listed in values for e in listed)
        case ir.Limit(count=count):
            return (count,)
        case ir.Fold(states=states):
            return tuple(e for s in states for e in (s.before, s.after))
        case _:
            return ()


def in_order(*plans: ir.Plan) -> list[ir.Plan]:
    """Plans and all plans they read, also those of subqueries, each once and behind what it reads."""
    found: list[ir.Plan] = []
    known: set[int] = set()
    stack = [(plan, False) for plan in reversed(plans)]
    while stack:
        one, read = stack.pop()
        if read:
            found.append(one)
        elif id(one) not in known:
            known.add(id(one))
            stack.append((one, True))
            inner = (e for value in expressions_of(one) for e in ir.walk(value))
            subqueries = (e.plan for e in inner if isinstance(e, ir.ScalarQuery | ir.InQuery))
            stack.extend((source, False) for source in (*ir.inputs_of(one), *subqueries))
    return found
