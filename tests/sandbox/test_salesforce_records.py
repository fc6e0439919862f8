"""The Salesforce sandbox's tokens, records and SOQL, by raw HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.sandbox.salesforce_session import Api

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.fixture(scope="module")
def api(salesforce: Any) -> Api:
    """Give a signed-in session on a fresh org."""
    return Api(salesforce.url)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    """Give the app's private key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def ask_jwt(url: str, signing: Any, **claims: Any) -> requests.Response:
    """Ask for a token with a JWT of these claims over good ones."""
    told = requests.get(f"{url}/_sandbox/clock", timeout=30).json()["now"]
    soon = datetime.fromisoformat(told).timestamp() + 180
    good = {"iss": "jwt-app", "sub": "integration@colonnade.example", "aud": "https://login.salesforce.com",
            "exp": int(soon)}  # fmt: skip
    assertion = jwt.encode(good | claims, signing, algorithm="RS256")
    return requests.post(f"{url}/services/oauth2/token", timeout=30,
                         data={"grant_type": JWT_GRANT, "assertion": assertion})  # fmt: skip


@pytest.fixture(scope="module")
def jwt_app(salesforce: Any, key: rsa.RSAPrivateKey) -> str:
    """Register the app's public key; return the org's address."""
    pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    salesforce.control("POST", "/app", {"consumer_key": "jwt-app", "public_key_pem": pem.decode()})
    return salesforce.url


def test_a_signed_assertion_gives_a_token_without_a_refresh_token(jwt_app: str, key: Any) -> None:
    """JWT bearer answers the five keys of the flow, and the id names the org."""
    body = ask_jwt(jwt_app, key).json()
    assert set(body) == {"access_token", "scope", "instance_url", "id", "token_type"}
    org_id = requests.get(f"{jwt_app}/_sandbox/credentials", timeout=30).json()["org_id"]
    assert body["id"].split("/")[-2] == org_id
    assert body["instance_url"] == jwt_app


@pytest.mark.parametrize(
    ("claims", "error", "words"),
    [
        ({"aud": "https://example.com"}, "invalid_grant", "audience is invalid"),
        ({"exp": 1}, "invalid_grant", "expired authorization code"),
        ({"exp": 4102444800}, "invalid_grant", "invalid assertion"),
        ({"sub": "nobody@example.com"}, "invalid_grant", "user hasn't approved this consumer"),
        ({"iss": "unknown"}, "invalid_client_id", "client identifier invalid"),
    ],
)
def test_a_wrong_claim_is_refused_by_name(
    jwt_app: str, key: Any, claims: Any, error: str, words: str
) -> None:
    """Each wrong claim has the vendor's own error."""
    answer = ask_jwt(jwt_app, key, **claims)
    assert (answer.status_code, answer.json()) == (400, {"error": error, "error_description": words})


def test_a_sandbox_orgs_audience_is_the_test_host(jwt_app: str, key: Any, salesforce: Any) -> None:
    """And a production org's is not: each refuses the other's login host."""
    test = {"aud": "https://test.salesforce.com"}
    assert ask_jwt(jwt_app, key, **test).json()["error_description"] == "audience is invalid"
    salesforce.control("POST", "/org", {"is_sandbox": True})
    answers = (ask_jwt(jwt_app, key, **test), ask_jwt(jwt_app, key))
    salesforce.control("POST", "/org", {"is_sandbox": False})
    assert [answer.status_code for answer in answers] == [200, 400]


def test_another_key_does_not_sign_for_the_app(jwt_app: str) -> None:
    """An assertion signed by a stranger is invalid."""
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert ask_jwt(jwt_app, stranger).json()["error_description"] == "invalid assertion"


def test_revoked_tokens_answer_invalid_session(salesforce: Any) -> None:
    """After a revocation every call is a 401 with the error array, and no limit is lost."""
    api = Api(salesforce.url)
    assert api.call("GET", "/limits").status_code == 200
    salesforce.control("POST", "/revoke")
    answer = api.call("GET", "/limits")
    assert answer.status_code == 401
    assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


@pytest.fixture
def live(api: Api) -> Api:
    """Give the session with a token that lives."""
    api.sign_in()
    return api


def test_versions_are_listed_without_a_token(salesforce: Any) -> None:
    """The newest is Winter '27, 68.0; a later one is not there."""
    listed = requests.get(f"{salesforce.url}/services/data", timeout=30).json()
    assert listed[-1] == {"label": "Winter '27", "url": "/services/data/v68.0", "version": "68.0"}
    assert {"label": "Spring '26", "url": "/services/data/v66.0", "version": "66.0"} in listed
    assert requests.get(f"{salesforce.url}/services/data/v69.0/limits", timeout=30).status_code == 404


def test_every_answer_tells_the_usage(live: Api) -> None:
    """Refusals count and carry Sforce-Limit-Info as well."""
    first, second = (int(live.call("GET", p).headers["Sforce-Limit-Info"].split("=")[1].split("/")[0])
                     for p in ("/limits", "/sobjects/Nope"))  # fmt: skip
    assert second == first + 1


def test_an_id_carries_its_checksum_and_answers_in_both_lengths(live: Api) -> None:
    """18 characters come back; 15 find the same record."""
    row_id = live.create("Account", Name="Ids")
    assert len(row_id) == 18
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    expected = "".join(
        letters[sum(2**i for i in range(5) if "A" <= row_id[5 * chunk + i] <= "Z")] for chunk in range(3)
    )
    assert row_id[15:] == expected
    assert live.call("GET", f"/sobjects/Account/{row_id[:15]}").json()["Id"] == row_id


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "REQUIRED_FIELD_MISSING"),
        ({"Name": "x", "Nope__c": 1}, "INVALID_FIELD"),
        ({"Name": "x" * 256}, "STRING_TOO_LONG"),
        ({"Name": "x", "NumberOfEmployees": "many"}, "JSON_PARSER_ERROR"),
        ({"Name": 5}, "JSON_PARSER_ERROR"),
        ({"Name": "x", "CreatedDate": "2020-01-01T00:00:00Z"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"Name": "x", "ParentId": "hello"}, "MALFORMED_ID"),
        ({"Name": "x", "ParentId": "0030000000000001AA"}, "MALFORMED_ID"),
    ],
)
def test_what_does_not_fit_is_refused(live: Api, body: Any, code: str) -> None:
    """Each misfit is a 400 with the vendor's code."""
    status, found, _ = live.refusal("POST", "/sobjects/Account", body)
    assert (status, found) == (400, code)


def test_a_deleted_record_is_gone_from_query_and_kept_in_query_all(live: Api) -> None:
    """The recycle bin is seen through queryAll only, and reading it by id says it is deleted."""
    row_id = live.create("Account", Name="Short-lived")
    assert live.call("DELETE", f"/sobjects/Account/{row_id}").status_code == 204
    soql = f"SELECT Id, IsDeleted FROM Account WHERE Id = '{row_id}'"
    assert live.rows(soql) == []
    answer = live.session.get(live.data + "/queryAll", params={"q": soql}, timeout=30)
    assert answer.json()["records"][0]["IsDeleted"] is True
    assert live.refusal("GET", f"/sobjects/Account/{row_id}")[:2] == (404, "ENTITY_IS_DELETED")


def test_the_stage_decides_closed_won_and_probability(live: Api) -> None:
    """Closed Won is won at 100 percent; Qualification is open at 10."""
    row_id = live.create(
        "Opportunity", Name="Deal", StageName="Qualification", CloseDate="2027-01-31", Amount=200
    )
    soql = f"SELECT IsClosed, IsWon, Probability, ExpectedRevenue FROM Opportunity WHERE Id = '{row_id}'"
    before = {"IsClosed": False, "IsWon": False, "Probability": 10.0, "ExpectedRevenue": 20.0}
    after = {"IsClosed": True, "IsWon": True, "Probability": 100.0, "ExpectedRevenue": 200.0}
    assert live.rows(soql) == [before]
    live.call("PATCH", f"/sobjects/Opportunity/{row_id}", {"StageName": "Closed Won"})
    assert live.rows(soql) == [after]


@pytest.mark.parametrize(
    ("soql", "code", "words"),
    [
        ("SELECT Id, Foo FROM Account", "INVALID_FIELD", "No such column 'Foo' on entity 'Account'"),
        ("SELECT Id FROM Nope", "INVALID_TYPE", "sObject type 'Nope' is not supported"),
        ("SELECT Id FRM Account", "MALFORMED_QUERY", "unexpected token: 'FRM'"),
        ("SELECT Id FROM Account WHERE Name = 5", "INVALID_FIELD", "should be enclosed in quotes"),
        (
            "SELECT Id FROM Account WHERE CreatedDate > '2020-01-01'",
            "INVALID_FIELD",
            "must be of type dateTime",
        ),
        ("SELECT Id FROM Account WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field"),
        ("SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'", "MALFORMED_QUERY", "'OR'"),
    ],
)
def test_soql_mistakes_are_told_in_the_vendors_words(live: Api, soql: str, code: str, words: str) -> None:
    """Unknown columns, types and tokens, and literals of the wrong type, are 400."""
    answer = live.query(soql)
    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"] == code
    assert words in answer.json()[0]["message"]


def test_soql_filters_and_orders_as_written(live: Api) -> None:
    """Names compare without case, nulls sort first, NOT IN keeps what is outside."""
    for name, city in (("soql b", "Rome"), ("soql A", None), ("soql c", "Oslo")):
        live.create("Account", Name=name, BillingCity=city)
    where = "WHERE Name LIKE 'SOQL _'"
    by_city = live.rows(f"SELECT Name FROM Account {where} ORDER BY BillingCity")
    assert [r["Name"] for r in by_city] == ["soql A", "soql c", "soql b"]
    outside = live.rows(
        f"SELECT Name FROM Account {where} AND BillingCity NOT IN ('rome') ORDER BY Name DESC"
    )
    assert [r["Name"] for r in outside] == ["soql c", "soql A"]
    both = (
        f"SELECT Name FROM Account {where} AND (BillingCity = null OR NOT BillingCity = 'Oslo') ORDER BY Name"
    )
    assert [r["Name"] for r in live.rows(both)] == ["soql A", "soql b"]
    assert live.query(f"SELECT COUNT() FROM Account {where}").json()["totalSize"] == 3


def test_pages_follow_the_batch_size(live: Api) -> None:
    """450 rows in pages of 200 take three answers, each row once."""
    for start in range(0, 450, 150):
        rows = [{"attributes": {"type": "Product2"}, "Name": f"page {start + i}"} for i in range(150)]
        assert live.call("POST", "/composite/sobjects", {"records": rows}).status_code == 200
    page = live.query("SELECT Name FROM Product2 WHERE Name LIKE 'page %'", **{
        "Sforce-Query-Options": "batchSize=200"}).json()  # fmt: skip
    seen = [r["Name"] for r in page["records"]]
    pages = 1
    while not page["done"]:
        page = live.session.get(live.url + page["nextRecordsUrl"], timeout=30,
                                headers={"Sforce-Query-Options": "batchSize=200"}).json()  # fmt: skip
        seen += [r["Name"] for r in page["records"]]
        pages += 1
    assert (pages, len(seen), len(set(seen))) == (3, 450, 450)


def test_a_refresh_kills_the_old_refresh_token(salesforce: Any) -> None:
    """Authorization code with PKCE gives a refresh token that works once (RFC 7636 appendix B's pair)."""
    Api(salesforce.url)
    verifier, challenge = (
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    )
    asked = requests.get(f"{salesforce.url}/services/oauth2/authorize", allow_redirects=False, timeout=30,
        params={
        "response_type": "code", "client_id": "key", "redirect_uri": "http://127.0.0.1/back",
        "code_challenge": challenge, "code_challenge_method": "S256"})  # fmt: skip
    code = requests.utils.unquote(asked.headers["Location"].split("code=")[1])
    form = {"client_id": "key", "client_secret": "secret"}
    token = salesforce.url + "/services/oauth2/token"
    first = requests.post(token, timeout=30, data={
        **form, "grant_type": "authorization_code", "code": code, "code_verifier": verifier,
        "redirect_uri": "http://127.0.0.1/back"}).json()  # fmt: skip
    refresh = {**form, "grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    assert requests.post(token, data=refresh, timeout=30).json()["refresh_token"] != first["refresh_token"]
    again = requests.post(token, data=refresh, timeout=30)
    assert again.status_code == 400
    assert again.json() == {"error": "invalid_grant", "error_description": "expired access/refresh token"}
