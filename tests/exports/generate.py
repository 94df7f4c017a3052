"""Write exports of every format that ftdata reads, with what each must give: `python generate.py FOLDER [NAME ...]`.

Each export is a folder of its name, with `expected.json` beside its files: the settings to read it with, the
conversations, the records left out by class of reason, and the texts that must never get out. Written from the
documents of the formats only; nothing here imports ftdata. The same bytes come out every time.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from export_case import Case
from export_chats import chats
from export_chats_more import more_chats
from export_desks import desks
from export_desks_more import more_desks
from export_lines import line_chats
from export_mail import mail_cases
from export_models import models
from export_sets import sets
from export_zendesk import zendesk


def cases() -> list[Case]:
    """Make every export; in memory, each from a seed of its own name."""
    return [
        *zendesk(),
        *desks(),
        *more_desks(),
        *sets(),
        *chats(),
        *more_chats(),
        *line_chats(),
        *models(),
        *mail_cases(),
    ]


def main(folder: str, *names: str) -> None:
    for case in cases():
        if not names or case.name in names:
            print(case.write(Path(folder)))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python generate.py FOLDER [NAME ...]")
    main(*sys.argv[1:])
