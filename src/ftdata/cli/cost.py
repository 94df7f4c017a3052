"""`ftdata cost`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from decimal import Decimal

    from ftdata.cost import Money


class Amount(click.ParamType["Money"]):
    """An amount of money, as `50` or `2.10EUR`."""

    name = "money"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Money:
        """Read it."""
        from ftdata.cost import money
        from ftdata.errors import RecipeError

        try:
            return money(str(value))
        except RecipeError as error:
            self.fail(str(error), param, ctx)


class Rate(Amount):
    """An amount of money with its currency, as `2.10EUR`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Money:
        """Read it."""
        found = super().convert(value, param, ctx)
        if not found.currency:
            self.fail(f"{value!r} lacks its currency; write {value}EUR", param, ctx)
        return found


class Number(click.ParamType["Decimal"]):
    """A number of 0 or more; a share also as `40%`, requests also as `200000/mo`."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """Read it."""
        from decimal import Decimal

        text = str(value).strip().removesuffix("/mo").replace("_", "")
        try:
            found = Decimal(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ArithmeticError:
            found = Decimal(-1)
        if not found.is_finite() or found < 0:
            self.fail(f"{value!r} is no number of 0 or more", param, ctx)
        if found and not -15 <= found.adjusted() < 15:
            self.fail(f"{value!r} is too large or too small; write one between 1e-15 and 1e15", param, ctx)
        return found


def _count(least: int = 0) -> click.IntRange:
    return click.IntRange(least)


@click.command("cost")
@click.argument("source", metavar="FILE|RUN")
@click.option("--for", "vendor", metavar="VENDOR[:MODEL]", required=True, help="Vendor, such as openai or local.")
@click.option("--model", default="", help="Model to tune, as the vendor writes it.")
@click.option("--epochs", type=_count(1), help="Passes over the training rows; else the vendor's default.")
@click.option("--method", type=click.Choice(["sft", "dpo"]), default="sft", show_default=True, help="Training method.")
@click.option("--context", type=_count(1), help="Tokens after which a row is cut; else the model's limit.")
@click.option("--evals", type=_count(), default=0, help="Passes over the validation rows during training.")
@click.option("--no-packing", is_flag=True, help="Rows do not share sequences (Together).")
@click.option("--max-seq-length", type=_count(1), help="Tokens of a sequence, billed in full without packing.")
@click.option("--tier", default="regional", show_default=True, help="Training tier (Azure): global, developer.")
@click.option("--months", type=Number(), default="1", show_default=True, help="Months of hosting and storage.")
@click.option("--hosting-hours", type=Number(), help="Hours a month that the model stands ready.")
@click.option("--tokens-per-second", type=Number(), help="Measured training speed (local).")
@click.option("--gpu-rate", type=Rate(), help="Price of a GPU hour, such as 2.10EUR (local).")
@click.option("--watts", type=Number(), help="Power drawn while training (local).")
@click.option("--power-rate", type=Rate(), help="Price of a kilowatt hour (local).")
@click.option("--labelling-hours", type=Number(), help="Hours of people who prepare the rows.")
@click.option("--labelling-rate", type=Rate(), help="What such an hour costs.")
@click.option("--evaluation-runs", type=_count(), default=0, help="Times that the validation rows are asked.")
@click.option("--retrain-months", type=Number(), help="Train anew every so many months.")
@click.option("--requests", type=Number(), help="Requests a month.")
@click.option("--prompt-tokens", type=_count(), help="Tokens of a prompt, without examples or passages.")
@click.option("--answer-tokens", type=_count(), help="Tokens of an answer.")
@click.option("--tuned-prompt-tokens", type=_count(), help="Tokens of the tuned model's prompt; else the same.")
@click.option("--few-shot-tokens", type=_count(), default=0, help="Tokens of examples that the base model needs.")
@click.option("--rag-tokens", type=_count(), default=0, help="Tokens of passages that a retrieval would add.")
@click.option("--cache-share", type=Number(), default="0", help="Share of the base prompt that comes from the cache.")
@click.option("--base-model", default="", help="Model asked otherwise; else the one to tune.")
@click.option("--validation", metavar="FILE", help="Validation rows, if they are not in the run or the file.")
@click.option("--tokenizer", help="Count with cl100k, o200k or a folder with tokenizer.json.")
@click.option("--encoding", help="Read FILE in this encoding instead of deciding.")
@click.option("--prices", multiple=True, metavar="FILE", help="Lay a file of prices (TOML) over the table; repeatable.")
@click.option(
    "--max-cost", type=Amount(), metavar="MONEY", help="Refuse what costs more, is unknown or has a stale price."
)
@click.option("--json", "json", is_flag=True, help="Print the estimate as JSON on stdout.")
def command(
    source: str,
    vendor: str,
    model: str,
    no_packing: bool,
    requests: Decimal | None,
    prompt_tokens: int | None,
    answer_tokens: int | None,
    tuned_prompt_tokens: int | None,
    few_shot_tokens: int,
    rag_tokens: int,
    cache_share: Decimal,
    validation: str | None,
    tokenizer: str | None,
    encoding: str | None,
    prices: tuple[str, ...],
    max_cost: Money | None,
    json: bool,
    **plan: Any,
) -> None:
    """Say what fine-tuning costs, and when it pays.

    FILE is read as `ftdata sniff` says; RUN as in `ftdata show`. Every figure names its source and the day it was read;
    nothing is fetched, no currency is converted, and what is unknown stays so. With --prompt-tokens and --answer-tokens
    it tells after how many requests the tuned model has paid for itself. Exit codes: 0 told, 2 wrong option or price
    file, 3 no such file, 6 refused by --max-cost.
    """
    from datetime import date

    from ftdata.cli.terminal import as_json, data, line
    from ftdata.cost import estimate, load, refusals
    from ftdata.cost.counting import of
    from ftdata.cost.page import as_json as values
    from ftdata.cost.page import page
    from ftdata.cost.plan import plan_of, usage_of
    from ftdata.errors import RefusedError

    named, _, beside = vendor.partition(":")
    usage = usage_of(
        requests=requests,
        prompt=prompt_tokens,
        answer=answer_tokens,
        tuned_prompt=tuned_prompt_tokens,
        few_shot=few_shot_tokens,
        rag=rag_tokens,
        cache_share=cache_share,
    )
    job = plan_of(vendor=named, model=model or beside, packing=not no_packing, usage=usage, **plan)
    table = load(date.today(), *prices)
    rows = of(source, encoding, tokenizer, job.model)
    if validation is not None:
        rows = rows.with_validation(of(validation, encoding, tokenizer, job.model))
    found = estimate(rows, job, table)
    why = refusals(found, max_cost) if max_cost is not None else ()
    if json:
        as_json({**values(found), "file": source, "refused": list(why) if max_cost is not None else None})
    else:
        for text in page(found, source, usage):
            data(text)
    if why:
        raise RefusedError("\n".join(f"refused: {text}" for text in why))
    if max_cost is not None:
        line(f"within the limit of {max_cost}", fg="green")
