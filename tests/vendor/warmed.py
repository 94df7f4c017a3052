"""Imported once by the process that doomed ones are forked from: what they would each build anew is built here.

Nothing of it uses polars, whose threads no fork survives.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import acting
import httpx2
import openai
from openai.pagination import SyncCursorPage
from openai.types import FileObject, Model
from openai.types.fine_tuning import FineTuningJob

from ftdata import recipe, targets

recipe.Recipe.parse(tomllib.loads(acting.RECIPE), Path(), "job")
recipe.trainer({"use": "openai", "model": acting.MODEL})
targets.load("openai")
httpx2.HTTPTransport(verify=False).close()
api = openai.OpenAI(api_key="none")
api.files, api.fine_tuning.jobs, api.models, api.uploads.parts  # noqa: B018
for made in (FileObject, FineTuningJob, Model, SyncCursorPage[FineTuningJob], SyncCursorPage[FileObject]):
    made.model_rebuild(force=True)
