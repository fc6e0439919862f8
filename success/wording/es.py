"""The phrases in Spanish; ``en`` says what each is for."""

from __future__ import annotations

from collections.abc import Mapping

PHRASES: Mapping[str, str] = {
    "value.unknown": "desconocido",
    "value.share": "{percent} %",
    "value.days.one": "{count} día",
    "value.days.other": "{count} días",
    "value.stale": "visto por última vez el {day}, hace demasiado tiempo",
    "health.known": "La salud es {points} ({band}); se conoce el {known} % de lo que ponderamos.",
    "health.unknown": "La salud es desconocida: se conoce el {known} % de lo que ponderamos.",
    "part.counted": "{measure} aporta {points} puntos con un peso del {share} %.",
    "part.lent": (
        "{measure} aporta {points} puntos con un peso del {share} % "
        "({own} % propio, el resto de medidas desconocidas)."
    ),
    "part.not_enough": "{measure}: valor conocido, pero falta demasiado de lo demás.",
    "part.redistributed": "{measure} no aporta nada; su peso pasa a las demás medidas.",
    "part.neutral": "{measure} aporta {points} puntos, con un valor neutro en su lugar.",
    "part.worst": "{measure} aporta {points} puntos, con el peor valor en su lugar.",
    "part.blocking": "{measure}: imprescindible para cualquier puntuación.",
    "part.shadow": "{measure}: se observa, no se cuenta.",
    "part.cap": "{reason}: limitada a {limit}, resta {points} puntos.",
    "part.other": "{reason}: {points} puntos.",
    "value.yes": "sí",
    "value.no": "no",
    "health.held": "Solo por sus puntos sería {band}.",
    "part.shadow_known": ("{measure}: se observa, no se cuenta; por sí sola tendría {points} de 100 puntos."),
    "event.times.one": "una vez",
    "event.times.other": "{count} veces",
    "part.event_adds": "{reason} ({times}, la última el {day}) suma {points} puntos, menos cada día.",
    "part.event_takes": "{reason} ({times}, la última el {day}) resta {points} puntos, menos cada día.",
    "part.override_adds": "Lo que dice {author} suma {points} puntos.",
    "part.override_takes": "Lo que dice {author} resta {points} puntos.",
    "override.somebody": "alguien",
    "override.value": (
        "{author} fijó la salud en {points} hasta el {day} ({reason}); la puntuación calculada es {computed}."
    ),
    "override.cap": (
        "{author} mantiene la salud en {points} como máximo hasta el {day} ({reason}); "
        "la puntuación calculada es {computed}."
    ),
    "override.floor": (
        "{author} mantiene la salud en {points} como mínimo hasta el {day} ({reason}); "
        "la puntuación calculada es {computed}."
    ),
    "override.ended": (
        "El valor fijado por {author} ({points} puntos) terminó el {day}; la salud "
        "vuelve a ser la puntuación calculada."
    ),
    "change.moved": (
        "La salud pasó de {before} ({before_band}) el {since} a {after} ({after_band}) el {day}: "
        "{points} puntos."
    ),
    "change.still": "La salud es {after} ({after_band}) el {day} como el {since}: nada la ha movido.",
    "change.offset": (
        "La salud es {after} ({after_band}) el {day} como el {since}: lo que la ha movido se compensa."
    ),
    "change.was_unknown": (
        "La salud era desconocida el {since} porque {why_before}. El {day} es {after} ({after_band})."
    ),
    "change.is_unknown": (
        "La salud era {before} ({before_band}) el {since}. El {day} es desconocida porque {why_after}."
    ),
    "change.both_unknown": (
        "La salud era desconocida el {since} porque {why_before}. El {day} es desconocida porque {why_after}."
    ),
    "record.moved": (
        "La salud era {before} ({before_band}) el {since} y ahora es {after} ({after_band}): {points} puntos."
    ),
    "record.still": "La salud es {after} ({after_band}) como el {since}: nada la ha movido.",
    "record.offset": "La salud es {after} ({after_band}) como el {since}: lo que la ha movido se compensa.",
    "record.was_unknown": (
        "La salud era desconocida el {since} porque {why_before}. Ahora es {after} ({after_band})."
    ),
    "record.is_unknown": (
        "La salud era {before} ({before_band}) el {since}. Ahora es desconocida porque {why_after}."
    ),
    "record.both_unknown": (
        "La salud era desconocida el {since} porque {why_before}. Ahora es desconocida porque {why_after}."
    ),
    "why.nothing": "no se conoce nada de lo que ponderamos",
    "why.blocked": "no se puntúa sin {measures}",
    "why.coverage": "se conoce el {known} % de lo que ponderamos y hace falta el {needed} %",
    "cause.ageing": "El paso del tiempo, sin nada nuevo: {points} puntos.",
    "cause.data": "Datos nuevos: {points} puntos.",
    "cause.missing": "Medidas que se conocieron o que faltan: {points} puntos.",
    "cause.weights": "Otras reglas en la carta: {points} puntos.",
    "cause.segment": "Otra puntuación, por segmento o etapa: {points} puntos.",
    "cause.override": "Un valor fijado por una persona: {points} puntos.",
    "item.moved": "{title}, de {before} a {after}: {points} puntos.",
    "item.same": "{title} ({after}): {points} puntos.",
    "item.appeared": "{title}, ahora conocido ({after}): {points} puntos.",
    "item.vanished": "{title}, ya no conocido (antes {before}): {points} puntos.",
    "item.weighed": "{title}, ahora cuenta ({after}): {points} puntos.",
    "item.dropped": "{title}, ya no cuenta ({before}): {points} puntos.",
    "risk.milestone": "El hito {title} vencía el {day}.",
    "risk.renewal": "La renovación que vencía el {day} sigue abierta.",
    "risk.no_rate": "La línea {line} está en {currency}, que no tiene tipo de cambio.",
    "risk.churned_but_open": (
        "El indicador {flag} dice que el cliente se fue, pero hay una línea de contrato abierta el {day}."
    ),
    "risk.unknown_segment": ("El segmento está fijado en '{key}', que la carta no tiene; no surte efecto."),
    "risk.unknown_stage": "La etapa está fijada en '{key}', que la carta no tiene; no surte efecto.",
    "risk.several_values": (
        "El atributo '{name}' lleva varios valores ({values}), así que no indica ningún segmento."
    ),
    "model.raises": "{feature} ({value}) aumenta el riesgo: {log_odds} log-odds.",
    "model.lowers": "{feature} ({value}) reduce el riesgo: {log_odds} log-odds.",
    "model.term_ends": "Periodo que termina dentro del horizonte",
    "profile.reason": "Cada cuenta tiene un perfil.",
    "plan.reason": "La primera línea recurrente empezó el {day}, dentro de {days} días.",
    "milestone.reason": "{title} se alcanza el primer día en que {evidence}.",
    "task.phase": "Fase: {value}",
    "task.side": "A cargo de: {value}",
    "task.evidence": "Se alcanza cuando: {value}",
    "task.hint": "El hito se alcanza por su prueba; completar esta tarea no lo cambia.",
    "side.vendor": "nosotros",
    "side.customer": "el cliente",
    "seats.one": "{count} licencia",
    "seats.other": "{count} licencias",
    "renewal.name": "{account}: renovación {day}",
    "renewal.reason.one": "{count} línea por valor de {amount} al año vence el {day} (periodo {term}).",
    "renewal.reason.other": "{count} líneas por valor de {amount} al año vencen el {day} (periodo {term}).",
    "renewal.adopted": (
        "La renovación del periodo {term} se lleva en el negocio {deal}, por eso no se abrió ninguna."
    ),
    "expansion.name": "{account}: {seats} de {product}",
    "expansion.reason.one": (
        "El {share} % o más del parque ({seats}) de {product} estuvo en uso cada uno de los {days} días "
        "antes del {day}: se propone {more} más."
    ),
    "expansion.reason.other": (
        "El {share} % o más del parque ({seats}) de {product} estuvo en uso cada uno de los {days} días "
        "antes del {day}: se proponen {more} más."
    ),
    "expansion.adopted": "Hacen falta más licencias de {product}; para ello está abierto el negocio {deal}.",
    "measure.seat_utilisation": "Uso de las licencias",
    "measure.usage_events_28d": "Usos en 28 días",
    "measure.usage_per_seat_28d": "Usos por licencia en 28 días",
    "measure.usage_trend": "Uso frente a los 28 días anteriores",
    "measure.active_days_28d": "Días activos en 28 días",
    "measure.days_since_last_use": "Tiempo desde el último uso",
    "measure.feature_breadth_28d": "Funciones usadas en 28 días",
    "measure.usage_total": "Usos en total",
    "measure.first_use_days": "Tiempo hasta el primer uso",
    "measure.open_tickets": "Tickets abiertos",
    "measure.open_escalations": "Escalaciones abiertas",
    "measure.tickets_28d": "Tickets en 28 días",
    "measure.csat_90d": "Satisfacción en 90 días",
    "measure.nps_latest": "Última recomendación",
    "measure.nps_90d": "NPS en 90 días",
    "measure.csm_pulse": "Pulso del CSM",
    "measure.active_users_7d": "Usuarios en 7 días",
    "measure.active_users_28d": "Usuarios en 28 días",
    "measure.active_users_90d": "Usuarios en 90 días",
    "measure.open_severe_tickets": "Tickets graves abiertos",
    "measure.ticket_severity": "Gravedad de los tickets abiertos",
    "measure.ticket_velocity_28d": "Tickets más que en los 28 días anteriores",
    "measure.reopen_rate_90d": "Tickets reabiertos",
    "measure.days_to_resolve_90d": "Tiempo de resolución",
    "measure.days_to_renewal": "Tiempo hasta la renovación",
    "measure.days_since_start": "Tiempo desde el inicio",
    "measure.arr": "ARR",
    "measure.seats": "Licencias",
    "measure.usage_slope_4w": "Variación semanal del uso, 4 semanas",
    "measure.usage_slope_8w": "Variación semanal del uso, 8 semanas",
    "measure.cancel_notice": "Aviso de cancelación",
}
