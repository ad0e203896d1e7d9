"""Who enters a segment, and who leaves it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from app.domain.change import Crossing, MembershipKind
from app.domain.errors import FellBehind
from app.live.feed import Feed
from app.live.place import Place


@dataclass(frozen=True, eq=False)
class MembershipChange:
    """Somebody entered or left.

    Attributes:
        user_id: Who.
        at: When.
        place: After which to go on.
    """

    kind: MembershipKind
    user_id: str
    at: datetime
    place: Place


async def watch_segment(
    feed: Feed[Crossing], segment_id: str, after: Place | None = None
) -> AsyncIterator[MembershipChange]:
    """Yield every crossing into or out of a segment, once.

    Args:
        feed: The crossings.
        segment_id: Which segment.
        after: Begin with what came after this place.

    Raises:
        CursorExpired: what came after the place is no longer known.
        FellBehind: too many crossings wait; it names the place of the last one.
        SegmentNotFound: the segment was deleted.
    """
    await feed.ready()
    last, is_new = after or Place(feed.cursor), None if after else await feed.now()
    try:
        async for _, crossing in feed.every(segment_id, last.log):
            last = Place(crossing.cursor, crossing.user_id)
            if is_new and not is_new(crossing):
                continue
            yield MembershipChange(crossing.kind, crossing.user_id, crossing.at, last)
    except FellBehind as fault:
        raise FellBehind(fault.limit, last) from None
