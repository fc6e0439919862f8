"""Signing in to an org: where from, as whom, to which org, and what to do when it is refused."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from integration.port import Misconfigured, NeedsConsent, Unavailable
from integration.salesforce.auth import ClientCredentials, Grant, JwtBearer
from integration.salesforce.connector import connect
from integration.salesforce.ids import same_id
from integration.salesforce.oauth_consent import checked_login_host
from tests.integration.salesforce_wire import HOST, ORG_ID, USER_ID, page, rig
from tests.integration.test_salesforce_transport import TOKEN, VERSIONS, read_one

OTHER_ORG = "00D8d000000001FEAQ"


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("login.salesforce.com", "https://login.salesforce.com"),
        (" https://test.salesforce.com/ ", "https://test.salesforce.com"),
        ("Acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("https://acme--uat.sandbox.my.salesforce.com", "https://acme--uat.sandbox.my.salesforce.com"),
        ("acme-dev-ed.develop.my.salesforce.com", "https://acme-dev-ed.develop.my.salesforce.com"),
        ("https://acme.lightning.force.com/", "https://acme.my.salesforce.com"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
    ],
)
def test_an_org_signs_in_at_salesforces_own_hosts(given, found):
    """The two login hosts and any My Domain; a person may paste what stands in the address bar."""
    assert checked_login_host(given, "http://127.0.0.1:8000") == found


@pytest.mark.parametrize(
    "given",
    [
        "",
        "http://login.salesforce.com",
        "https://login.salesforce.com:8443",
        "https://login.salesforce.com@evil.example",
        "https://user@login.salesforce.com",
        "https://login.salesforce.com/services",
        "https://login.salesforce.com?x=1",
        "https://login.salesforce.com.evil.example",
        "https://evil.example/.my.salesforce.com",
        "https://my.salesforce.com",
        "https://a.b.my.salesforce.com",
        "https://acme.my.salesforce.com\\@evil.example",
        "https://acme.my.salesforce.com\n.evil.example",
        "https://help.salesforce.com",
        "https://acme.force.com",
        "http://127.0.0.1:8001",
        "https://[::1",
        "javascript:alert(1)",
    ],
)
def test_our_secret_goes_to_no_other_host(given):
    """Whatever reads like Salesforce and is not; plain http; the stand-in's address but for its port."""
    with pytest.raises(ValueError, match="no address of Salesforce"):
        checked_login_host(given, "http://127.0.0.1:8000")


def test_without_a_stand_in_this_machine_is_no_org():
    """An address on this machine is taken only where the set-up names it."""
    with pytest.raises(ValueError, match="no address of Salesforce"):
        checked_login_host("http://127.0.0.1:8000")


@pytest.mark.parametrize(
    ("error", "description", "raised", "remedy"),
    [
        ("invalid_grant", "user hasn't approved this consumer", NeedsConsent, "assign it the permission set"),
        ("invalid_grant", "audience is invalid", NeedsConsent, "test.salesforce.com"),
        ("invalid_grant", "invalid assertion", NeedsConsent, "private key whose certificate"),
        ("invalid_grant", "expired access/refresh token", NeedsConsent, "connect the org again"),
        ("invalid_client_id", "client identifier invalid", Misconfigured, "consumer key"),
        ("invalid_client", "invalid client credentials", Misconfigured, "consumer secret"),
        ("inactive_user", "user is inactive", NeedsConsent, "activate the integration user"),
        ("redirect_uri_mismatch", "", Misconfigured, "/connect/salesforce/callback"),
    ],
)
def test_a_refused_sign_in_names_the_remedy(error, description, raised, remedy):
    """One error, in the org's own words, and what whoever holds the credentials does about it."""
    setup = rig((400, {"error": error, "error_description": description}), grant=None)
    with pytest.raises(raised) as told:
        read_one(setup)
    assert f"{error}: {description}".rstrip(": ") in str(told.value)
    assert remedy in str(told.value)
    assert len(setup.org.sent) == 1


def test_an_assertion_that_has_ended_by_the_org_s_clock_asks_no_admin_for_consent():
    """Our machine's clock is behind: once it is right the next assertion is good, so work is put off."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    bearer = JwtBearer("client", "user@acme.example", private.private_bytes(*form).decode())
    ended = (400, {"error": "invalid_grant", "error_description": "expired authorization code"})
    with pytest.raises(Unavailable, match="check this machine's clock"):
        read_one(rig(ended, grant=None, credentials=bearer))
    with pytest.raises(NeedsConsent):
        read_one(rig(ended, grant=None))


def test_a_key_that_is_none_is_told_before_anything_is_sent():
    """A public key, or a file of something else."""
    setup = rig(grant=None, credentials=JwtBearer("client", "user@acme.example", "no key"))
    with pytest.raises(Misconfigured, match="not an RSA key"):
        read_one(setup)
    assert setup.org.sent == []


def pinned(setup, organization_id):
    """Pin the org of a scripted port."""
    setup.port._transport.authenticator._organization_id = organization_id
    return setup


def test_an_org_is_the_same_by_15_or_18_characters():
    """What a token answer or an admin gives may be the short form; it is kept long."""
    assert same_id(ORG_ID, ORG_ID[:15])
    assert not same_id(ORG_ID, OTHER_ORG)
    assert not same_id(ORG_ID, "acme")
    short = (200, {**TOKEN[1], "id": f"https://login.salesforce.com/id/{ORG_ID[:15]}/{USER_ID[:15]}"})
    setup = pinned(rig(short, VERSIONS, page([]), grant=None), ORG_ID[:15])
    read_one(setup)
    assert setup.store.load().organization_id == ORG_ID


def test_a_token_of_another_org_is_neither_kept_nor_used():
    """The sign-in is the only call, and the error names both orgs."""
    other = (200, {**TOKEN[1], "id": f"https://login.salesforce.com/id/{OTHER_ORG}/{USER_ID}"})
    setup = pinned(rig(other, grant=None), ORG_ID)
    with pytest.raises(NeedsConsent, match=f"{OTHER_ORG}.*{ORG_ID}"):
        read_one(setup)
    assert (len(setup.org.sent), setup.store.load()) == (1, None)


def test_a_kept_grant_of_another_org_is_not_used():
    """Somebody put another org's tokens beside this installation: no call is made with them."""
    setup = pinned(rig(grant=Grant("token-1", HOST, OTHER_ORG, USER_ID, "68.0")), ORG_ID)
    with pytest.raises(NeedsConsent):
        read_one(setup)
    assert setup.org.sent == []


@pytest.mark.parametrize("identity", ["", "https://login.salesforce.com/id/acme/me", "x"])
def test_a_token_answer_that_names_no_org_is_refused(identity):
    """Without its org nothing could be pinned."""
    setup = rig((200, {**TOKEN[1], "id": identity}), grant=None)
    with pytest.raises(Misconfigured, match="names no org"):
        read_one(setup)


def test_an_org_upgraded_later_is_spoken_to_in_its_new_version_after_the_next_sign_in():
    """It listed 66 to 67 before; after the release it lists 68."""
    expired = (401, [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}])
    newer = (200, [*VERSIONS[1], {"version": "68.0"}])
    setup = rig(TOKEN, VERSIONS, page([]), expired, TOKEN, newer, page([]), grant=None)
    read_one(setup)
    read_one(setup)
    spoken = [sent.path.split("/")[3] for sent in setup.org.sent if sent.path.endswith("/query/")]
    assert spoken == ["v67.0", "v67.0", "v68.0"]


def test_an_org_that_lists_nothing_we_speak_is_told():
    """No version up to ours: nothing is asked of it."""
    setup = rig(TOKEN, (200, [{"version": "69.0"}]), grant=None)
    with pytest.raises(Misconfigured, match=r"no API version up to 68\.0"):
        read_one(setup)


def test_an_address_in_clear_is_refused_for_every_credential():
    """Plain http is for a stand-in on this machine only."""
    with pytest.raises(Misconfigured, match="must be https"):
        connect(ClientCredentials("c", "s"), "http://acme.my.salesforce.com", None, None, None)
