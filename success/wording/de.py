"""The phrases in German; ``en`` says what each is for."""

from __future__ import annotations

from collections.abc import Mapping

PHRASES: Mapping[str, str] = {
    "value.unknown": "unbekannt",
    "value.share": "{percent} %",
    "value.days.one": "{count} Tag",
    "value.days.other": "{count} Tage",
    "value.stale": "zuletzt am {day} gesehen, zu lange her",
    "health.known": (
        "Die Gesundheit ist {points} ({band}); {known} % dessen, was wir gewichten, sind bekannt."
    ),
    "health.unknown": "Die Gesundheit ist unbekannt: {known} % dessen, was wir gewichten, sind bekannt.",
    "part.counted": "{measure} trägt {points} Punkte bei, mit einem Gewicht von {share} %.",
    "part.lent": (
        "{measure} trägt {points} Punkte bei, mit einem Gewicht von {share} % "
        "({own} % eigenes, der Rest von unbekannten Messgrößen)."
    ),
    "part.not_enough": "{measure} ist bekannt, aber sonst zu wenig.",
    "part.redistributed": "{measure} trägt nichts bei; das Gewicht geht an die anderen.",
    "part.neutral": "{measure} trägt {points} Punkte bei, ersatzweise mit einem neutralen Wert.",
    "part.worst": "{measure} trägt {points} Punkte bei, ersatzweise mit dem schlechtesten Wert.",
    "part.blocking": "{measure} wird für jede Bewertung gebraucht.",
    "part.shadow": "{measure} wird beobachtet, aber nicht gezählt.",
    "part.cap": "{reason}: auf {limit} begrenzt, kostet {points} Punkte.",
    "part.other": "{reason}: {points} Punkte.",
    "value.yes": "ja",
    "value.no": "nein",
    "health.held": "Nach den Punkten allein wäre sie {band}.",
    "part.shadow_known": (
        "{measure} wird beobachtet, aber nicht gezählt; für sich hätte sie {points} von 100 Punkten."
    ),
    "event.times.one": "einmal",
    "event.times.other": "{count}-mal",
    "part.event_adds": (
        "{reason} ({times}, zuletzt am {day}) bringt {points} Punkte, mit jedem Tag weniger."
    ),
    "part.event_takes": (
        "{reason} ({times}, zuletzt am {day}) kostet {points} Punkte, mit jedem Tag weniger."
    ),
    "part.override_adds": "Was {author} sagt, bringt {points} Punkte.",
    "part.override_takes": "Was {author} sagt, kostet {points} Punkte.",
    "override.somebody": "jemand",
    "override.value": (
        "{author} hat die Gesundheit bis {day} auf {points} gesetzt ({reason}); der "
        "berechnete Wert ist {computed}."
    ),
    "override.cap": (
        "{author} hält die Gesundheit bis {day} bei höchstens {points} ({reason}); der "
        "berechnete Wert ist {computed}."
    ),
    "override.floor": (
        "{author} hält die Gesundheit bis {day} bei mindestens {points} ({reason}); der "
        "berechnete Wert ist {computed}."
    ),
    "override.ended": (
        "Der von {author} gesetzte Wert ({points} Punkte) endete am {day}; die "
        "Gesundheit ist wieder der berechnete Wert."
    ),
    "change.moved": (
        "Die Gesundheit ging von {before} ({before_band}) am {since} auf {after} ({after_band}) am {day}: "
        "{points} Punkte."
    ),
    "change.still": (
        "Die Gesundheit ist am {day} {after} ({after_band}) wie am {since}: nichts hat sie bewegt."
    ),
    "change.offset": (
        "Die Gesundheit ist am {day} {after} ({after_band}) wie am {since}: "
        "was sie bewegt hat, hebt sich auf."
    ),
    "change.was_unknown": (
        "Die Gesundheit war am {since} unbekannt; der Grund: {why_before}. "
        "Am {day} ist sie {after} ({after_band})."
    ),
    "change.is_unknown": (
        "Die Gesundheit war am {since} {before} ({before_band}). "
        "Am {day} ist sie unbekannt; der Grund: {why_after}."
    ),
    "change.both_unknown": (
        "Die Gesundheit war am {since} unbekannt; der Grund: {why_before}. "
        "Am {day} ist sie unbekannt; der Grund: {why_after}."
    ),
    "record.moved": (
        "Die Gesundheit war am {since} {before} ({before_band}) und ist jetzt {after} "
        "({after_band}): {points} Punkte."
    ),
    "record.still": "Die Gesundheit ist {after} ({after_band}) wie am {since}: nichts hat sie bewegt.",
    "record.offset": (
        "Die Gesundheit ist {after} ({after_band}) wie am {since}: was sie bewegt hat, hebt sich auf."
    ),
    "record.was_unknown": (
        "Die Gesundheit war am {since} unbekannt; der Grund: {why_before}. Jetzt ist sie {after} "
        "({after_band})."
    ),
    "record.is_unknown": (
        "Die Gesundheit war am {since} {before} ({before_band}). Jetzt ist sie unbekannt; der "
        "Grund: {why_after}."
    ),
    "record.both_unknown": (
        "Die Gesundheit war am {since} unbekannt; der Grund: {why_before}. Jetzt ist sie "
        "unbekannt; der Grund: {why_after}."
    ),
    "why.nothing": "nichts von dem, was wir gewichten, ist bekannt",
    "why.blocked": "ohne {measures} wird nicht bewertet",
    "why.coverage": "{known} % dessen, was wir gewichten, sind bekannt, und {needed} % sind nötig",
    "cause.ageing": "Vergangene Zeit, ohne Neues: {points} Punkte.",
    "cause.data": "Neue Daten: {points} Punkte.",
    "cause.missing": "Messgrößen, die bekannt wurden oder fehlen: {points} Punkte.",
    "cause.weights": "Andere Regeln in der Charta: {points} Punkte.",
    "cause.segment": "Eine andere Bewertung, nach Segment oder Phase: {points} Punkte.",
    "cause.override": "Ein von einer Person gesetzter Wert: {points} Punkte.",
    "item.moved": "{title} (zuvor {before}, jetzt {after}): {points} Punkte.",
    "item.same": "{title} ({after}): {points} Punkte.",
    "item.appeared": "{title} ist jetzt bekannt ({after}): {points} Punkte.",
    "item.vanished": "{title} ist nicht mehr bekannt (zuvor {before}): {points} Punkte.",
    "item.weighed": "{title} zählt jetzt ({after}): {points} Punkte.",
    "item.dropped": "{title} zählt nicht mehr ({before}): {points} Punkte.",
    "risk.milestone": "Der Meilenstein {title} war am {day} fällig.",
    "risk.renewal": "Die am {day} fällige Verlängerung ist noch offen.",
    "risk.no_rate": "Die Position {line} ist in {currency}, wofür es keinen Kurs gibt.",
    "risk.churned_but_open": (
        "Das Kennzeichen {flag} sagt, der Kunde sei abgewandert, aber am {day} läuft eine Vertragsposition."
    ),
    "risk.unknown_segment": (
        "Das Segment ist auf '{key}' festgelegt, das die Charta nicht kennt; das bewirkt nichts."
    ),
    "risk.unknown_stage": (
        "Die Stufe ist auf '{key}' festgelegt, die die Charta nicht kennt; das bewirkt nichts."
    ),
    "risk.several_values": (
        "Das Merkmal '{name}' trägt mehrere Werte ({values}) und bestimmt darum kein Segment."
    ),
    # Was ein Abwanderungsmodell für oder gegen einen Kunden anführt.
    "model.raises": "{feature} ({value}) erhöht das Risiko: {log_odds} Log-Odds.",
    "model.lowers": "{feature} ({value}) senkt das Risiko: {log_odds} Log-Odds.",
    "model.term_ends": "Laufzeit, die innerhalb des Horizonts endet",
    "profile.reason": "Jeder Kunde hat ein Profil.",
    "plan.reason": "Die erste wiederkehrende Position begann am {day}, innerhalb von {days} Tagen.",
    "milestone.reason": "{title} ist am ersten Tag erreicht, an dem gilt: {evidence}.",
    "task.phase": "Abschnitt: {value}",
    "task.side": "Zu erreichen durch: {value}",
    "task.evidence": "Erreicht, wenn gilt: {value}",
    "task.hint": (
        "Der Meilenstein wird durch seinen Nachweis erreicht; diese Aufgabe zu erledigen ändert daran nichts."
    ),
    "side.vendor": "uns",
    "side.customer": "den Kunden",
    "seats.one": "{count} Platz",
    "seats.other": "{count} Plätze",
    "renewal.name": "{account}: Verlängerung {day}",
    "renewal.reason.one": (
        "{count} Position im Wert von {amount} im Jahr wird am {day} fällig (Laufzeit {term})."
    ),
    "renewal.reason.other": (
        "{count} Positionen im Wert von {amount} im Jahr werden am {day} fällig (Laufzeit {term})."
    ),
    "renewal.adopted": (
        "Die Verlängerung der Laufzeit {term} wird im Deal {deal} geführt, daher wurde keine eröffnet."
    ),
    "expansion.name": "{account}: {seats} für {product}",
    "expansion.reason.one": (
        "Der Bestand ({seats}) von {product} war an jedem der {days} Tage vor dem {day} zu {share} % "
        "oder mehr in Gebrauch: vorgeschlagen wird zusätzlich {more}."
    ),
    "expansion.reason.other": (
        "Der Bestand ({seats}) von {product} war an jedem der {days} Tage vor dem {day} zu {share} % "
        "oder mehr in Gebrauch: vorgeschlagen werden zusätzlich {more}."
    ),
    "expansion.adopted": "Von {product} werden mehr Plätze gebraucht; dafür ist der Deal {deal} offen.",
    "measure.seat_utilisation": "Auslastung der Plätze",
    "measure.usage_events_28d": "Nutzungen in 28 Tagen",
    "measure.usage_per_seat_28d": "Nutzungen je Platz in 28 Tagen",
    "measure.usage_trend": "Nutzung gegenüber den 28 Tagen davor",
    "measure.active_days_28d": "Aktive Tage in 28 Tagen",
    "measure.days_since_last_use": "Zeit seit der letzten Nutzung",
    "measure.feature_breadth_28d": "Genutzte Funktionen in 28 Tagen",
    "measure.usage_total": "Nutzungen insgesamt",
    "measure.first_use_days": "Zeit bis zur ersten Nutzung",
    "measure.open_tickets": "Offene Tickets",
    "measure.open_escalations": "Offene Eskalationen",
    "measure.tickets_28d": "Tickets in 28 Tagen",
    "measure.csat_90d": "Zufriedenheit in 90 Tagen",
    "measure.nps_latest": "Letzte Weiterempfehlung",
    "measure.nps_90d": "NPS in 90 Tagen",
    "measure.csm_pulse": "Einschätzung des CSM",
    "measure.active_users_7d": "Nutzer in 7 Tagen",
    "measure.active_users_28d": "Nutzer in 28 Tagen",
    "measure.active_users_90d": "Nutzer in 90 Tagen",
    "measure.open_severe_tickets": "Offene schwere Tickets",
    "measure.ticket_severity": "Schwere der offenen Tickets",
    "measure.ticket_velocity_28d": "Tickets mehr als in den 28 Tagen davor",
    "measure.reopen_rate_90d": "Wieder geöffnete Tickets",
    "measure.days_to_resolve_90d": "Zeit bis zur Lösung",
    "measure.days_to_renewal": "Zeit bis zur Verlängerung",
    "measure.days_since_start": "Zeit seit Beginn",
    "measure.arr": "ARR",
    "measure.seats": "Plätze",
    "measure.usage_slope_4w": "Wöchentliche Änderung der Nutzung, 4 Wochen",
    "measure.usage_slope_8w": "Wöchentliche Änderung der Nutzung, 8 Wochen",
    "measure.cancel_notice": "Kündigung",
}
