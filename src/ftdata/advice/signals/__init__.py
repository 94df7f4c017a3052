"""The signals of advice, each in its file: what is looked at in each row, and the numbers that follow."""

from ftdata.advice.signals.behaviour import Behaviour
from ftdata.advice.signals.conduct import Refusals, Toxic
from ftdata.advice.signals.consistency import Consistency
from ftdata.advice.signals.effective import EffectiveRows
from ftdata.advice.signals.evaluation import Evaluation
from ftdata.advice.signals.knowledge import Knowledge
from ftdata.advice.signals.labels import Grouped, Labels
from ftdata.advice.signals.quality import Flags, Languages
from ftdata.advice.signals.risk import Risk
from ftdata.advice.signals.signal import Evidence, Signal, Value
from ftdata.advice.signals.templates import Templates
from ftdata.advice.signals.tokens import Tokens
from ftdata.advice.signals.variety import Variety

__all__ = ["SIGNALS", "Evidence", "Grouped", "Signal", "Value"]

SIGNALS: tuple[Signal, ...] = (
    EffectiveRows(),
    Variety(),
    Labels(),
    Consistency(),
    Templates(),
    Knowledge(),
    Behaviour(),
    Refusals(),
    Toxic(),
    Flags(),
    Languages(),
    Tokens(),
    Risk(),
    Evaluation(),
)
"""In the order in which they are told: what a later one needs of an earlier one is there."""
