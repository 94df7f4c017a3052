"""A thousand pairs of answers, made by rule: the same for those who score them elsewhere and for the tests."""

from __future__ import annotations

import random

_SAID = (
    "The order 1042 left our warehouse on Monday, and it will arrive by Friday.",
    "O pedido saiu hoje do armazém; a entrega leva até três dias úteis.",
    "¿Puede enviarnos una foto del recibo? Así lo revisamos en seguida.",
    "Please reset your password, then sign in again with the new one.",
    "A refund was issued to the card that ends in 4242 (it takes 5-10 days).",
    "billing",
    "No.",
    "返金は三日以内に行われます。",
    '{"order": 1042, "open": true}',
)


def pairs(count: int = 1000) -> list[tuple[str, str]]:
    """Give pairs (answer, right answer): equal, cut, reordered, misspelt, of other words, empty."""
    draw = random.Random(7)
    made = []
    for _ in range(count):
        right = " ".join(draw.sample(_SAID, draw.randint(1, 3)))
        words = right.split(" ")
        way = draw.randrange(7)
        if way == 1:
            words = words[: draw.randint(0, len(words))]
        elif way == 2:
            draw.shuffle(words)
        elif way == 3:
            words = [word[::-1] if draw.random() < 0.3 else word.upper() for word in words]
        elif way == 4:
            words = draw.choice(_SAID).split(" ")
        elif way == 5:
            words = [word for word in words if draw.random() < 0.7] + words[: draw.randint(0, 4)]
        elif way == 6:
            words = [f"  {words[0]}", "the", *words[1:], "...\n"]
        made.append((" ".join(words), right))
    return made
