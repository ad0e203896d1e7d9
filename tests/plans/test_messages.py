"""Messages of subscriptions, shown by plans and by the standard executor."""

from types import SimpleNamespace
from typing import Any, Final, cast

import pytest
from graphql import parse
from graphql.execution import Executor
from graphql.execution.values import VariableValues

from app.domain.change import MembershipKind
from app.live.place import Place
from app.live.watch_segment import MembershipChange
from app.plans import Plans
from app.schema import schema
from app.schema.context import Context
from app.store.sqlite import SqliteStore
from tests.builders import NOON

MESSAGE: Final = MembershipChange(MembershipKind.LEFT, "01ADA", NOON, Place("m7", "01ADA"))
CONTEXT: Final = cast(
    "Context", SimpleNamespace(store=SimpleNamespace(instants=SqliteStore.instants), today=NOON)
)


def planned(document: str, **variables: Any) -> dict[str, Any] | None:
    """Return what a plan shows of the message; None if there is no plan."""
    plans = Plans(schema._schema)
    show = plans.of_messages(parse(document), None, VariableValues({}, variables))
    return show(MESSAGE, CONTEXT) if show else None


def executed(document: str, **variables: Any) -> Any:
    """Return what the standard executor shows of it."""
    executor: Any = Executor.build(schema._schema, parse(document), MESSAGE, CONTEXT, variables)
    return executor.execute_operation(False).data


@pytest.mark.parametrize(
    "document",
    [
        "subscription { segmentMembershipChanged(segment: 1) { kind userId at cursor } }",
        "subscription { left: segmentMembershipChanged(segment: 1) { __typename who: userId } }",
        "subscription { segmentMembershipChanged(segment: 1) { ...F } } "
        "fragment F on SegmentMembershipChange { kind ... { at } }",
        "subscription($all: Boolean!) { segmentMembershipChanged(segment: 1) "
        "{ kind userId @include(if: $all) at @skip(if: $all) } }",
    ],
)
def test_plans_show_what_the_executor_shows(document: str):
    shown = planned(document, all=False)

    assert shown is not None
    assert shown == executed(document, all=False)


@pytest.mark.parametrize(
    "document",
    [
        "subscription { segmentMembershipChanged(segment: 1) { kind user { name } } }",
        "subscription { userChanged(by: {id: 1}) { kind } }",
        "subscription($a: Boolean!) "
        "{ segmentMembershipChanged(segment: 1) @include(if: $a) { kind } }",
    ],
)
def test_there_is_no_plan_where_more_is_to_be_read(document: str):
    assert planned(document, a=False) is None
