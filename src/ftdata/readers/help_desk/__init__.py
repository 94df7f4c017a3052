"""The reader of help desks' own exports; a desk is a dialect, one TOML file in `dialects/`, and no Python."""

from ftdata.readers.help_desk.reader import HelpDesk

__all__ = ["HelpDesk"]
