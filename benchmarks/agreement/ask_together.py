"""Ask the file checker of together==1.5.35 about each row of standard input, each in a file of its own.

Each is a file of its own, because the checker stops at the first fault.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from together.utils.files import check_file

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "one.jsonl")
    for asked in sys.stdin:
        path.write_text(json.loads(asked)[1] + "\n")
        try:
            print("taken" if check_file(path)["is_check_passed"] else "refused", flush=True)
        except Exception as error:
            print(f"crash {type(error).__name__}", flush=True)
