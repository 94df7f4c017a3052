"""Say whether the outputs below a folder are the old set, the new set, or neither; stdlib only, knows no ftdata."""

import hashlib
import json
import sys
from pathlib import Path


def hashes(folder: Path) -> dict[str, str]:
    """Hash every visible file; what lies under a dot name is the run's own business."""
    named = ((path.relative_to(folder), path) for path in sorted(folder.rglob("*")) if path.is_file())
    visible = ((name, path) for name, path in named if not any(part.startswith(".") for part in name.parts))
    return {str(name): hashlib.sha256(path.read_bytes()).hexdigest() for name, path in visible}


def judge(folder: Path, old: dict[str, str], new: dict[str, str]) -> str:
    """Give `old`, `new`, `unfinished` (an intent stands, and each file is old or new), or what is wrong."""
    now = hashes(folder)
    odd = [name for name, digest in now.items() if digest not in (old.get(name), new.get(name))]
    if odd:
        return f"neither old nor new: {odd}"
    if list(folder.rglob(".ftdata/*/publish.json")):
        return "unfinished"
    return "old" if now == old else "new" if now == new else f"mixed: {sorted(now)}"


if __name__ == "__main__":
    print(judge(Path(sys.argv[1]), *(json.loads(Path(name).read_text()) for name in sys.argv[2:4])))
