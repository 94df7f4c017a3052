"""Where the rows of a run come from, on what ground they may be trained on, and where they may go, as the user says."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Provenance(BaseModel):
    """The `[provenance]` table: what a trainer's gate wants to be stated; nothing of it is guessed or checked."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    source: str = Field(min_length=1, description="where the rows come from, and who agreed to what")
    lawful_basis: str = Field(min_length=1, description="on what ground they may be used for training")
    destinations: tuple[str, ...] = Field(
        description='where they may go: vendors by name (`"openai"`), and `"local"`, a trainer on this machine'
    )
    licence: str | None = Field(None, description="licence under which they may be used")
    contact: str | None = Field(None, description="whom to ask")
