"""Segments, and the questions that criteria ask."""

from collections.abc import Mapping, Sequence

from ulid import ULID

from app.domain.criteria import Criterion, Question, matches, missing_events
from app.domain.criteria_input import Raw, parse_criteria
from app.domain.errors import Path
from app.domain.limits import Limits
from app.domain.repetition import kept_by_text
from app.domain.segment import Segment, Segments, removed, saved
from app.domain.user import User
from app.domain.windows import Moment
from app.live.leader import Leader
from app.operations.terms import Terms
from app.store import Store


async def ask(store: Store, criteria: Raw, path: Path, moment: Moment, limits: Limits) -> Question:
    """Return the question that criteria ask at a moment.

    Raises:
        InvalidInput, LimitExceeded: the criteria cannot be used.
    """
    if "'segment'" not in repr(criteria):
        return Question(_parsed(criteria, path, limits), moment)
    segments = await store.segments()
    documents = {segment.id: segment.criteria for segment in segments.values()}
    return Question(parse_criteria(criteria, path, limits, documents), moment)


@kept_by_text
def _parsed(criteria: Raw, path: Path, limits: Limits) -> Criterion:
    """Return what criteria without segments mean: that stays, and people ask again."""
    return parse_criteria(criteria, path, limits, {})


async def is_true(store: Store, criterion: Criterion, user: User, moment: Moment) -> bool:
    """Return whether a criterion is true of a user, archived events included."""
    keys = missing_events(criterion, user, moment)
    history = await store.archived_by_key(user, keys) if keys else ()
    return matches(criterion, user, moment, history)


async def save_segment(
    store: Store,
    leader: Leader,
    id: str | None,
    name: str,
    description: str | None,
    criteria: Raw,
    terms: Terms,
) -> Segment:
    """Add a segment, or replace the one with this id.

    Unless there are very many people, all of them have been judged by it when this returns.

    Raises:
        SegmentNotFound: there is none with this id.
        InvalidInput, LimitExceeded: it cannot be kept so.
    """
    new_id = str(ULID.from_datetime(terms.now))

    def step(segments: Segments) -> tuple[Segments, Segment]:
        return saved(segments, new_id, id, name, description, criteria, terms.now, terms.limits)

    segment = await store.change_segments(step)
    await leader.evaluated(segment.id)
    return segment


async def delete_segment(store: Store, id: str) -> None:
    """Delete a segment that no other refers to.

    Raises:
        SegmentNotFound: there is none with this id.
        InvalidInput: others refer to it.
    """
    await store.change_segments(lambda segments: (removed(segments, id), None))


async def segments_of(
    store: Store,
    user: User,
    segments: Segments,
    criteria: Mapping[str, Criterion],
    moment: Moment,
) -> Sequence[Segment]:
    """Return the segments whose criteria are true of the user."""
    return [
        segment
        for id, segment in segments.items()
        if await is_true(store, criteria[id], user, moment)
    ]
