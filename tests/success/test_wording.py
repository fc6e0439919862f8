"""What a CSM reads exists in every language, and reads there as people write."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from string import Formatter

import pytest

from success.decide import advance, decide
from success.explain import explain, shown_value
from success.facts import AccountFacts, Money
from success.fold import FoldState
from success.health import Standing, score
from success.measures import MEASURES, MeasureBook, MeasureValue, Unit
from success.records import RISKY
from success.rules import Rules
from success.view import AccountView
from success.wording.words import PHRASES, Language, Said, Words
from tests.success.builders import CARD, days, facts, line, rules, seen, ticket, usd, used

OTHERS = [language for language in Language if language is not Language.EN]
TODAY = date(2024, 3, 1)


def placeholders(phrase: str) -> set[str]:
    """Return the names a phrase is filled in by."""
    return {name for _, name, _, _ in Formatter().parse(phrase) if name is not None}


@pytest.mark.parametrize("language", OTHERS)
def test_every_phrase_exists_in_every_language_with_the_same_placeholders(language: Language) -> None:
    """As many as English has, and the titles of measures, whose English stands in the catalogue."""
    english, there = PHRASES[Language.EN], PHRASES[language]
    assert set(there) == set(english) | {f"measure.{name}" for name in MEASURES}
    wrong = [name for name, phrase in english.items() if placeholders(phrase) != placeholders(there[name])]
    assert wrong == []


@pytest.mark.parametrize("language", OTHERS)
def test_every_phrase_is_translated(language: Language) -> None:
    """A sentence that reads as in English was forgotten; a value with its unit may be the same."""
    english, there = PHRASES[Language.EN], PHRASES[language]
    alike = {name for name, phrase in english.items() if there[name] == phrase}
    assert alike <= {"value.no", "value.share", "expansion.name", "part.other"}
    titles = {name for name, measure in MEASURES.items() if there[f"measure.{name}"] == measure.title}
    assert titles <= {"arr"}


def test_every_way_a_measure_stands_and_every_risk_has_its_sentence() -> None:
    """What has no sentence of its own would be told as something else, or not at all."""
    said = tuple(PHRASES[Language.EN])
    assert [one for one in Standing if not any(name.startswith(f"part.{one.value}") for name in said)] == []
    assert {f"risk.{code}" for code in RISKY} <= set(PHRASES[Language.EN])


@pytest.mark.parametrize(
    ("phrase", "values", "sentence"),
    [
        (
            "health.known",
            {"points": Decimal("40.0"), "band": "red", "known": Decimal("60.0")},
            "Health is 40.0 (red); 60.0 % of what we weigh is known.",
        ),
        ("health.unknown", {"known": Decimal("0.0")}, "Health is unknown: 0.0 % of what we weigh is known."),
        (
            "part.counted",
            {"measure": "Seats (5)", "points": Decimal("50.0"), "share": Decimal("60.0")},
            "Seats (5) adds 50.0 points at a weight of 60.0 %.",
        ),
        (
            "part.lent",
            {"measure": "Seats (5)", "points": Decimal(50), "share": Decimal(100), "own": Decimal(60)},
            (
                "Seats (5) adds 50 points at a weight of 100 % (60 % of its own, the rest from "
                "measures that are unknown)."
            ),
        ),
        ("part.not_enough", {"measure": "Seats (5)"}, "Seats (5) is known, but not enough else is."),
        (
            "part.redistributed",
            {"measure": "Seats (unknown)"},
            "Seats (unknown) adds nothing; its weight goes to the others.",
        ),
        (
            "part.neutral",
            {"measure": "S (unknown)", "points": Decimal(20)},
            "S (unknown) adds 20 points, a neutral value in its place.",
        ),
        (
            "part.worst",
            {"measure": "S (unknown)", "points": Decimal(0)},
            "S (unknown) adds 0 points, the worst value in its place.",
        ),
        ("part.blocking", {"measure": "S (unknown)"}, "S (unknown) is needed for any score."),
        ("part.shadow", {"measure": "S (5)"}, "S (5) is watched, not counted."),
        (
            "part.cap",
            {"reason": "An escalation is open", "limit": Decimal("40.0"), "points": Decimal("10.0")},
            "An escalation is open: limited to 40.0, takes 10.0 points.",
        ),
        ("value.stale", {"day": TODAY}, "last seen on 2024-03-01, too long ago"),
        ("value.days.one", {"count": 1}, "1 day"),
        ("value.days.other", {"count": 1200}, "1200 days"),
        (
            "risk.milestone",
            {"title": "First use", "day": TODAY},
            "Milestone First use was due on 2024-03-01.",
        ),
        ("risk.renewal", {"day": TODAY}, "The renewal due on 2024-03-01 is still open."),
        ("risk.no_rate", {"line": "L1", "currency": "XXX"}, "Line L1 is in XXX, which has no rate."),
        (
            "risk.churned_but_open",
            {"flag": "churned", "day": TODAY},
            "The flag churned says churned, but a contract line is open on 2024-03-01.",
        ),
        ("profile.reason", {}, "Every account has a profile."),
        (
            "plan.reason",
            {"day": TODAY, "days": 180},
            "The first recurring line began on 2024-03-01, within 180 days.",
        ),
        (
            "milestone.reason",
            {"title": "First use", "evidence": "usage_total >= 1"},
            "First use is reached on the first day that usage_total >= 1.",
        ),
        ("renewal.name", {"account": "Acme", "day": TODAY}, "Acme: renewal 2024-03-01"),
        (
            "renewal.reason.one",
            {"count": 1, "amount": usd(1200), "day": TODAY, "term": 2},
            "1 line worth USD 1,200.00 a year comes due on 2024-03-01 (term 2).",
        ),
        (
            "renewal.reason.other",
            {"count": 3, "amount": Money(-150, "JPY"), "day": TODAY, "term": 2},
            "3 lines worth JPY -150 a year come due on 2024-03-01 (term 2).",
        ),
        (
            "renewal.adopted",
            {"term": "2", "deal": "Theirs"},
            "Renewal term 2 is handled in the deal Theirs, so none was opened.",
        ),
        (
            "expansion.name",
            {"account": "Acme", "seats": "2 seats", "product": "Core"},
            "Acme: 2 seats of Core",
        ),
        (
            "expansion.reason.one",
            {
                "share": Decimal("80.0"),
                "seats": "5 seats",
                "product": "Core",
                "days": 14,
                "day": TODAY,
                "more": "1 seat",
            },
            (
                "80.0 % or more of 5 seats of Core were in use on each of the 14 days before "
                "2024-03-01: 1 seat more is proposed."
            ),
        ),
        (
            "expansion.reason.other",
            {
                "share": Decimal("80.0"),
                "seats": "1 seat",
                "product": "Core",
                "days": 14,
                "day": TODAY,
                "more": "2 seats",
            },
            (
                "80.0 % or more of 1 seat of Core were in use on each of the 14 days before "
                "2024-03-01: 2 seats more are proposed."
            ),
        ),
        (
            "expansion.adopted",
            {"product": "Core", "deal": "Theirs"},
            "More seats of Core are needed; the deal Theirs is open for it.",
        ),
    ],
)
def test_english_is_worded_as_it_always_was(phrase: str, values: dict[str, Said], sentence: str) -> None:
    """The sentences as they stood on records before there were languages: none is written anew."""
    assert Words(Language.EN)(phrase, **values) == sentence


@pytest.mark.parametrize(
    ("language", "day", "number", "amount", "signed"),
    [
        ("en", "2024-03-01", "1234.5", "USD 1,234.50", "+1234.5"),
        ("de", "01.03.2024", "1.234,5", "1.234,50\xa0USD", "+1.234,5"),
        ("fr", "1 mars 2024", "1\u202f234,5", "1\u202f234,50\xa0USD", "+1\u202f234,5"),
        ("es", "1 mar 2024", "1.234,5", "1.234,50\xa0USD", "+1.234,5"),
    ],
)
def test_days_numbers_and_money_are_written_as_the_language_does(
    language: str, day: str, number: str, amount: str, signed: str
) -> None:
    """By the Unicode CLDR (its ``medium`` day and decimal pattern); English stays as it was."""
    words = Words(Language(language))
    assert words.shown(TODAY) == day
    assert words.shown(Decimal("1234.5")) == number
    assert words.shown(Money(123_450, "USD")) == amount
    assert words.signed(Decimal("1234.5")) == signed


def test_a_currency_without_minor_units_has_no_decimals() -> None:
    """1,500 yen."""
    assert Words(Language.EN).shown(Money(1500, "JPY")) == "JPY 1,500"
    assert Words(Language.DE).shown(Money(-1500, "JPY")) == "-1.500\xa0JPY"


@pytest.mark.parametrize(
    ("language", "nought", "one", "many"),
    [
        ("en", "0 days", "1 day", "1000000 days"),
        ("de", "0 Tage", "1 Tag", "1.000.000 Tage"),
        ("fr", "0 jour", "1 jour", "1\u202f000\u202f000 jours"),
        ("es", "0 días", "1 día", "1.000.000 días"),
    ],
)
def test_things_are_counted_as_the_language_does(language: str, nought: str, one: str, many: str) -> None:
    """In French nought is singular."""
    words = Words(Language(language))
    assert [words.counted("value.days", count) for count in (0, 1, 1_000_000)] == [nought, one, many]


def test_a_measure_of_each_unit_is_shown_in_the_language() -> None:
    """A share, a count, days, a rating and money."""
    words, by_unit = Words(Language.DE), {measure.unit: name for name, measure in MEASURES.items()}
    values = {Unit.SHARE: 2, Unit.COUNT: 1234, Unit.DAYS: 1, Unit.RATING: 4, Unit.MONEY: 1234, Unit.RATIO: 3}
    found = {
        unit: shown_value(by_unit[unit], MeasureValue(value, TODAY), words) for unit, value in values.items()
    }
    assert [found[unit] for unit in values] == ["200 %", "1.234", "1 Tag", "4,0", "1.234", "3,0"]


def test_the_explanation_is_told_in_the_language() -> None:
    """Score, weights and the title of the catalogue; a title of the charter's own stays as it is."""
    card = replace(
        CARD, measures=tuple(replace(one, title=MEASURES[one.measure].title) for one in CARD.measures)
    )
    own = replace(card.measures[0], title="Our own days")
    card = replace(card, measures=(own, *card.measures[1:3]), caps=())
    account = facts([line()], tickets=(ticket("T", TODAY),), usage=(used(TODAY),), usage_seen=True)
    result = score(account, card, MeasureBook(AccountView(account, rules()), TODAY), TODAY)
    assert explain(result, Words(Language.DE)).splitlines() == [
        # 40, 30 and 20 of 90; 5, 25 and 80 points: 2.222 + 8.333 + 17.778 = 28.333
        "Die Gesundheit ist 28,3 (red); 100,0 % dessen, was wir gewichten, sind bekannt.",
        "Our own days (1) trägt 2,2 Punkte bei, mit einem Gewicht von 44,5 %.",
        "Genutzte Funktionen in 28 Tagen (1) trägt 8,3 Punkte bei, mit einem Gewicht von 33,3 %.",
        "Offene Tickets (1) trägt 17,8 Punkte bei, mit einem Gewicht von 22,2 %.",
    ]


def customer() -> AccountFacts:
    """Return a churned-by-flag customer whose full seats ask for more and whose renewal is due."""
    held = facts(
        [
            line(start=date(2023, 12, 1), end=date(2024, 5, 1), quantity=5, arr=usd(1200)),
            line("L2", arr=Money(1, "XXX")),
        ],
        presence=tuple(seen(day, ["a", "b", "c", "d", "e"]) for day in days(date(2024, 1, 1), 60)),
        usage=(used(date(2024, 2, 1)),),
        usage_seen=True,
    )
    return replace(held, account=replace(held.account, attributes={"churned": "true"}))


def told(language: Language) -> list[str]:
    """Return every sentence on the account's records."""
    ruled: Rules = rules(language=language)
    state = advance(FoldState.empty(), customer(), ruled, TODAY)
    found = decide(state, customer(), ruled, TODAY).records
    return [text for record in found for text in (record.reason, *map(str, record.fields.values()))]


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        (
            Language.EN,
            [
                "1 line worth USD 1,200.00 a year comes due on 2024-05-01 (term 1).",
                "Line L2 is in XXX, which has no rate.",
                "The flag churned says churned, but a contract line is open on 2024-03-01.",
                "The first recurring line began on 2023-12-01, within 180 days.",
            ],
        ),
        (
            Language.DE,
            [
                "1 Position im Wert von 1.200,00\xa0USD im Jahr wird am 01.05.2024 fällig (Laufzeit 1).",
                "Die Position L2 ist in XXX, wofür es keinen Kurs gibt.",
                "Acme: Verlängerung 01.05.2024",
                "Jeder Kunde hat ein Profil.",
            ],
        ),
        (
            Language.FR,
            [
                (
                    "1 ligne d'une valeur de 1\u202f200,00\xa0USD par an arrive à échéance "
                    "le 1 mai 2024 (période 1)."
                ),
                "La première ligne récurrente a commencé le 1 déc. 2023, en deçà de 180 jours.",
            ],
        ),
        (
            Language.ES,
            [
                "1 línea por valor de 1.200,00\xa0USD al año vence el 1 may 2024 (periodo 1).",
                "Acme: renovación 1 may 2024",
            ],
        ),
    ],
)
def test_records_are_told_in_the_language(language: Language, sentences: list[str]) -> None:
    """Reasons of renewals and plans, risks and names, with days and money as the language writes them."""
    found = "\n".join(told(language)).splitlines()
    assert [one for one in sentences if one not in found] == []


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_english_is_left_on_a_record(language: Language) -> None:
    """Every sentence of the English records is another one in the language."""
    english, there = (
        set("\n".join(told(Language.EN)).splitlines()),
        set("\n".join(told(language)).splitlines()),
    )
    left = {text for text in english & there if text.endswith(".") or " renewal " in text}
    assert left == set()
