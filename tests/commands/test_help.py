"""Every command explains itself: help, an example the command line takes, JSON where it answers."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from app import cli  # noqa: TID251 - tests stand above the composition root


def leaves(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, click.Command]]:
    """Return every command that does something, by its words."""
    found: list[tuple[str, click.Command]] = []
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            found += leaves(command, (*path, name))
        else:
            found.append((" ".join((*path, name)), command))
    return found


ALL = dict(leaves(cli))


def example(words: str) -> str:
    """Return the example of a command's help."""
    found = re.search(r"^\s*Example: (colonnade .*)$", ALL[words].help or "", re.MULTILINE)
    assert found, f"{words} has no example"
    return found.group(1)


def test_the_commands_are_those_promised():
    """What the design names is there."""
    assert set(ALL) == {
        *(f"charter {one}" for one in ("schema", "check", "plan", "apply", "history", "rollback")),
        *(
            f"sync {one}"
            for one in ("load", "history", "usage", "live", "run", "retry", "status", "addresses")
        ),
        *("portfolio generate", "portfolio load", "sandbox", "demo", "serve", "install", "doctor"),
        "bench health",
        "bench intake",
        "bench latency",
        "backtest",
        "chaos",
        "bench hubspot-sync",
        "bench pull",
        "bench push",
        "bench salesforce-sync",
        "bench usage",
        *(f"usage {one}" for one in ("connect", "pull", "sources")),
        "disconnect",
        "forget",
        *(f"keys {one}" for one in ("new", "status", "rotate")),
        *(f"model {one}" for one in ("train", "list", "show", "activate", "deactivate")),
        "parity",
        "uninstall",
        *(f"hubspot {one}" for one in ("lint", "project", "versions")),
        "salesforce project",
        *("explain", "metrics", "snapshots", "migrate", "worker", "scheduler", "listen"),
    }


@pytest.mark.parametrize("words", sorted(ALL))
def test_help_is_printed_with_an_example(words, colonnade):
    """--help says what the command does and shows one real call."""
    done = colonnade({}, *words.split(), "--help")
    assert done.code == 0
    assert done.out.startswith("Usage: ")
    assert "Example: colonnade" in " ".join(done.out.split())


@pytest.mark.parametrize("words", sorted(ALL))
def test_the_example_is_taken_by_the_command_line(words):
    """Its words, options and arguments parse: an example that fails would be worse than none."""
    call = shlex.split(example(words).partition(" > ")[0])[1:]
    assert " ".join(call[: len(words.split())]) == words
    rest = call[len(words.split()) :]
    with ALL[words].make_context(words, rest) as made:
        assert made.params is not None


@pytest.mark.parametrize("words", sorted(ALL))
def test_what_answers_answers_in_json_too(words):
    """--json is an option of every command."""
    assert any("--json" in option.opts for option in ALL[words].params)


@pytest.mark.parametrize("group", ["charter", "portfolio", "sync"])
def test_a_group_lists_its_commands(group, colonnade):
    """Asked for help, a group names what is in it."""
    done = colonnade({}, group, "--help")
    inside = {words.split()[1] for words in ALL if words.startswith(f"{group} ")}
    listed = set(re.findall(r"^  ([a-z]+) ", done.out.partition("Commands:")[2], re.MULTILINE))
    assert listed == inside


def test_a_wrong_word_is_one_error(colonnade):
    """An unknown command names itself; exit code 2."""
    colonnade({}, "instal").refused("No such command 'instal'")
