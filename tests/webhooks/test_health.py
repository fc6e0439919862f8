"""Liveness and readiness: what a supervisor and a load balancer ask."""


def test_the_process_is_alive_whatever_is_away(web, without_database):
    """/healthz asks nobody else: restarting the process would not bring the database back."""
    answer = without_database(web).client.get("/healthz")
    assert (answer.status_code, answer.get_json()) == (200, {"ok": True})


def test_it_is_ready_when_the_database_answers(web_on_each):
    """/readyz names both servers."""
    answer = web_on_each.client.get("/readyz")
    assert (answer.status_code, answer.get_json()) == (200, {"database": True, "redis": True})


def test_it_is_ready_without_redis(web, without_redis):
    """Webhooks are kept all the same, so no traffic is turned away."""
    answer = without_redis(web).client.get("/readyz")
    assert (answer.status_code, answer.get_json()) == (200, {"database": True, "redis": False})


def test_it_is_not_ready_without_the_database(web, without_database):
    """503: no webhook could be kept."""
    answer = without_database(web).client.get("/readyz")
    assert (answer.status_code, answer.get_json()) == (503, {"database": False, "redis": True})
