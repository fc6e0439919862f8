"""Where usage is pulled from: the charter's `usage_sources`, tables of a warehouse and files of a folder.

What opens a source (an address, often with a password) is no part of the charter: ``colonnade usage connect``
seals it. Neighbour: ``sync/usage_pull.py`` pulls by these.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from mappings.scalars import Finding, Model, refuse

SourceName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Column = Annotated[str, StringConstraints(min_length=1, max_length=200)]
EVERY_MINUTES_MIN = 5
LOOK_BACK_DAYS_MAX = 90


class UsageColumns(Model):
    """Which column says what of an event; what no column says is left at its default."""

    account: Column | None = Field(default=None, description="The product's name of the account.")
    subscription: Column | None = Field(default=None, description="The contract line it belongs to.")
    email: Column | None = Field(default=None, description="The user's address; only its domain is read.")
    product: Column | None = None
    feature: Column
    user: Column | None = Field(default=None, description="Who used it, counted once a day.")
    timestamp: Column | None = Field(default=None, description="When; without a zone it is UTC.")
    day: Column | None = Field(default=None, description="The day, in place of `timestamp`.")
    count: Column | None = Field(default=None, description="How many uses a row stands for; 1 without it.")
    duration_s: Column | None = None
    errors: Column | None = None

    @model_validator(mode="after")
    def _names_account_and_time(self) -> UsageColumns:
        found = []
        if not (self.account or self.subscription or self.email):
            remedy = "Name the column of `account`, `subscription` or `email`."
            found.append(Finding((), "no column says whose use it is", remedy))
        if (self.timestamp is None) == (self.day is None):
            remedy = "Name the column of `timestamp`, or that of `day`, and not both."
            found.append(Finding((), "one column says when", remedy))
        refuse(found)
        return self

    def named(self) -> dict[str, str]:
        """Return the column of each field that has one."""
        return {field: column for field, column in dict(self).items() if column is not None}


class UsageSource(Model):
    """A table or view of a warehouse, or files below a folder or bucket."""

    name: SourceName = Field(description="By which `colonnade usage connect` finds it.")
    table: str | None = Field(
        default=None, min_length=1, description="A table or view, as schema.name or name."
    )
    files: str | None = Field(
        default=None, min_length=1, description="Which files: *.parquet or exports/*.csv, below the address."
    )
    columns: UsageColumns
    watermark: Column | None = Field(
        default=None, description="The column of `table` that says when a row came; without it, when it was."
    )
    look_back_days: int = Field(
        default=3,
        ge=0,
        le=LOOK_BACK_DAYS_MAX,
        description="How far behind the watermark rows are looked for again, because they may come late.",
    )
    every_minutes: int = Field(default=60, ge=EVERY_MINUTES_MIN, le=7 * 24 * 60)

    @model_validator(mode="after")
    def _is_one_of_both(self) -> UsageSource:
        found = []
        if (self.table is None) == (self.files is None):
            found.append(
                Finding((), "a source is a table or files", "Give `table` or `files`, and not both.")
            )
        if self.files is not None and self.watermark is not None:
            remedy = "Leave `watermark` out: a file is read again when it has changed."
            found.append(Finding(("watermark",), "files have no watermark", remedy))
        if self.files is not None and not self.files.endswith((".parquet", ".csv")):
            remedy = "End the pattern with .parquet or .csv."
            found.append(Finding(("files",), "the pattern does not say what the files are", remedy))
        refuse(found)
        return self


def _names_differ(sources: tuple[UsageSource, ...]) -> tuple[UsageSource, ...]:
    names = [one.name for one in sources]
    refuse(
        [
            Finding(
                (index, "name"), f"{name!r} is the name of a source before", "Name each source otherwise."
            )
            for index, name in enumerate(names)
            if name in names[:index]
        ]
    )
    return sources


UsageSources = Annotated[tuple[UsageSource, ...], AfterValidator(_names_differ)]
