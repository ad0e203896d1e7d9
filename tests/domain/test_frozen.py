"""Models made without being looked at are those that pydantic makes."""

from hypothesis import given

from app.domain.frozen import made
from app.domain.identity import LinkedIdentity
from app.domain.user import User
from tests.builders import linked_identity
from tests.domain.strategies import users


@given(users)
def test_a_made_model_is_what_pydantic_constructs(user: User):
    fields = {name: getattr(user, name) for name in User.model_fields}

    both = made(User, fields), User.model_construct(**fields)

    assert both[0] == both[1]
    assert both[0].model_fields_set == both[1].model_fields_set
    assert both[0].model_dump() == both[1].model_dump()
    assert repr(both[0]) == repr(both[1])


def test_a_made_model_can_be_hashed_and_copied():
    known = linked_identity("email:ada@example.org")

    one = made(LinkedIdentity, dict(vars(known)))

    assert {one: 1}[known] == 1
    assert one.model_copy(deep=True) == known
    assert one.model_copy(update={"value": "b@example.org"}).value == "b@example.org"
    assert one == known
