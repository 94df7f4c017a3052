"""Old prompt/completion data: read without damage, and given back byte for byte (`ftdata.reverse`)."""

from ftdata.readers.prompt_completion.form import Form
from ftdata.readers.prompt_completion.reader import PromptCompletion

__all__ = ["Form", "PromptCompletion"]
