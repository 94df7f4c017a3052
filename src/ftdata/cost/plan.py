"""What a bill depends on besides prices: the rows' tokens, the job, and how the model will be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ftdata.cost.amounts import Money
from ftdata.errors import RecipeError

Counts = np.ndarray[tuple[int], np.dtype[np.int64]]

ESTIMATE_SHARE = Decimal("0.3")
"""How far a count by characters may lie off, to both sides; ours: the same 30 % by which the sensitivity is taken."""


@dataclass(frozen=True)
class JobTokens:
    """The tokens of a job, row by row: all, those that are learnt, and the row's split (`train` where it has none).

    `counted` says how they were counted, `estimated` whether that was by characters.
    """

    all: Counts
    trained: Counts
    split: np.ndarray[tuple[int], np.dtype[np.str_]]
    counted: str = "as given"
    estimated: bool = False

    @classmethod
    def of(cls, train: Sequence[int], validation: Sequence[int] = (), *, estimated: bool = False) -> JobTokens:
        """Make the tokens of training and validation rows of which every token is learnt."""
        both = np.asarray([*train, *validation], np.int64)
        split = np.repeat(np.array(["train", "validation"]), [len(train), len(validation)])
        return cls(both, both, split, estimated=estimated)

    def with_validation(self, other: JobTokens) -> JobTokens:
        """Give these rows and, as validation rows, all of others."""
        return JobTokens(
            np.concatenate([self.all, other.all]),
            np.concatenate([self.trained, other.trained]),
            np.concatenate([self.split, np.full(len(other.all), "validation")]),
            self.counted,
            estimated=self.estimated or other.estimated,
        )

    def side(self, name: str) -> Counts:
        """Give all tokens of the rows of a split."""
        tokens: Counts = self.all[self.split == name]
        return tokens

    def learnt(self, name: str) -> Counts:
        """Give the learnt tokens of the rows of a split."""
        tokens: Counts = self.trained[self.split == name]
        return tokens


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, arbitrary_types_allowed=True)


class Usage(_Settings):
    """How the model will be asked: tokens of one request, and how many there are."""

    requests: Decimal | None = Field(None, gt=0, description="requests a month; without it no months are told")
    prompt: int = Field(ge=0, description="tokens of the prompt, without examples or passages")
    answer: int = Field(ge=0, description="tokens of the answer")
    tuned_prompt: int | None = Field(None, ge=0, description="tokens of the tuned model's prompt; default: `prompt`")
    few_shot: int = Field(0, ge=0, description="tokens of examples that the base model needs in its prompt")
    rag: int = Field(0, ge=0, description="tokens of passages that retrieval would put into the prompt")
    cache_share: Decimal = Field(Decimal(0), ge=0, le=1, description="share of the base prompt read from the cache")


class Plan(_Settings):
    """A job at a vendor, and what goes with it; nothing that is not given is guessed, but for named defaults."""

    vendor: str = Field(description="vendor, as `ftdata cost --for` takes it")
    model: str = Field("", description="model to tune, as the vendor writes it")
    base_model: str = Field("", description="model that is asked otherwise; default: the one to tune")
    method: Literal["sft", "dpo"] = Field("sft", description="supervised training, or on preferences")
    epochs: int | None = Field(None, ge=1, description="passes over the training rows; default: the vendor's own")
    context: int | None = Field(None, ge=1, description="tokens after which a row is cut; default: the model's limit")
    evals: int = Field(0, ge=0, description="passes over the validation rows during training")
    packing: bool = Field(True, description="whether short rows share a sequence (Together)")
    max_seq_length: int | None = Field(None, ge=1, description="tokens of a sequence, billed in full without packing")
    tier: str = Field("regional", description="training tier (Azure): regional, global or developer")
    months: Decimal = Field(Decimal(1), gt=0, description="months over which hosting and storage are counted")
    hosting_hours: Decimal | None = Field(None, ge=0, description="hours a month that the model stands ready")
    tokens_per_second: Decimal | None = Field(None, gt=0, description="measured training speed (local)")
    gpu_rate: Money | None = Field(None, description="price of a GPU hour; default: the table's")
    watts: Decimal | None = Field(None, ge=0, description="power drawn while training (local); none: not counted")
    power_rate: Money | None = Field(None, description="price of a kilowatt hour; default: the table's")
    labelling_hours: Decimal | None = Field(None, ge=0, description="hours of people who prepare the rows")
    labelling_rate: Money | None = Field(None, description="what an hour of them costs")
    evaluation_runs: int = Field(0, ge=0, description="times that the validation rows are asked of the tuned model")
    retrain_months: Decimal | None = Field(None, gt=0, description="train anew every so many months")
    usage: Usage | None = None


def usage_of(**given: Any) -> Usage | None:
    """Make a usage of what the command line was given, None for nothing given.

    Raises:
        RecipeError: every value that does not fit, and the tokens of prompt or answer if only one of them is there.
    """
    stated = {key: value for key, value in given.items() if value is not None}
    asked = [name for name in ("requests", "tuned_prompt", "few_shot", "rag", "cache_share") if stated.get(name)]
    lacking = [name for name in ("prompt", "answer") if name not in stated]
    if len(lacking) == 2 and not asked:
        return None
    if lacking:
        names = " and ".join(f"--{name}-tokens" for name in lacking)
        raise RecipeError(f"{names}: missing; when tuning pays depends on the tokens of a prompt and of an answer")
    return _made(Usage, stated)


def plan_of(**given: Any) -> Plan:
    """Make a plan of what the command line was given; None stands for what was not.

    Raises:
        RecipeError: every value that does not fit.
    """
    return _made(Plan, {key: value for key, value in given.items() if value is not None})


_Made = TypeVar("_Made", Plan, Usage)


def _made(kind: type[_Made], stated: dict[str, Any]) -> _Made:
    try:
        return kind.model_validate(stated)
    except ValidationError as error:
        raise RecipeError(
            *(f"--{str(fault['loc'][0]).replace('_', '-')}: {fault['msg']}" for fault in error.errors())
        ) from None
