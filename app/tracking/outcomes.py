"""What comes of messages, and the answers that tell it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.responses import Response

from app import answers
from app.domain.errors import DomainError, IdentityTaken, InvalidInput, LimitExceeded, Path
from app.schema.errors import CODES

RETRY_AFTER_S: Final = 1

MAX_SHOWN: Final = 100
"""How many refusals an answer shows."""

Refused = InvalidInput | LimitExceeded | IdentityTaken
"""What a message itself can have at fault: sent again, it would be refused again."""


@dataclass(frozen=True)
class Refusal:
    """A message that was refused: which one of its call, why, and where the fault lies in it."""

    index: int
    fault: Refused
    path: Path

    def shown(self) -> dict[str, Any]:
        fault = self.fault
        shown = {"index": self.index, "code": CODES[type(fault)], "message": str(fault)}
        if not isinstance(fault, IdentityTaken):
            shown["path"] = list(self.path)
        if isinstance(fault, LimitExceeded):
            shown["limit"] = fault.limit
        return shown


def answer(sent: int, refusals: Sequence[Refusal]) -> Response:
    """Return the answer to a call of `sent` messages.

    Clients drop what is answered 200, and retry neither 200 nor 400. So a call of which anything
    was taken is 200, with the refusals in it; one of which nothing was is 400. Of many refusals
    the first are shown, and all are counted.
    """
    if not refusals:
        return json_answer({"success": True})
    errors = [refusal.shown() for refusal in refusals[:MAX_SHOWN]]
    accepted = sent - len(refusals)
    told = {"accepted": accepted, "refused": len(refusals), "errors": errors}
    if accepted:
        return json_answer({"success": False, **told})
    first = {name: value for name, value in errors[0].items() if name != "index"}
    return json_answer({"success": False, **first, **told}, 400)


def try_again(fault: DomainError) -> Response:
    """Return the answer on which clients send the same once more; that does no harm."""
    headers = {"retry-after": str(RETRY_AFTER_S)}
    return refusal(answers.Refused(503, str(fault), {"code": CODES[type(fault)]}, headers))


def refusal(refused: answers.Refused) -> Response:
    """Return the answer to a call of which nothing was taken, or not all may have been."""
    body = {"success": False, "message": refused.message, **refused.extensions}
    return json_answer(body, refused.status, refused.headers)


def json_answer(
    body: dict[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(orjson.dumps(body), status, headers, "application/json")
