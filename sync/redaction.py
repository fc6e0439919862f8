"""What must not stand in a log: secrets, addresses of people, values that the CRM quotes.

Neighbour: ``logs`` hands every line through here. Shapes of credentials: HubSpot page "Private apps" and
"OAuth quickstart" (``pat-…``, ``CJ…`` tokens go as bearer), Salesforce page "Session ID" (``00D…!…``).
"""

from __future__ import annotations

import re
from typing import Final

REMOVED: Final = "[removed]"
LONGEST: Final = 2_000
"""Characters of a text that is kept in a log; the rest is cut off."""

_SEARCHED: Final = 4 * LONGEST
_EMAIL: Final = r"(?<![\w.+'-])[\w.+'-]++(?:@|%40)[\w-]+(?:\.[\w-]+)+"
_SECRETS: Final = (
    (re.compile(r"(://)[^/@\s]*@"), rf"\1{REMOVED}@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=!-]+"), rf"\1 {REMOVED}"),
    (re.compile(r"\b00D\w{9,15}![\w.]+"), REMOVED),
    (re.compile(r"\bpat-[a-z0-9]+-[\w-]+"), REMOVED),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), REMOVED),
    (re.compile(r"\bgAAAA[\w=-]{20,}"), REMOVED),
    (re.compile(r"(/webhooks/salesforce/[^/\s]+/)[^/\s?\"']+"), rf"\1{REMOVED}"),
    (
        re.compile(
            r"(?i)\b(access_token|refresh_token|client_secret|code_verifier|code|state|assertion|password|sid)"
            r"(=|\"?:\s*\"?|'?:\s*'?)[^&\s\"',}]+"
        ),
        rf"\1\2{REMOVED}",
    ),
    (re.compile(_EMAIL), REMOVED),
)
_QUOTED: Final = re.compile(r"\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)|“[^”]*”|„[^“]*“|«[^»]*»")


def clean(text: str) -> str:
    """Return the text without credentials and e-mail addresses, cut at ``LONGEST`` characters.

    A longer text is searched somewhat beyond the cut, so that a secret that stands over it is seen whole, and
    no further: a page of an error costs what a line does.
    """
    kept = text[:_SEARCHED]
    for shape, instead in _SECRETS:
        kept = shape.sub(instead, kept)
    return kept if len(text) <= LONGEST else f"{kept[:LONGEST]}… {len(text) - LONGEST} characters more"


def clean_error(error: BaseException) -> str:
    """Return an error in one line: its type and what it says, without what it quotes.

    A CRM quotes the value it refuses, which may be anybody's name; the doctor and the console show it whole.
    """
    words = " ".join(str(error).split())
    return clean(f"{type(error).__name__}: {_QUOTED.sub(REMOVED, words)}" if words else type(error).__name__)
