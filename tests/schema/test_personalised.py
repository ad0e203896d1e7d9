"""Messages filled in with what is known of a person."""

import pytest

from tests.schema.documents import ADA, error

MESSAGE = "query($by: UserBy!, $t: String!) { user(by: $by) { personalised(template: $t) } }"


async def filled_in(api, template):
    return (await api(MESSAGE, by=ADA, t=template))["personalised"]


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("Hi {{ user.name | default: 'there' }}!", "Hi Ada!"),
        ("{{ user.nothing | default: 'there' }}", "there"),
        ("[{{ user.nothing.at.all }}{{ nobody }}]", "[]"),
        ("{{ user.age }} {{ user.type }} {{ user.birthday }}", "35 CUSTOMER 1990-05-17"),
        ("{{ user.location.city }} {{ user.photoUrl }}", "Zürich https://example.org/ada.png"),
        ("{{ user.properties.plan }} {{ user.properties['points'] }}", "pro 7"),
        ("{% for t in user.properties.tags %}{{ t }};{% endfor %}", "new;vip;"),
        ("{{ user.activity.Charged.count }}", "1"),
        ("{{ user.activity['Charged'].lastAt }}", "2026-01-31T11:59:00.000Z"),
        ("<b>{{ '<&>' }}</b>", "<b><&></b>"),
        ("{{ user.__class__ }}{{ user.name.upper }}", ""),
    ],
)
async def test_a_message_says_what_is_known(api, ada, template, message):
    assert await filled_in(api, template) == message


@pytest.mark.parametrize(
    ("template", "line"),
    [("a\nb {% if %}", 2), ("{{ user.name | nofilter }}", 1), ("\n\n{{ 1 | divided_by: 0 }}", 3)],
)
async def test_a_fault_names_its_line(api, ada, template, line):
    fault = await error(api, MESSAGE, by=ADA, t=template)

    assert fault["extensions"]["code"] == "INVALID_INPUT"
    assert fault["message"].startswith(f"Line {line} of the template: ")


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in (1..1001) %}x{% endfor %}",
        "{% for i in (1..40) %}{% for j in (1..40) %}x{% endfor %}{% endfor %}",
        "{% assign x = 'aaaaaaaaaa' %}" + "{% assign x = x | append: x %}" * 20,
        "{% include 'secret' %}",
        # A filter goes through a range without a loop: this one must stop it, too.
        "{{ (1..100000) | join: ',' | size }}",
        "{{ 'é' | base64_decode }}",
        "{{ '9999999999999999999' | date: '%Y' }}",
        "{{ 'inf' | times: 1 | round }}",
        "{{ 'nan' | floor }}",
    ],
)
async def test_what_would_take_too_long_or_cannot_be_is_refused(api, ada, template):
    fault = await error(api, MESSAGE, by=ADA, t=template)

    assert fault["extensions"]["code"] == "INVALID_INPUT"


async def test_a_template_has_at_most_16384_characters(api, ada):
    assert await filled_in(api, "x" * 16_384) == "x" * 16_384

    fault = await error(api, MESSAGE, by=ADA, t="x" * 16_385)

    assert fault["extensions"]["code"] == "LIMIT_EXCEEDED"
