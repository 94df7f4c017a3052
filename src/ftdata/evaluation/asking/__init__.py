"""Asking models the held-out questions: at any endpoint of OpenAI's protocol, or a transformers model on this machine.

`systems.py` reads the word that names a model, `prompts.py` writes what it is asked, `examples.py` picks what a base is
shown first, `sending.py` decides whether it may leave this machine, `endpoint.py` and `local.py` ask, `store.py` keeps
every answer as it comes, and `ask.py` puts them together. Models are asked greedily (temperature 0), so that the same
question has the same answer and need not be asked again.
"""
