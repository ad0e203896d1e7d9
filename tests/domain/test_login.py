"""What a login is, by whom its identities name and whose its device is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.login import IdentifyOutcome, login_outcome
from tests.builders import user

KNOWN = user(id="K", identified=True)
SAME_PERSON_AS_READ_LATER = user(id="K", identified=True, version=9)
ANONYMOUS = user(id="D")
SOMEBODY_ELSE = user(id="D", identified=True)


@pytest.mark.parametrize(
    ("owner", "holder", "outcome"),
    [
        (None, None, IdentifyOutcome.CREATED),
        (None, ANONYMOUS, IdentifyOutcome.CONVERTED),
        (None, SOMEBODY_ELSE, IdentifyOutcome.SWITCHED),
        (KNOWN, None, IdentifyOutcome.FOUND),
        (KNOWN, SAME_PERSON_AS_READ_LATER, IdentifyOutcome.FOUND),
        (KNOWN, ANONYMOUS, IdentifyOutcome.MERGED),
        (KNOWN, SOMEBODY_ELSE, IdentifyOutcome.SWITCHED),
    ],
)
def test_every_row_of_the_table(owner, holder, outcome):
    assert login_outcome(owner, holder) is outcome


people = st.builds(user, id=st.sampled_from("KD"), identified=st.booleans())
PARTING = {IdentifyOutcome.CONVERTED, IdentifyOutcome.MERGED}


@given(st.none() | people, people)
def test_who_was_ever_identified_neither_converts_nor_merges(owner, holder):
    outcome = login_outcome(owner, holder)

    assert not (holder.identified and outcome in PARTING)


@given(st.none() | people, st.none() | people)
def test_a_new_person_comes_only_where_nobody_is_named(owner, holder):
    outcome = login_outcome(owner, holder)

    assert not (owner and outcome in {IdentifyOutcome.CREATED, IdentifyOutcome.CONVERTED})
