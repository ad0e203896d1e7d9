"""How two spellings come to be one identity, and what is none."""

import contextlib
import sys
import unicodedata

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.domain.errors import InvalidInput
from app.domain.identity import Identity, IdentityKind, email_parts, normalised
from tests.builders import HERE, NOON, identity, linked_identity
from tests.domain.strategies import ascii_emails, identities_of, phones, spellings

CUSTOM, EMAIL, PHONE = IdentityKind.CUSTOM, IdentityKind.EMAIL, IdentityKind.PHONE
OPAQUE = [CUSTOM, IdentityKind.FACEBOOK, IdentityKind.GOOGLE, IdentityKind.DEVICE]
LABEL = "b" * 61
LONGEST_EMAIL = f"{'a' * 64}@{LABEL}.{LABEL}.{LABEL}.org"
FILTERS_MUCH = settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])


def read(kind: IdentityKind, text: str) -> str:
    return normalised(kind, text, HERE, test_mail_domains=False).value


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (EMAIL, " Ada@Example.ORG\n", "ada@example.org"),
        (EMAIL, "e\u0301va@example.org", "éva@example.org"),
        (EMAIL, "E\u0301VA@example.org", "éva@example.org"),
        (EMAIL, "STRAßE@example.org", "straße@example.org"),
        (EMAIL, "ada@BÜCHER.ch", "ada@xn--bcher-kva.ch"),
        (EMAIL, "ada@xn--bcher-kva.ch", "ada@xn--bcher-kva.ch"),
        (EMAIL, "ada@faß.de", "ada@xn--fa-hia.de"),
        (EMAIL, "ada+tag@example.org", "ada+tag@example.org"),
        (EMAIL, LONGEST_EMAIL, LONGEST_EMAIL),
        (PHONE, "+41 44 668 18 00", "+41446681800"),
        (PHONE, " +41-(0)44.668/1800 ", "+41446681800"),
        (PHONE, "＋４１４４６６８１８００", "+41446681800"),
        (PHONE, "+٤١٤٤٦٦٨١٨٠٠", "+41446681800"),
        (PHONE, "+39 06 1234 5678", "+390612345678"),
        (CUSTOM, " Ada 7 ", "Ada 7"),
        (CUSTOM, "e\u0301", "e\u0301"),
        (CUSTOM, "00a", "00a"),
        (CUSTOM, "x" * 120, "x" * 120),
        (CUSTOM, " " + "👩" * 120 + " ", "👩" * 120),
        (IdentityKind.FACEBOOK, " aB ", "aB"),
        (IdentityKind.GOOGLE, " aB ", "aB"),
        (IdentityKind.DEVICE, " aB ", "aB"),
    ],
)
def test_a_spelling_is_normalised_by_its_kind(kind, raw, value):
    assert normalised(kind, raw, HERE, test_mail_domains=False) == Identity(kind=kind, value=value)


@pytest.mark.parametrize(
    "raw",
    ["ada", "@example.org", "ada@", "ada@x", "a b@example.org", "ada@example.org, eva@example.org",
     "Ada <ada@example.org>", '"a b"@example.org', "ada@[127.0.0.1]", "ada..b@example.org",
     "mailto:ada@example.org", "ada@exa_mple.org", "a\0@example.org", "\ud800@example.org"],
)  # fmt: skip
def test_what_is_no_address_is_refused(raw):
    with pytest.raises(InvalidInput) as refused:
        read(EMAIL, raw)

    assert refused.value.path == HERE


@pytest.mark.parametrize(
    "raw",
    [f"a{LONGEST_EMAIL}", LONGEST_EMAIL.replace(".org", "b.org"), f"a@{('ü' * 50 + '.') * 4}org"],
)
def test_an_address_over_254_characters_is_refused(raw):
    with pytest.raises(InvalidInput, match=r"254|too long") as refused:
        read(EMAIL, raw)

    assert refused.value.path == HERE


@pytest.mark.parametrize(
    "domain", ["x.test", "test", "localhost", "a.localhost", "x.invalid", "x.local", "x.onion"]
)
def test_special_use_domains_are_refused(domain):
    with pytest.raises(InvalidInput, match="e-mail address") as refused:
        read(EMAIL, f"ada@{domain}")

    assert refused.value.path == HERE


def test_test_domains_are_taken_where_the_service_says_so():
    found = normalised(EMAIL, "Ada@Example.TEST", HERE, test_mail_domains=True)

    assert found == identity("email:ada@example.test")


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        ("044 668 18 00", "country code"),
        ("0041446681800", "country code"),
        ("+", "country code"),
        ("+999123456", "country code"),
        ("+41", "country code"),
        ("+41 44 668", "length"),
        ("+41 44 668 18 00 000 000", "length"),
        ("+1 253 0000", "length"),
        ("+41 44 668 18 00 ext. 7", "extension"),
        ("+41 44 668 18 00 x7", "extension"),
        ("+41 44 668 18 00 #7", "extension"),
        ("+41 44 668 18 00;7", "extension"),
        ("tel:+41446681800", "letters"),
        ("+41 44 CALL NOW", "letters"),
    ],
)
def test_what_is_no_whole_phone_number_is_refused(raw, fault):
    with pytest.raises(InvalidInput, match=fault) as refused:
        read(PHONE, raw)

    assert refused.value.path == HERE


@pytest.mark.parametrize("kind", OPAQUE)
def test_an_identity_over_120_characters_is_refused(kind):
    with pytest.raises(InvalidInput, match="over 120 characters") as refused:
        read(kind, "é" * 121)

    assert refused.value.path == HERE


@pytest.mark.parametrize("raw", ["a\tb", "a\nb", "a\x7fb", "a\x85b", "a\0b", "\ud800"])
@pytest.mark.parametrize("kind", [CUSTOM, IdentityKind.DEVICE])
def test_control_characters_and_what_cannot_be_kept_are_refused(kind, raw):
    with pytest.raises(InvalidInput, match=r"control character|U\+0000|surrogate") as refused:
        read(kind, raw)

    assert refused.value.path == HERE


@pytest.mark.parametrize("raw", ["", " ", "\t\n", "\u3000", '""', "''", "' '"])
@pytest.mark.parametrize("kind", IdentityKind)
def test_blank_is_nobody(kind, raw):
    with pytest.raises(InvalidInput, match="empty") as refused:
        read(kind, raw)

    assert refused.value.path == HERE


PLACEHOLDERS = [
    "null", "none", "nil", "undefined", "nan", "true", "false", "anonymous", "guest", "unknown",
    "user", "userid", "user_id", "id", "distinct_id", "email", "not_authenticated",
    "[object object]", "0", "-1", "00", "0000000000",
]  # fmt: skip


@pytest.mark.parametrize("raw", PLACEHOLDERS)
@pytest.mark.parametrize("kind", IdentityKind)
def test_what_broken_clients_send_is_no_identity_of_any_kind(kind, raw):
    with pytest.raises(InvalidInput, match="placeholder") as refused:
        read(kind, raw)

    assert refused.value.path == HERE


BLANKS = [char for char in map(chr, range(sys.maxunicode + 1)) if char.isspace()]


@pytest.mark.parametrize("quoted", [" {}\n", '"{}"', "'{}'", '" {} "'])
@pytest.mark.parametrize("cased", [str.upper, str.title])
@pytest.mark.parametrize("raw", PLACEHOLDERS)
def test_neither_case_nor_quotes_make_an_identity_of_it(raw, cased, quoted):
    with pytest.raises(InvalidInput, match="placeholder"):
        read(CUSTOM, quoted.format(cased(raw)))


@pytest.mark.parametrize("blank", BLANKS)
def test_blanks_of_any_script_within_quotes_make_no_identity(blank):
    for raw in (f'"{blank}"', f'"{blank}null{blank}"'):
        with pytest.raises(InvalidInput, match=r"empty|placeholder"):
            read(CUSTOM, raw)


@pytest.mark.parametrize("raw", ["nullable", "-10", "100", "users", "0x0", "myid"])
def test_what_only_contains_a_placeholder_is_an_identity(raw):
    assert read(CUSTOM, raw) == raw


@pytest.mark.parametrize("kind", IdentityKind)
@FILTERS_MUCH
@given(data=st.data())
def test_normalising_what_is_normalised_changes_nothing(kind, data):
    _, once = data.draw(identities_of(kind, spellings[kind]))

    assert normalised(kind, once.value, HERE, test_mail_domains=False) == once


@pytest.mark.parametrize("raw", ["+86001844141581", "+91009129096890", "+27 00 751483873"])
def test_a_number_with_needless_zeros_is_one_number_or_none(raw):
    with contextlib.suppress(InvalidInput):
        once = read(PHONE, raw)

        assert read(PHONE, once) == once


def test_normalising_an_address_that_lower_case_lengthens_changes_nothing():
    once = read(EMAIL, "İ" * 32 + "@example.org")

    assert read(EMAIL, once) == once


@FILTERS_MUCH
@given(
    identities_of(EMAIL, ascii_emails),
    st.sampled_from([str.upper, str.lower, str.title]),
    st.sampled_from(["NFC", "NFD"]),
    st.sampled_from(["", " ", "\n\u3000"]),
)
def test_case_form_and_blanks_make_no_other_address(drawn, cased, form, blank):
    text, expected = drawn
    local, _, domain = text.partition("@")

    spelling = blank + unicodedata.normalize(form, f"{cased(local)}@{domain}") + blank

    assert read(EMAIL, spelling) == expected.value


@FILTERS_MUCH
@given(identities_of(PHONE, phones), st.sampled_from(["", " ", "-", ".", "\u00a0", " - "]))
@example(("+41446681800", identity("phone:+41446681800")), "‑")
def test_punctuation_makes_no_other_number(drawn, between):
    text, expected = drawn

    assert read(PHONE, f" +{between.join(text[1:])} ") == expected.value


@pytest.mark.parametrize("kind", OPAQUE)
def test_case_makes_another_identity_where_it_carries_meaning(kind):
    assert read(kind, "aB") != read(kind, "ab")


@pytest.mark.parametrize("kind", IdentityKind)
def test_every_kind_but_a_device_is_strong(kind):
    assert Identity(kind=kind, value="x").is_strong == (kind is not IdentityKind.DEVICE)


def test_a_linked_identity_is_the_identity_it_links():
    linked = linked_identity("email:ada@example.org", at=NOON)

    assert linked.identity == identity("email:ada@example.org")
    assert linked.key == "email:ada@example.org"


@settings(deadline=None, max_examples=300)
@given(
    local=st.from_regex(r"[A-Za-z0-9_+.-]{1,70}", fullmatch=True),
    domain=st.sampled_from(
        [
            "example.org", "EXAMPLE.org", "xn--bcher-kva.org", "localhost", "x.test", "a..b.org",
            "-a.org", "a-.org", "a.b", "1.2.3.4", "org", f"{'a' * 64}.org", f"{'a.' * 90}org",
        ]
    ),
    test_domains=st.booleans(),
)  # fmt: skip
def test_plain_addresses_are_judged_as_all_others(local, domain, test_domains):
    def judged(text):
        try:
            return email_parts(text, HERE, test_domains=test_domains)
        except InvalidInput:
            return None

    try:
        whole = validate_email(
            f"{local}@{domain}", check_deliverability=False, test_environment=test_domains
        )
    except EmailNotValidError:
        expected = None
    else:
        expected = (whole.local_part, whole.ascii_domain)

    assert judged(f"{local}@{domain}") == expected
