"""What a tuned model is worth: answers of several systems to the held-out rows, scored, compared, and judged.

`held_out.py` takes the questions and the right answers from rows, `answers.py` reads what systems answered,
`scores.py` holds the measures, `statistics.py` what chance could do, `comparison.py` puts them together, `verdict.py`
says what may be said. A verdict is "better" only if the tuned model beats every system that it must beat: the base,
the base with examples in its prompt, and the answer that is most common.
"""
