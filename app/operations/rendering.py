"""The bounds within which a Liquid template is rendered: its filters, its ranges and its time.

Liquid's own limits are on what is assigned and what comes out. They do not see what passes from
one filter to the next, and nothing interrupts a rendering, which the event loop waits for.
"""

from collections.abc import Callable
from functools import partial
from time import thread_time
from typing import Any, Final

from liquid import BoundTemplate, Environment, RenderContext
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.exceptions import LoopIterationLimitError
from liquid.token import Token

from app.domain.errors import LimitExceeded
from app.operations.filter_costs import foreseen_length, size, steps

MAX_ITEMS: Final = 1_000
MAX_CHARACTERS: Final = 65_536
"""Of what a filter makes; a whole number counts as many as it has bits."""

MAX_WORK: Final = 2_000_000
"""Characters that the filters of one rendering go over."""

MAX_MS: Final = 50
"""Of the processor, so that a machine busy with something else refuses no ordinary template."""

_MAX_STEP_MS: Final = 20
"""What counts of one step: a longer one was held up by the interpreter, which collects garbage."""

_PATH: Final = ("template",)


class _Rendering(RenderContext):
    """One rendering, with what it took of time and work so far."""

    __slots__ = ("_looked_at", "_took", "_work")

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._looked_at = thread_time()
        self._took = 0.0
        self._work = 0
        super().__init__(*arguments, **named)

    # Every part of a template asks for this just before it is rendered, an empty one as well.
    # There is no other place where a loop passes by.
    @property
    def disabled_tags(self) -> list[str]:
        self._look_at_the_clock()
        return []

    @disabled_tags.setter
    def disabled_tags(self, names: list[str]) -> None:
        """Leave it: tags are disabled in partial templates only, and there are none."""

    def filter(self, name: str, token: Token | None) -> Callable[..., object]:
        return partial(self._filtered, name, super().filter(name, token))

    def _filtered(
        self, name: str, function: Callable[..., object], *values: object, **named: object
    ) -> object:
        given = (*values, *named.values())
        self._work += size(given) + steps(name, *values, **named)
        if self._work > MAX_WORK:
            message = f"The filters of the template go over more than {MAX_WORK} characters."
            raise LimitExceeded(message, _PATH, MAX_WORK)
        self._look_at_the_clock()
        if foreseen_length(name, *values, **named) > MAX_CHARACTERS:
            raise _too_long(name)
        result = function(*values, **named)
        if size(result) > MAX_CHARACTERS:
            raise _too_long(name)
        self._look_at_the_clock()
        return result

    def _look_at_the_clock(self) -> None:
        now = thread_time()
        self._took += min(now - self._looked_at, _MAX_STEP_MS / 1_000)
        self._looked_at = now
        if self._took > MAX_MS / 1_000:
            message = f"The template takes longer than {MAX_MS} ms."
            raise LimitExceeded(message, _PATH, MAX_MS)


class _Template(BoundTemplate):
    context_class = _Rendering


class Bounded(Environment):
    """Liquid with bounds, so that a template costs a few milliseconds at the most."""

    template_class = _Template
    loop_iteration_limit = MAX_ITEMS
    local_namespace_limit = MAX_CHARACTERS
    output_stream_limit = MAX_CHARACTERS
    context_depth_limit = 20
    block_nesting_limit = 20


def _too_long(name: str) -> LimitExceeded:
    message = f"The filter {name!r} could make more than {MAX_CHARACTERS} characters."
    return LimitExceeded(message, _PATH, MAX_CHARACTERS)


def _short_range(expression: RangeLiteral, start: Any, stop: Any) -> range:
    """Return a range, unless it is long: loops, filters and `contains` would go through it all."""
    made = _any_range(expression, start, stop)
    if made.stop - made.start > MAX_ITEMS:
        raise LoopIterationLimitError(f"a range has over {MAX_ITEMS} items", token=None)
    return made


# Nothing in an environment says how ranges are made.
_any_range: Final = RangeLiteral._make_range
RangeLiteral._make_range = _short_range  # type: ignore[assignment, method-assign]
