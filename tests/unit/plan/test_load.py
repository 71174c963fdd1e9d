"""Loading a plan: every problem at once, with file, line and path."""

from __future__ import annotations

import pytest

from plan import PlanError, load_plan, parse_plan
from profiles.errors import Misconfigured


def problems(plan_of, *changes, **kwargs):
    with pytest.raises(PlanError) as caught:
        plan_of(*changes, **kwargs)
    return [str(problem) for problem in caught.value.problems]


def test_a_plan_that_is_right_has_no_warnings(plan_of):
    """The small plan is the base of all tests here."""
    plan = plan_of()

    assert plan.warnings == []
    assert (plan.name, plan.version, plan.currency) == ("Small", 1, "EUR")
    assert [rule.type for rule in plan.identities] == ["user_id", "anonymous_id"]


def test_a_wrong_type_names_file_line_and_path(plan_of):
    """The form of a problem: file:line: path: what is wrong."""
    found = problems(plan_of, ("revenue: {type: money,", "revenue: {type: monee,"))

    assert len(found) == 1
    assert found[0].startswith("plan.yaml:22: events[1].properties.revenue.type: input should be 'string', 'id',")


def test_all_problems_come_at_once(plan_of):
    """Mistakes of shape do not hide mistakes of meaning, nor each other."""
    found = problems(
        plan_of,
        ("version: 1", "version: one"),
        ("role: visit", "role: visitt"),
        ("priority: 1, limit: 1", "priority: 0, limit: 1"),
        ("is: NL", "is: DE"),
        ("segment: dutch}", "segment: duch}"),
        ("amount: revenue", "amount: revenu"),
    )

    assert [line.split(": ")[1] for line in found] == [
        "version", "identities[0].priority", "events[0].role", "events[1].facts.amount", "segments[0].when",
        "alerts[0].segment",
    ]  # fmt: skip
    assert [int(line.split(":")[1]) for line in found] == [2, 7, 13, 24, 26, 28]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("name: Small\n", "", "plan.yaml:1: name: is required"),
        ("name: Small\n", "name: Small\nnmae: x\n", "plan.yaml:2: nmae: is not a known key"),
        ("name: Small\n", "name: Small\nname: Big\n", "plan.yaml:2: name: is given twice; the last one would win"),
        ("owner: o\n    description", "description", "plan.yaml:14: events[1].owner: is required"),
        ("pii: email,", "pii: mail,", "plan.yaml:10: traits.email.pii: input should be 'email', 'phone'"),
        ("sources: [purchase]", "sources: [purchases]",
         "plan.yaml:15: events[1].sources[0]: there is no source 'purchases'; did you mean 'purchase'?"),
        ("role: purchase", "role: purchase\n    on_repeat: never", "plan.yaml:20: events[1].on_repeat: input should"),
        ("role: visit}", "role: visit, on_repeat: last}", "13: events[0].on_repeat: is for what adds up"),
        ("role: visit}", "role: purchase, on_repeat: last}\n  - {name: O, sources: [web], owner: o, description: d, "
         "why: w, role: purchase, on_repeat: first}", "another event with the role 'purchase' says last"),
        ("role: purchase", "role: buy", "plan.yaml:19: events[1].role: input should be 'visit'"),
        ("write_key: key-of-purchase", "write_key: key-of-web",
         "plan.yaml:5: sources.purchase.write_key: is the key of source 'web', too"),
        ("write_key: key-of-purchase", "write_key: key", "8 to 200 characters"),
        (", write_key: key-of-purchase", "",
         "plan.yaml:5: sources.purchase.write_key: is required; set it here or in RAPPORT_WRITE_KEY_PURCHASE"),
        ("write_key: key-of-purchase", "write_key: key-of-purchase, topic: events.web",
         "sources.purchase.topic: 'events.web' is the topic of source 'web', too"),
        ("priority: 2", "priority: 1", "plan.yaml:8: identities[1].priority: 'user_id' has priority 1, too"),
        ("type: anonymous_id", "type: user_id", "plan.yaml:8: identities[1].type: identity 'user_id' is defined twice"),
        ("fields: [userId]", "fields: [traits.user]", "identities[0].fields[0]: there is no trait 'user'"),
        ("fields: [userId]", "fields: [properties.user]", "identities[0].fields[0]: no event has a property 'user'"),
        ("  - name: Order", "  - {type: page, sources: [web], owner: o, description: d, why: w}\n  - name: Order",
         "plan.yaml:14: events[1].name: page '*' is planned twice for source 'web'"),
        ("subject: order_id", "subject: revenue", "'revenue' is of type money; subject needs string or id or integer"),
        ("role: visit}", "role: visit, kinds: {late: {name: x}}}",
         "13: events[0].kinds.late: no kind of the role 'visit' is 'late'; roles with kinds are purchase, complaint"),
        ("role: purchase", "role: purchase\n    kinds: {discount: {reduction: {above: 0}}}",
         "20: events[1].kinds.discount: there is no property 'reduction'"),
        ("role: purchase", "role: purchase\n    show: [order_id, totl]",
         "20: events[1].show[1]: there is no property 'totl'"),
        ("role: purchase", "role: purchase\n    show: [a, b, c, d, e]",
         "20: events[1].show: tuple should have at most 4"),
        ("min: 0, description: Worth", "unit: d, description: Worth", "`unit` does not apply to type money"),
        ("subject: order_id", "subject: 'items[].id'", "there is no property 'items' for 'items[].id'"),
        ("min: 0, description: Worth", "min: 0, currency: cur, description: Worth",
         "plan.yaml:22: events[1].properties.revenue.currency: there is no string property 'cur' beside it"),
        ("min: 0, description: Worth", "min: 2, max: 1, description: Worth", "`min` is greater than `max`"),
        ("min: 0, description: Worth", "pattern: x, description: Worth", "`pattern` does not apply to type money"),
        ("format: email", "pattern: '(a'", "plan.yaml:10: traits.email.pattern: '(a' is not a regular expression"),
        ("format: email", "pattern: '(?=a)b'", "no look-around"),
        ("enum: [NL, BE]", "enum: [NL, 3]", "`enum` holds 3, which is not a value of type string"),
        ("trait: country, is: NL", "trait: contry, is: NL", "there is no trait 'contry'; did you mean 'country'?"),
        ("trait: country, is: NL", "count: sales, at_least: 1", "26: segments[0].when: there is no role 'sales'"),
        ("trait: country, is: NL", "segment: later", "there is no segment 'later'"),
        ("trait: country, is: NL", "ratio: [refunds, visits], above: 1", "no total or role 'visits'; did you mean"),
        ("trait: country, is: NL", "quantile: turnover, top: 0.1", "26: segments[0].when.quantile: there is no"),
        ("trait: country, is: NL", "quantile: revenue, top: 10", "26: segments[0].when.top: input should be"),
        ("trait: country, is: NL", "rfm: {recency: 6}", "26: segments[0].when.rfm.recency: quintiles are 1 to 5"),
        ("trait: country, is: NL", "count: visit, within: 7d, above: 99", "keeps the latest 64 times of a role"),
        ("trait: country, is: NL", "count: purchase, where: {revenu: 5}, at_least: 1",
         "26: segments[0].when: no event with the role 'purchase' has a property 'revenu'; did you mean 'revenue'?"),
        ("trait: country, is: NL", "count: purchase, where: {weekday: day}, at_least: 1", "'day' is no weekday"),
        ("trait: country, is: NL", "latest: purchase, after: vist", "there is no role 'vist'; did you mean 'visit'?"),
        ("trait: country, is: NL", "since: any, where: {device: mobile}, more_than: 3d", "where goes with a role"),
        ("{trait: country, is: NL}}", "{cluster: 1}, group: rfm}", "group 'rfm' must follow one another"),
        ("trait: country, is: NL", "segment: dutch", "segment 'dutch' must be listed before it is used"),
        ("trait: country, is: NL", "identity: mail", "there is no identity 'mail'"),
        ("trait: country, is: NL", "trait: country", "ask one thing of a trait"),
        ("trait: country, is: NL", "nothing: 1", "a condition is a mapping with exactly one of"),
        ("threshold: 0.8", "threshold: 8", "plan.yaml:28: alerts[0].threshold: input should be less than 1"),
        ("name: risk, ", "name: risk, clear: 0.9, ", "clear must lie below the threshold"),
        ("version: 1", "version: 1\ncurrency: EURO", "plan.yaml:3: currency: 'EURO' is not an ISO-4217 currency code"),
        ("version: 1", "version: 1\nrates: [{since: 2026-01-01, rates: {EURO: 1}}]", "'EURO' is not an ISO-4217"),
        ("version: 1", "version: 1\nrates: [{since: 2026-01-01, rates: {USD: 1}}, {since: 2026-01-01, rates: {GBP: 1}}"
         "]", "plan.yaml:3: rates: two entries are of 2026-01-01; make them one"),
        ("version: 1", "version: 1\nchurn: {horizon: soon}", "plan.yaml:3: churn.horizon: 'soon' is no duration"),
    ],
)  # fmt: skip
def test_every_mistake_is_told_with_its_place(plan_of, old, new, expected):
    """Each message says what to change and where."""
    found = problems(plan_of, (old, new))

    assert any(expected in line for line in found), found


def test_deep_conditions_keep_their_path_and_line():
    """Union tags of the models never show."""
    text = """\
name: x
segments:
  - name: a
    when:
      all:
        - {count: purchase, at_least: 1}
        - not:
            any:
              - {since: visit}
"""
    with pytest.raises(PlanError) as caught:
        parse_plan(text, "p.yaml", {})

    assert "p.yaml:9: segments[0].when.all[1].not.any[0].since: give more_than or less_than" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("events: [", "p.yaml:2: is not valid YAML"),
        ("a: b: c", "p.yaml:1: is not valid YAML: mapping values are not allowed"),
        ("a: *b", "is not valid YAML: found undefined alias"),
        ("a: !!python/object/apply:os.system [x]", "p.yaml:1: is not valid YAML"),
        ("", "p.yaml:1: is not a tracking plan"),
        ("- a", "p.yaml:1: is not a tracking plan"),
        ("a: 1\n---\nb: 1", "is not valid YAML"),
        ("a: \x07", "is not valid YAML"),
        ("[a]: 1", "p.yaml"),
        ("sources: &a {x: *a}", "p.yaml"),
    ],
)
def test_text_that_is_no_plan_is_told_so(text, expected):
    """Nothing that YAML can hold raises anything but PlanError."""
    with pytest.raises(PlanError) as caught:
        parse_plan(text, "p.yaml", {})

    assert expected in str(caught.value)


def test_a_missing_file_says_what_to_do(tmp_path):
    """It is a Misconfigured, so every command reports it alike."""
    with pytest.raises(Misconfigured, match="there is no such file; give the tracking plan's path or set RAPPORT_PLAN"):
        load_plan(tmp_path / "none.yaml")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", None])
def test_an_unreadable_file_is_told_so(tmp_path, content):
    """Bytes that are no text, and a directory."""
    path = tmp_path / "p.yaml"
    path.mkdir() if content is None else path.write_bytes(content)

    with pytest.raises(PlanError, match="cannot be read"):
        load_plan(path)


def test_plain_words_stay_words(plan_of):
    """Norway is not a boolean, and a date is text, as in YAML 1.2."""
    plan = plan_of(("enum: [NL, BE]", "enum: [NL, NO, on, 2024-01-01, 12:30]"))

    assert plan.traits["country"].enum == ["NL", "NO", "on", "2024-01-01", "12:30"]


def test_write_keys_come_from_the_environment_first(plan_of):
    """Secrets need not be in git, and they do not show in a printed source."""
    plan = plan_of(
        (", write_key: key-of-purchase", ""),
        environ={"RAPPORT_WRITE_KEY_PURCHASE": "from-the-env", "RAPPORT_WRITE_KEY_WEB": "another-key"},
    )

    assert plan.source_of_key("from-the-env") is plan.sources["purchase"]
    assert plan.source_of_key("another-key") is plan.sources["web"]
    assert plan.source_of_key("key-of-web") is None
    assert "another-key" not in repr(plan.sources)


def test_a_wrong_key_is_never_printed(plan_of):
    """A problem with a secret does not tell the secret."""
    found = problems(plan_of, environ={"RAPPORT_WRITE_KEY_WEB": "sécret word"})

    assert "write_key" in found[0]
    assert not any("sécret" in line for line in found)


def test_the_key_of_identities_comes_from_the_environment(plan_of):
    """An empty variable is none: then the key follows from the namespace."""
    given = plan_of(environ={"RAPPORT_PII_KEY": "a key of sixteen+"})

    assert given.pii_key == b"a key of sixteen+"
    assert plan_of(environ={"RAPPORT_PII_KEY": ""}).pii_key == plan_of().pii_key
    assert plan_of(("name: Small", "name: Other")).pii_key != plan_of().pii_key


def test_a_key_that_could_be_guessed_is_refused_and_not_printed(plan_of):
    """Sixteen characters are the least."""
    (found,) = problems(plan_of, environ={"RAPPORT_PII_KEY": "secret"})

    assert "RAPPORT_PII_KEY has fewer than 16 characters" in found
    assert "secret" not in found


def test_a_region_must_have_telephone_numbers(plan_of):
    """A misspelt one would make every national number nobody's."""
    assert plan_of(("version: 1", "version: 1\nregion: NL")).file.region == "NL"
    (found,) = problems(plan_of, ("version: 1", "version: 1\nregion: Holland"))

    assert "region: 'Holland' is not an ISO-3166 code of a region that has telephone numbers" in found


def test_identities_that_are_hardly_meant_so_are_warned_of(plan_of):
    """A plain address that is classed as a trait, and telephone numbers of nowhere."""
    plan = plan_of(
        ("identities:\n", "identities:\n  - {type: mail, priority: 3, fields: [context.traits.email]}\n"
         "  - {type: phone, priority: 4, fields: [properties.order_id], pii: phone}\n"
         "  - {type: card, priority: 5, fields: [traits.email], held: plain}\n"),
    )  # fmt: skip

    assert [(warning.path, warning.message) for warning in plan.warnings] == [
        ("identities[0]", "trait 'email' is email, and the identity is not, so it is held plainly; "
         "set `pii: email`, or say `held: plain`"),
        ("identities[1]", "without the plan's `region`, numbers without a country code identify nobody"),
        ("identities[2]", "'card' is an e-mail address, it seems, and is not spelt as one: Ada@example.com and "
         "ada@example.com are two customers; set `pii: email`, and `held: plain` if it shall be read"),
    ]  # fmt: skip


def test_what_is_hardly_meant_is_a_warning(plan_of):
    """The plan works; a person should look."""
    plan = plan_of(
        ("write_key: key-of-web", "write_key: dev-web-key"),
        ("{trait: country, is: NL}", "{count: csat, at_least: 1}"),
        ("version: 1", "version: 1\nchurn: {horizon: 8w}"),
        ("type: page, sources: [web]", "type: page, sources: [purchase]"),
    )

    assert [str(warning) for warning in plan.warnings] == [
        "plan.yaml:5: sources.web: no event comes from it, so every event it sends is unplanned",
        "plan.yaml:4: sources: the write keys of web are for trying things; set your own before you go live",
        "plan.yaml:27: segments[0].when: no event has the role 'csat', so this can never come true",
    ]


def test_a_plan_that_does_not_say_whose_keys_are_public_is_used_as_before_and_warned_of(plan_of):
    """Nothing that counted stops counting by an upgrade; and nobody can say they were not told."""
    plan = plan_of((", public: false", ""), (", public: false", ""))

    assert not plan.trust.public
    assert [(problem.line, problem.path) for problem in plan.warnings] == [(4, "sources.web"), (5, "sources.purchase")]
    assert "whoever has its key is believed, of everybody" in plan.warnings[0].message


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([("key-of-purchase, public: false", "key-of-purchase, public: true")],
         "only public sources may send what has the role 'purchase', so it is claimed and never counts"),
        ([("version: 1", "version: 1\nverify_user_ids: optional")], "no source is `public`"),
        ([("version: 1", "version: 1\nverify_user_ids: required")], "RAPPORT_USER_ID_KEY is not set"),
    ],
)  # fmt: skip
def test_public_sources_that_are_hardly_meant_so_are_warned_of(plan_of, changes, words):
    """Orders that nobody is believed about; user ids that cannot be verified."""
    assert words in "\n".join(problem.message for problem in plan_of(*changes).warnings)


def test_the_key_of_user_ids_comes_from_the_environment(plan_of):
    """Never from the plan, which is in git; and not one that could be guessed."""
    change = ("version: 1", "version: 1\nverify_user_ids: required")

    assert plan_of(change).trust.lacks_key
    assert not plan_of(change, environ={"RAPPORT_USER_ID_KEY": "k" * 16}).trust.lacks_key
    with pytest.raises(PlanError, match="RAPPORT_USER_ID_KEY has fewer than 16 characters"):
        plan_of(environ={"RAPPORT_USER_ID_KEY": "short"})


def test_a_namespace_is_stable_and_can_be_set(plan_of):
    """Profile ids derive from it."""
    assert plan_of().namespace == plan_of().namespace
    assert plan_of(("name: Small", "name: Other")).namespace != plan_of().namespace
    fixed = "7d9b7a3e-0000-4000-8000-000000000001"
    assert str(plan_of(("version: 1", f"version: 1\nnamespace: {fixed}")).namespace) == fixed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: " + "[" * 70 + "]" * 70, "64 levels"),
        ("a0: &a0 [1]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)), "200000 values"),
        ("a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 40)), "200000"),
        ("a: &a [*a]", "alias stands inside"),
        ("x" * (5 << 20), "characters"),
    ],
    ids=["deep", "aliases", "merges", "itself", "long"],
)
def test_what_is_larger_than_any_plan_is_not_gone_through(text, message):
    with pytest.raises(PlanError, match=message):
        parse_plan(text, "plan.yaml", {})


def test_a_condition_of_too_many_statements(plan_of):
    many = "any: [" + ", ".join(f"{{count: purchase, at_least: {n}}}" for n in range(1, 502)) + "]"
    assert (
        "a condition may join 500 statements, and this has 501"
        in problems(plan_of, ("when: {trait: country, is: NL}", f"when: {{{many}}}"))[0]
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "fields: [userId]",
            "fields: [userId], description: The e-mail they use",
            "an e-mail address, it",
        ),
        ("fields: [userId]", "fields: [userId, traits.email], held: plain", "an e-mail address, it seems"),
        ("version: 1", "version: 1\nunblocked: [ada]", "'ada' is no usual placeholder"),
    ],
)
def test_what_the_plan_says_of_its_identities_may_be_a_slip(plan_of, old, new, expected):
    assert any(expected in str(warning) for warning in plan_of((old, new)).warnings)


def test_a_value_cannot_be_blocked_and_not(plan_of):
    found = problems(plan_of, ("version: 1", "version: 1\nblocked: [Guest]\nunblocked: [guest]"))

    assert found == ["plan.yaml:4: unblocked[0]: 'guest' is `blocked`, too"]


@pytest.mark.parametrize("day", ["1970-01-01", "soon"])
def test_the_earliest_day_is_a_day_after_the_epoch_began(plan_of, day):
    """So that no time in a profile is 0, which stands for never."""
    assert problems(plan_of, ("version: 1", f"version: 1\nearliest: {day}"))[0].startswith("plan.yaml:3: earliest: ")


def test_what_adds_up_without_a_subject_is_warned_of(plan_of):
    """Unless each report counts."""
    without = (", subject: order_id", "")
    [told] = plan_of(without).warnings
    assert told.path == "events[1].facts"
    assert "counts once a subject" in told.message
    assert plan_of(without, ("role: purchase", "role: purchase\n    on_repeat: each")).warnings == []


def test_a_word_that_is_a_property_too_is_remarked(plan_of):
    """Else nobody would notice that `device` is about the sender's."""
    planned = ("order_id: {type: id", "device: {type: string, description: Kind}\n      order_id: {type: id")
    shadowed = "{trait: country, is: NL}", "{count: purchase, where: {device: mobile}, at_least: 1}"
    (warning,) = plan_of(planned, shadowed).warnings
    assert "write `properties.device`" in warning.message
    assert plan_of(planned, (shadowed[0], shadowed[1].replace("device:", "properties.device:"))).warnings == []


def test_a_plan_narrows_roles_in_so_many_ways(plan_of):
    many = "any: [" + ", ".join(f"{{count: purchase, where: {{revenue: {n}}}, above: 1}}" for n in range(101)) + "]"
    found = problems(plan_of, ("when: {trait: country, is: NL}", f"when: {{{many}}}"))
    assert any("conditions narrow roles in 101 ways; 100 at most" in line for line in found)
