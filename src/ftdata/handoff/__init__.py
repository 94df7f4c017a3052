"""The hand-off: what a run wrote goes to a trainer only if everything holds that was promised of it.

`gate.py` holds the nine conditions and what lets a run through; a trainer (`ftdata.trainers`) gets a `Passed`, never a
run.
"""
