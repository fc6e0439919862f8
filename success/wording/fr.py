"""The phrases in French; ``en`` says what each is for."""

from __future__ import annotations

from collections.abc import Mapping

PHRASES: Mapping[str, str] = {
    "value.unknown": "inconnu",
    "value.share": "{percent} %",
    "value.days.one": "{count} jour",
    "value.days.other": "{count} jours",
    "value.stale": "vu pour la dernière fois le {day}, il y a trop longtemps",
    "health.known": "La santé est de {points} ({band}) ; {known} % de ce que nous pondérons est connu.",
    "health.unknown": "La santé est inconnue : {known} % de ce que nous pondérons est connu.",
    "part.counted": "{measure} apporte {points} points avec un poids de {share} %.",
    "part.lent": (
        "{measure} apporte {points} points avec un poids de {share} % "
        "({own} % en propre, le reste vient de mesures inconnues)."
    ),
    "part.not_enough": "{measure} : valeur connue, mais trop peu du reste l'est.",
    "part.redistributed": "{measure} n'apporte rien ; son poids va aux autres mesures.",
    "part.neutral": "{measure} apporte {points} points, une valeur neutre étant prise à la place.",
    "part.worst": "{measure} apporte {points} points, la pire valeur étant prise à la place.",
    "part.blocking": "{measure} : indispensable à tout score.",
    "part.shadow": "{measure} : suivi, mais pas compté.",
    "part.cap": "{reason} : limité à {limit}, retire {points} points.",
    "part.other": "{reason} : {points} points.",
    "value.yes": "oui",
    "value.no": "non",
    "health.held": "Par ses seuls points, elle serait {band}.",
    "part.shadow_known": (
        "{measure} : suivi, mais pas compté ; à lui seul, il aurait {points} points sur 100."
    ),
    "event.times.one": "une fois",
    "event.times.other": "{count} fois",
    "part.event_adds": (
        "{reason} ({times}, la dernière le {day}) ajoute {points} points, moins chaque jour."
    ),
    "part.event_takes": (
        "{reason} ({times}, la dernière le {day}) retire {points} points, moins chaque jour."
    ),
    "part.override_adds": "Ce que dit {author} ajoute {points} points.",
    "part.override_takes": "Ce que dit {author} retire {points} points.",
    "override.somebody": "quelqu'un",
    "override.value": (
        "{author} a fixé la santé à {points} jusqu'au {day} ({reason}) ; le score calculé est {computed}."
    ),
    "override.cap": (
        "{author} maintient la santé à {points} au plus jusqu'au {day} ({reason}) ; le "
        "score calculé est {computed}."
    ),
    "override.floor": (
        "{author} maintient la santé à {points} au moins jusqu'au {day} ({reason}) ; le "
        "score calculé est {computed}."
    ),
    "override.ended": (
        "Le score fixé par {author} ({points} points) a pris fin le {day} ; la santé est "
        "de nouveau le score calculé."
    ),
    "change.moved": (
        "La santé est passée de {before} ({before_band}) le {since} à {after} ({after_band}) le {day} : "
        "{points} points."
    ),
    "change.still": "La santé est de {after} ({after_band}) le {day} comme le {since} : rien ne l'a changée.",
    "change.offset": (
        "La santé est de {after} ({after_band}) le {day} comme le {since} : ce qui l'a changée se compense."
    ),
    "change.was_unknown": (
        "La santé était inconnue le {since}, car {why_before}. Le {day}, elle est de {after} ({after_band})."
    ),
    "change.is_unknown": (
        "La santé était de {before} ({before_band}) le {since}. Le {day}, elle est inconnue, car {why_after}."
    ),
    "change.both_unknown": (
        "La santé était inconnue le {since}, car {why_before}. Le {day}, elle est inconnue, car {why_after}."
    ),
    "record.moved": (
        "La santé était de {before} ({before_band}) le {since} et est maintenant de {after} "
        "({after_band}) : {points} points."
    ),
    "record.still": "La santé est de {after} ({after_band}) comme le {since} : rien ne l'a changée.",
    "record.offset": (
        "La santé est de {after} ({after_band}) comme le {since} : ce qui l'a changée se compense."
    ),
    "record.was_unknown": (
        "La santé était inconnue le {since}, car {why_before}. Maintenant, elle est de {after} "
        "({after_band})."
    ),
    "record.is_unknown": (
        "La santé était de {before} ({before_band}) le {since}. Maintenant, elle est inconnue, "
        "car {why_after}."
    ),
    "record.both_unknown": (
        "La santé était inconnue le {since}, car {why_before}. Maintenant, elle est inconnue, "
        "car {why_after}."
    ),
    "why.nothing": "rien de ce que nous pondérons n'est connu",
    "why.blocked": "aucun score n'est donné sans {measures}",
    "why.coverage": "{known} % de ce que nous pondérons est connu et il en faut {needed} %",
    "cause.ageing": "Le temps qui passe, sans rien de nouveau : {points} points.",
    "cause.data": "Nouvelles données : {points} points.",
    "cause.missing": "Mesures devenues connues ou manquantes : {points} points.",
    "cause.weights": "Autres règles dans la charte : {points} points.",
    "cause.segment": "Une autre grille, selon le segment ou l'étape : {points} points.",
    "cause.override": "Un score fixé par une personne : {points} points.",
    "item.moved": "{title}, de {before} à {after} : {points} points.",
    "item.same": "{title} ({after}) : {points} points.",
    "item.appeared": "{title}, connu désormais ({after}) : {points} points.",
    "item.vanished": "{title}, plus connu (auparavant {before}) : {points} points.",
    "item.weighed": "{title}, compté désormais ({after}) : {points} points.",
    "item.dropped": "{title}, plus compté ({before}) : {points} points.",
    "risk.milestone": "Le jalon {title} était attendu le {day}.",
    "risk.renewal": "Le renouvellement dû le {day} est encore ouvert.",
    "risk.no_rate": "La ligne {line} est en {currency}, qui n'a pas de taux.",
    "risk.churned_but_open": (
        "L'indicateur {flag} dit que le client est parti, mais une ligne de contrat est ouverte le {day}."
    ),
    "risk.unknown_segment": (
        "Le segment est fixé à '{key}', que la charte ne connaît pas ; c'est sans effet."
    ),
    "risk.unknown_stage": ("L'étape est fixée à '{key}', que la charte ne connaît pas ; c'est sans effet."),
    "risk.several_values": (
        "L'attribut '{name}' porte plusieurs valeurs ({values}) et n'indique donc aucun segment."
    ),
    "model.raises": "{feature} ({value}) augmente le risque : {log_odds} en log-odds.",
    "model.lowers": "{feature} ({value}) réduit le risque : {log_odds} en log-odds.",
    "model.term_ends": "Période qui se termine dans l'horizon",
    "profile.reason": "Chaque compte a un profil.",
    "plan.reason": "La première ligne récurrente a commencé le {day}, en deçà de {days} jours.",
    "milestone.reason": "{title} est atteint le premier jour où {evidence}.",
    "task.phase": "Étape : {value}",
    "task.side": "À la charge de : {value}",
    "task.evidence": "Atteint quand : {value}",
    "task.hint": "Le jalon est atteint par sa preuve ; terminer cette tâche n'y change rien.",
    "side.vendor": "nous",
    "side.customer": "le client",
    "seats.one": "{count} licence",
    "seats.other": "{count} licences",
    "renewal.name": "{account} : renouvellement {day}",
    "renewal.reason.one": (
        "{count} ligne d'une valeur de {amount} par an arrive à échéance le {day} (période {term})."
    ),
    "renewal.reason.other": (
        "{count} lignes d'une valeur de {amount} par an arrivent à échéance le {day} (période {term})."
    ),
    "renewal.adopted": (
        "Le renouvellement de la période {term} est suivi dans l'affaire {deal} ; aucun n'a donc été ouvert."
    ),
    "expansion.name": "{account} : {seats} de {product}",
    "expansion.reason.one": (
        "{share} % ou plus du parc ({seats}) de {product} étaient utilisés chacun des {days} jours "
        "précédant le {day} : {more} de plus est proposée."
    ),
    "expansion.reason.other": (
        "{share} % ou plus du parc ({seats}) de {product} étaient utilisés chacun des {days} jours "
        "précédant le {day} : {more} de plus sont proposées."
    ),
    "expansion.adopted": "Il faut plus de licences de {product} ; l'affaire {deal} est ouverte pour cela.",
    "measure.seat_utilisation": "Taux d'utilisation des licences",
    "measure.usage_events_28d": "Utilisations en 28 jours",
    "measure.usage_per_seat_28d": "Utilisations par licence en 28 jours",
    "measure.usage_trend": "Utilisation par rapport aux 28 jours précédents",
    "measure.active_days_28d": "Jours d'activité en 28 jours",
    "measure.days_since_last_use": "Temps depuis la dernière utilisation",
    "measure.feature_breadth_28d": "Fonctions utilisées en 28 jours",
    "measure.usage_total": "Utilisations au total",
    "measure.first_use_days": "Temps jusqu'à la première utilisation",
    "measure.open_tickets": "Tickets ouverts",
    "measure.open_escalations": "Escalades ouvertes",
    "measure.tickets_28d": "Tickets en 28 jours",
    "measure.csat_90d": "Satisfaction en 90 jours",
    "measure.nps_latest": "Dernière recommandation",
    "measure.nps_90d": "NPS en 90 jours",
    "measure.csm_pulse": "Pouls du CSM",
    "measure.active_users_7d": "Utilisateurs en 7 jours",
    "measure.active_users_28d": "Utilisateurs en 28 jours",
    "measure.active_users_90d": "Utilisateurs en 90 jours",
    "measure.open_severe_tickets": "Tickets graves ouverts",
    "measure.ticket_severity": "Gravité des tickets ouverts",
    "measure.ticket_velocity_28d": "Tickets de plus que dans les 28 jours précédents",
    "measure.reopen_rate_90d": "Tickets rouverts",
    "measure.days_to_resolve_90d": "Délai de résolution",
    "measure.days_to_renewal": "Temps jusqu'au renouvellement",
    "measure.days_since_start": "Temps depuis le début",
    "measure.arr": "ARR",
    "measure.seats": "Licences",
    "measure.usage_slope_4w": "Variation hebdomadaire de l'utilisation, 4 semaines",
    "measure.usage_slope_8w": "Variation hebdomadaire de l'utilisation, 8 semaines",
    "measure.cancel_notice": "Préavis de résiliation",
}
