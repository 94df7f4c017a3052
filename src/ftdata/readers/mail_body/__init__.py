"""E-mail bodies: what the sender newly wrote, without quoted replies, signature and disclaimer."""

from ftdata.readers.mail_body.body import Quotes, body_text
from ftdata.readers.mail_body.cut import Cut, new_text

__all__ = ["Cut", "Quotes", "body_text", "new_text"]
