"""Ask the dataset validator of AWS's amzn-nova-forge about each row of standard input: `ask_nova.py`.

Runs with amzn-nova-forge==1.4.10 (installed without its dependencies) and pydantic, boto3 and filetype. The validator
for supervised training is asked as if the model was Nova 2 Lite, which takes all that the others take and more. Media
lie in a bucket, which is not there: a bucket that has every file stands in for it, and the checks that open a medium
are left out.
"""

from __future__ import annotations

import importlib.util
import io
import json
import sys
import types
from typing import Any

# The package's own __init__ imports the whole SDK; the validators need little of it.
found = importlib.util.find_spec("amzn_nova_forge")
for name, path in (("amzn_nova_forge", ""), ("amzn_nova_forge.dataset", "/dataset")):
    package = types.ModuleType(name)
    package.__path__ = [str(found.submodule_search_locations[0]) + path]  # type: ignore[union-attr, index]
    sys.modules[name] = package

from amzn_nova_forge.core.enums import Model  # noqa: E402
from amzn_nova_forge.dataset.dataset_validator import dataset_validator  # noqa: E402
from amzn_nova_forge.dataset.dataset_validator.sft_dataset_validator import SFTConverseDatasetSample  # noqa: E402
from pydantic import ValidationError  # noqa: E402

OPENED = ("image_dimensions", "video_duration")
dataset_validator.DATASET_CHECKS[:] = [one for one in dataset_validator.DATASET_CHECKS if one["name"] not in OPENED]
HEADS = {"png": b"\x89PNG\r\n\x1a\n", "jpg": b"\xff\xd8\xff", "mp4": b"\0\0\0\x18ftypmp42", "pdf": b"%PDF-1.4"}


class Bucket:
    """A bucket that has every file: small, and of the type that its name says."""

    def head_object(self, **_: Any) -> dict[str, int]:
        """Give the size of a file."""
        return {"ContentLength": 1000}

    def get_object(self, **asked: Any) -> dict[str, io.BytesIO]:
        """Give the beginning of a file."""
        return {"Body": io.BytesIO(HEADS.get(asked["Key"].rsplit(".")[-1], HEADS["png"]) + bytes(200))}


def verdict(line: str) -> str:
    """Say whether the row is taken, or the place and type of the first error."""
    try:
        row = json.loads(line)
        SFTConverseDatasetSample.model_validate(row, context={"model": Model.NOVA_LITE_2, "s3_client": Bucket()})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join("#" if isinstance(part, int) else str(part) for part in first["loc"][:4])
        return f"{first['type']} {where}".strip()
    except json.JSONDecodeError:
        return "no JSON"
    except Exception as error:
        return f"crash {type(error).__name__}"
    return "taken"


for asked in sys.stdin:
    print(verdict(json.loads(asked)[1]), flush=True)
