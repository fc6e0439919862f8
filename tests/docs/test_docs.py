"""The documentation names everything there is, and nothing that is not."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from urllib.parse import unquote

import click
import pytest

from app import cli, create_app  # noqa: TID251 - tests stand above the composition root
from sync.config import variables

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("integration", "mappings", "success", "sync", "webhooks")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "sandbox").rglob("*.md")])
REFERENCE = (ROOT / "docs" / "reference.md").read_text()
CONTROLS = {
    "sandbox/server/control.py": "docs/sandbox.md",
    "sandbox/hubspot/admin.py": "docs/sandbox/hubspot.md",
    "sandbox/salesforce/control.py": "docs/sandbox/salesforce.md",
}


def section(title: str) -> str:
    """Return a section of the reference."""
    return REFERENCE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def first_cells(text: str) -> list[str]:
    """Return what stands in backquotes at the beginning of each row of a section's tables."""
    return re.findall(r"^\| `([^`]+)` ", text, re.MULTILINE)


def read_from_environment() -> set[str]:
    """Return every variable the product's source asks the environment for."""
    asked = re.compile(r"""environ(?:\.get\(|\[)\s*["']([A-Z_]+)["']""")
    sources = [path for folder in PRODUCT for path in (ROOT / folder).rglob("*.py")]
    return {name for path in sources for name in asked.findall(path.read_text())} | set(variables())


def commands(group: click.Group = cli, before: str = "colonnade") -> dict[str, click.Command]:
    """Return every command by all its words."""
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        words = f"{before} {name}"
        found |= commands(command, words) if isinstance(command, click.Group) else {words: command}
    return found


def test_every_variable_is_in_the_reference_and_no_other():
    """The table of variables is the list of what is read."""
    assert sorted(first_cells(section("Configuration"))) == sorted(read_from_environment())


def test_every_command_is_in_the_reference_and_no_other():
    """The table of commands is the list of what can be called."""
    assert sorted(first_cells(section("Commands"))) == sorted(commands())


def test_every_endpoint_is_in_the_reference_and_no_other(sqlite_engine, redis_url, tmp_path):
    """The table of endpoints is the application's own list of routes, with their methods."""
    from tests.webhooks.conftest import open_web

    web = open_web(sqlite_engine, redis_url, tmp_path)
    served = {
        f"{method} {rule.rule}"
        for rule in create_app(web.runtime).url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint != "static"
    }
    web.runtime.redis.close()
    assert set(first_cells(section("Endpoints").partition("| refusal |")[0])) == served


def test_every_refusal_of_the_web_process_is_in_the_reference():
    """A reason an admin finds in a log can be looked up."""
    sources = "".join(path.read_text() for path in (ROOT / "webhooks").glob("*.py"))
    reasons = set(re.findall(r"""(?:refused\(\d+, |_later\(|TOO_LARGE = )["'](\w+)["']""", sources))
    assert len(reasons) >= 8
    assert [one for one in sorted(reasons) if f"`{one}`" not in section("Endpoints")] == []


@pytest.mark.parametrize("source", sorted(CONTROLS))
def test_every_control_endpoint_of_a_sandbox_is_on_its_page(source):
    """With its method: what a test may do to a sandbox need not be read out of its source."""
    code, page = (ROOT / source).read_text(), (ROOT / CONTROLS[source]).read_text()
    served = re.findall(r"""@page\.(get|post|delete)\("/(\w+)"\)""", code)
    assert served
    missing = [
        f"{method.upper()} {name}"
        for method, name in served
        if not re.search(rf"\b{method.upper()} (?:/_sandbox/)?{name}\b", page)
    ]
    assert missing == []


def test_the_rules_a_salesforce_sandbox_takes_are_on_its_page():
    """Those endpoints are made in a loop, so they are asked for by name."""
    page = (ROOT / "docs/sandbox/salesforce.md").read_text()
    assert "POST /_sandbox/validation_rules" in page
    assert "POST /_sandbox/duplicate_rules" in page


def called() -> list[tuple[str, str]]:
    """Return every call of the command in a fenced block of any page, with the page's name."""
    fenced = re.compile(r"^```[a-z]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
    return [
        (page.relative_to(ROOT).as_posix(), line.partition(" #")[0].strip())
        for page in PAGES
        for block in fenced.findall(page.read_text())
        for line in block.splitlines()
        if re.match(r"(\.venv/bin/)?colonnade ", line)
    ]


@pytest.mark.parametrize(("page", "call"), called())
def test_every_call_on_a_page_is_taken_by_the_command_line(page, call):
    """Words, arguments and options parse."""
    words = shlex.split(call.partition(" > ")[0])[1:]
    command: click.Command = cli
    while isinstance(command, click.Group):
        assert words[0] in command.commands, f"{page}: {call}"
        command = command.commands[words.pop(0)]
    with command.make_context(command.name, words) as made:
        assert made.command is command


def test_the_readme_calls_the_command_and_make():
    """The two tests beside this one have something to look at."""
    assert any(page == "README.md" for page, _ in called())
    assert "make demo" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_named_in_a_sentence_is_there(page):
    """`colonnade x` between backquotes names a command or a group."""
    known = {*commands(), *(f"colonnade {name}" for name in cli.commands)}
    for named in re.findall(r"`(colonnade [a-z][^`]*)`", page.read_text()):
        words = named.split()
        assert {" ".join(words[:2]), " ".join(words[:3])} & known, named


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_make_target_named_is_there(page):
    """`make x` in backquotes or at the beginning of a line is in the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(), re.MULTILINE))
    assert named <= targets


def links(page: Path) -> list[str]:
    """Return the targets of a page's links, fenced blocks left out."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"\]\(([^)\s]+)\)", text)


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_resolves(page):
    """To a file or folder of this checkout, and to a heading that is there; addresses elsewhere are https."""
    for link in links(page):
        if "://" in link:
            assert link.startswith("https://"), link
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not anchor or anchor in anchors(target), link
