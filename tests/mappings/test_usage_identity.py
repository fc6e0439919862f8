"""What a domain says of a company, and what a charter may not say of how usage finds its account."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from mappings.usage_identity import FREE_MAIL, Means, UsageEntry, registered_domain, registered_domains


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("ann@mail.acme.co.uk", "acme.co.uk"),
        ("https://www.Acme.com:443/de?x=1", "acme.com"),
        ("acme.com.", "acme.com"),
        ("shop.acme.github.io", "acme.github.io"),
        ("ann@bücher.de", "xn--bcher-kva.de"),
        ("co.uk", None),
        ("github.io", None),
        ("localhost", None),
        ("crm.acme.example", "acme.example"),
        ("10.0.0.12", None),
        ("ann@", None),
        ("a b", None),
        ("", None),
    ],
)
def test_a_domain_is_what_somebody_registered(text: str, domain: str | None) -> None:
    """Sub-domains, sites and addresses are their registered domain; a public suffix is nobody's."""
    assert registered_domain(text) == domain


def test_a_company_may_have_several_domains() -> None:
    """Each is read on its own, in order, once."""
    assert registered_domains("acme.com; www.acme.de,mail.acme.com nonsense") == ("acme.com", "acme.de")


@pytest.mark.parametrize("domain", ["gmail.com", "yahoo.co.uk", "hotmail.fr", "gmx.net"])
def test_free_mail_is_no_company(domain: str) -> None:
    """Providers of personal addresses are known under every suffix they use."""
    assert UsageEntry().is_free_mail(domain)


def test_a_company_is_no_free_mail_for_its_name() -> None:
    """A name that only contains a provider's is a company's; a charter's own list stands in place of ours."""
    assert not UsageEntry().is_free_mail("yahoo-partners.com")
    assert not UsageEntry().is_free_mail("gmail.de")
    assert not UsageEntry(free_mail=("web.de",)).is_free_mail("gmail.com")
    assert UsageEntry().identity == tuple(Means)
    assert list(FREE_MAIL) == sorted(FREE_MAIL)


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ({"identity": ["account", "account"]}, "'account' stands in the list before"),
        ({"identity": []}, "no usage would find its account"),
        ({"identity": ["cookie"]}, "Input should be"),
        ({"free_mail": ["@gmail.com"]}, "'@gmail.com' is no domain"),
        ({"free_mail": ["*"]}, "is no domain"),
    ],
)
def test_what_a_charter_may_not_say(content: dict[str, object], wrong: str) -> None:
    """A way named twice, none at all, an unknown one, and what is no domain are refused."""
    with pytest.raises(ValidationError, match=wrong):
        UsageEntry.model_validate(content)
