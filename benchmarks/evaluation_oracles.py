"""Score a thousand pairs of answers by outside packages, for tests/evaluation to compare with:

    python benchmarks/evaluation_oracles.py > tests/evaluation/oracles.json

in an environment that has rouge-score, sacrebleu, statsmodels and transformers<5 (its copy of SQuAD's script). ROUGE-L
is taken with words of any script, and, as `rouge_l_ascii`, as the package does by itself.
"""

from __future__ import annotations

import json
import random
import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/evaluation"))

from pairs import pairs  # it stands beside the tests


class _Words:
    def tokenize(self, text: str) -> list[str]:
        return re.findall(r"\w+", text.lower())


def main() -> None:
    """Score, print."""
    from rouge_score.rouge_scorer import RougeScorer
    from sacrebleu import sentence_chrf
    from statsmodels.stats.contingency_tables import mcnemar
    from transformers.data.metrics.squad_metrics import compute_f1

    made = pairs()
    wide, own = RougeScorer(["rougeL"], tokenizer=_Words()), RougeScorer(["rougeL"])
    told: dict[str, Any] = {name: version(name) for name in ("rouge-score", "sacrebleu", "statsmodels", "transformers")}
    scores = {
        "f1": [compute_f1(right, answer) for answer, right in made],
        "rouge_l": [wide.score(right, answer)["rougeL"].fmeasure for answer, right in made],
        "rouge_l_ascii": [own.score(right, answer)["rougeL"].fmeasure for answer, right in made],
        "chrf": [sentence_chrf(answer, [right]).score / 100 for answer, right in made],
    }
    draw = random.Random(3)
    tables = [(draw.randrange(0, 80), draw.randrange(0, 80)) for _ in range(200)] + [
        (0, 0),
        (1, 0),
        (0, 60),
        (400, 300),
    ]
    tests = [[one, other, float(mcnemar([[5, one], [other, 5]], exact=True).pvalue)] for one, other in tables]
    rounded = {name: [round(float(value), 9) for value in values] for name, values in scores.items()}
    json.dump({"versions": told, "scores": rounded, "mcnemar": tests}, sys.stdout)
    print()


if __name__ == "__main__":
    main()
