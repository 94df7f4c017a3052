"""Read the message exports of Meta: Facebook Messenger and Instagram, one thread or a whole inbox."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from ftdata.errors import InputError
from ftdata.nested import Holder
from ftdata.readers.messages import Messages, Turn, files
from ftdata.readers.times import instant, utc
from ftdata.source import Source
from ftdata.stages import Sniff

_THREAD = r"message_[0-9]+\.json"
_MEDIA = ("photos", "videos", "audio_files", "files", "gifs", "sticker", "share", "media")
_META = "Meta AI"  # the model that people ask in their chats
_TALK = frozenset({"", "generic", "share", "text", "link", "media"})
"""Kinds of message that people write (lower case): those of the two exports, and none at all (Instagram)."""

# Lines that Meta writes in a person's name, in the language of the account. The English ones are those that parsers of
# the export name; the others say the same, and are taken only as whole texts.
_REACTED = re.compile(
    r"(?:.{1,80} )?(?:reacted \W{1,16} to your message|liked a message"
    r"|reagiu com \W{1,16} à (?:sua|tua) mensagem|curtiu uma mensagem|gostou de uma mensagem"
    r"|(?:reaccionó|ha reaccionado) con \W{1,16} a tu mensaje|(?:le )?(?:gustó|ha gustado) un mensaje"
    r"|(?:indicó|ha indicado) que le gusta un mensaje"
    r"|hat mit \W{1,16} auf deine nachricht reagiert|gefällt eine nachricht"
    r"|hat eine nachricht mit [„\"]gefällt mir[“”\"] markiert"
    r"|a réagi (?:avec )?\W{1,16} à (?:votre|ton) message|a aimé un message"
    r"|ha reagito con \W{1,16} al tuo messaggio)[ .]*",
    re.IGNORECASE,
)
_ATTACHED = re.compile(
    r"(?!(?:i|we|he|she|they|who|eu|nós|ele|ela|eles|yo|él|ella|ellos|ich|wir|er|sie|wer|je|nous|il|elle|ils|io|noi)\b)"
    r".{1,80} (?:sent an attachment|enviou um anexo|(?:envió|ha enviado) un archivo adjunto|hat einen anhang gesendet"
    r"|a envoyé une pièce jointe|ha inviato un allegato)\.?",
    re.IGNORECASE,
)
_EVENT = re.compile(
    r"(?:named the group .+|(?:created|left) the group|changed the group photo"
    r"|(?:added|removed) .+ (?:to|from) the group"
    r"|(?:changed|set) the (?:chat )?(?:theme|colou?rs|emoji|quick reaction)(?: to .+)?"
    r"|(?:set|cleared) (?:the|your|his|her|their|.+'s) (?:own )?nickname(?: .+)?"
    r"|(?:started|joined|missed) (?:a|an|the|your) (?:video |audio )?(?:call|chat)"
    r"|waved at .+|pinned a message|unsent a message|(?:voted|removed|changed) .+ in the poll)[.!]|created a poll: .+"
    # Portuguese
    r"|(?:deu ao grupo o nome|mudou o nome do grupo para|nomeou o grupo|(?:criou|deixou) o grupo"
    r"|(?:entrou no|saiu do) grupo"
    r"|(?:mudou|alterou) (?:a foto(?:grafia)?|o tema|a cor|as cores|o emoji)|(?:adicionou|removeu) .+ (?:ao|do) grupo"
    r"|definiu (?:o|a|seu|sua) .+ (?:apelido|alcunha|alternativo)|criou (?:uma sondagem|uma enquete)"
    r"|votou (?:em|por) .+"
    r"|(?:anulou o envio de|cancelou o envio de|apagou) uma mensagem"
    r"|enviou (?:uma foto|uma fotografia|um vídeo|um GIF))\b.*"
    # Spanish
    r"|(?:(?:creó|ha creado|abandonó|ha abandonado|salió del|se unió al) (?:el )?grupo"
    r"|(?:cambió|ha cambiado) (?:el nombre del grupo|la foto|el tema|los? colore?s?|el emoji)"
    r"|(?:llamó|nombró) al? grupo"
    r"|(?:añadió|agregó|eliminó) a .+ (?:al|del) grupo|(?:creó|ha creado) una encuesta|(?:votó|ha votado) (?:por|en) .+"
    r"|(?:anuló|canceló) el envío de un mensaje|(?:envió|ha enviado) (?:una foto|un vídeo|un video|un GIF))\b.*"
    # German
    r"|hat (?:die gruppe .+ (?:genannt|erstellt|verlassen|hinzugefügt|entfernt)|die gruppe (?:erstellt|verlassen)"
    r"|das (?:gruppenfoto|design|thema|emoji|chat-design) .*geändert|die (?:farbe|chatfarben?) .*geändert"
    r"|.+ (?:zur gruppe hinzugefügt|aus der gruppe entfernt)|eine umfrage (?:erstellt|gestartet).*"
    r"|für .+ (?:ab)?gestimmt"
    r"|eine nachricht (?:zurückgezogen|zurückgerufen)|(?:ein foto|ein video|ein GIF) gesendet)\W*"
    # French, Italian
    r"|(?:a nommé le groupe|a (?:créé|quitté|rejoint) le groupe|a (?:changé|modifié) (?:la photo|le thème|les couleurs)"
    r"|a créé un sondage|a annulé l.envoi d.un message|a envoyé (?:une photo|une vidéo|un GIF)"
    r"|ha (?:creato|abbandonato) il gruppo|ha cambiato (?:la foto|il tema|i colori|il nome)|ha creato un sondaggio"
    r"|ha annullato l.invio di un messaggio|ha inviato (?:una foto|un video|una GIF))\b.*",
    re.IGNORECASE,
)
_NOTICE = re.compile(
    r"you are now connected on messenger\.?|you can now (?:message and )?call each other\b.*"
    r"|the (?:video |audio )?(?:call|chat) ended\.?|this poll is no longer available\.?"
    r"|.{1,80}'s poll has multiple updates\.?"
    r"|(?:new )?messages and calls are secured with end-to-end encryption\b.*"
    r"|as (?:novas )?mensagens e (?:as )?(?:chamadas|ligações) (?:são|estão) protegidas (?:com|por) (?:a )?"
    r"(?:encriptação|criptografia)\b.*"
    r"|los mensajes y las (?:llamadas|videollamadas) (?:nuevos )?están protegidos con (?:el )?cifrado\b.*"
    r"|(?:neue )?nachrichten und anrufe sind (?:durch|mit) ende-zu-ende-verschlüsselung\b.*"
    r"|les (?:nouveaux )?messages et les appels sont (?:protégés|sécurisés) (?:par|avec) (?:le|un) chiffrement\b.*"
    r"|i (?:nuovi )?messaggi e le chiamate sono protetti (?:con|dalla) (?:la )?crittografia\b.*",
    re.IGNORECASE,
)


class Messenger(Messages):
    """Read a Messenger or Instagram export in JSON: one thread, a thread's folder, or a whole inbox (folder or zip).

    The files of a thread (`message_1.json`, `message_2.json`, ...) are one, in the order of time. Meta writes each byte
    of a text as a character of its own: a text or name that is such (every character is a byte, and the bytes are
    UTF-8) is put right; what is not stays as it is. So is the export of encrypted chats read (`threadName`).

    Records left out, besides those of `Messages` and of the source: `preamble` (what stands around a thread's
    messages), `deleted` (unsent, or taken down), `system-line` (calls, joins, names, and lines that Meta writes in a
    person's name: reactions, group changes, notices of encryption), `bot` (Meta AI), `not-text` (pictures, stickers,
    links and attachments without words), `not-an-object`.
    Flags: `mojibake-repaired`, and those of `Messages`.

    `meta` holds `chat` (the thread's title or folder, else who takes part), and `time` and `author` of the first turn.
    Keys as in files that were read; those of encrypted chats as in a parser's source.
    """

    name: ClassVar[str] = "messenger"
    evidence: ClassVar[str] = "F"
    problems: ClassVar[frozenset[str]] = frozenset({"not-an-object"})

    @classmethod
    def sniff(cls, source: Source) -> Sniff | None:
        """Know the export by the keys of its messages."""
        found = _threads(source, 20)
        if not found:
            return None
        opening = source.opening(member=found[0])
        if not opening.lstrip().startswith(b"{") or b'"messages"' not in opening:
            return None
        items = [record.value for record in source.again(40).json_within("messages", member=found[0])]
        messages = [item for item in items if isinstance(item, dict)]
        plain = [item for item in messages if {"sender_name", "timestamp_ms"} <= item.keys()]
        sealed = [item for item in messages if {"senderName", "timestamp"} <= item.keys()]
        if len(plain) * 2 <= len(messages) and len(sealed) * 2 <= len(messages):
            return None
        keys = "sender_name and timestamp_ms" if plain else "senderName and timestamp (encrypted chats)"
        told = [f"{len(found)} files of messages"] if len(found) > 1 else []
        return cls.known(source, f"messages with {keys} (Messenger, Instagram)", *told)

    def turns(self, source: Source) -> Iterator[Turn]:
        """Give the messages, file by file."""
        found = _threads(source)
        if not found:
            raise InputError(f"{source.name}: holds no message_1.json (or another file of messages) to read")
        for member in found:
            folder = (member or "").rpartition("/")[0] if re.fullmatch(rf"(?:.*/)?{_THREAD}", member or "") else member
            meta: dict[str, Any] = {}
            for record in source.json_within("messages", member=member):
                if isinstance(record.value, Holder):
                    title = _title(record.value.value) or (folder or "").rpartition("/")[2].removesuffix(".json")
                    meta = {"chat": title or _people(record.value.value)}
                    yield Turn(record.number, drop="preamble")
                elif record.problem or not isinstance(record.value, dict):
                    yield Turn(record.number, drop=record.problem or "not-an-object")
                else:
                    yield _turn(record.number, record.value, folder or "", meta)


def _turn(number: int, message: dict[str, Any], thread: str, meta: Mapping[str, Any]) -> Turn:
    sealed = "senderName" in message
    if any(message.get(key) for key in ("is_unsent", "isUnsent", "is_taken_down")):
        return Turn(number, drop="deleted")
    kind = message.get("type")
    if (kind.lower() if isinstance(kind, str) else "" if kind is None else "?") not in _TALK:
        return Turn(number, drop="system-line")
    if message.get("call_duration") is not None:
        return Turn(number, drop="system-line")
    author, _ = repaired(message.get("senderName" if sealed else "sender_name"))
    text, changed = repaired(message.get("text" if sealed else "content"))
    if not author.strip():
        return Turn(number, drop="unknown-author")
    if not text.strip() or (len(text) < 160 and _ATTACHED.fullmatch(text)):
        media = any(message.get(key) for key in _MEDIA)
        return Turn(number, drop="not-text" if media or text.strip() else "empty-text")
    if len(text) < 400 and _is_notice(text, author):
        return Turn(number, drop="system-line")
    told = message.get("timestamp" if sealed else "timestamp_ms")
    at = instant(str(told)) if type(told) is int or isinstance(told, str) else None
    return Turn(
        number,
        chat=thread,
        author=author,
        text=text,
        at=at,
        role="bot" if author == _META else None,
        meta={**meta, **({"time": utc(at[0])} if at else {}), "author": author},
        flag="mojibake-repaired" if changed else None,
    )


def repaired(value: Any) -> tuple[str, bool]:
    """Give a text as it was written, and whether that had to be put right; an empty text for what is none.

    Only where each character is a byte and the bytes are UTF-8, so that the way back gives the same characters again.
    """
    if not isinstance(value, str):
        return "", False
    if value.isascii():
        return value, False
    try:
        return value.encode("latin-1").decode("utf-8"), True
    except UnicodeError:
        return value, False


def _is_notice(text: str, author: str) -> bool:
    """Say whether Meta wrote this line: a reaction or a notice as a whole, or an event that begins with who did it."""
    if _REACTED.fullmatch(text) or _NOTICE.fullmatch(text):
        return True
    for who in ("You", author, author.split()[0]):
        if text.startswith(f"{who} ") and _EVENT.fullmatch(text, len(who) + 1):
            return True
    return False


def _threads(source: Source, most: int | None = None) -> list[str | None]:
    """List the files of threads: `message_1.json` and so on; else those of an export of encrypted chats.

    The latter have names of any kind: `most` bounds how many files are looked into.
    """
    if found := files(source, _THREAD):
        return found
    some = files(source, r"[^/]+\.json")[:most]
    return [name for name in some if b'"senderName"' in source.opening(member=name)]


def _title(holder: Mapping[str, Any]) -> str:
    return repaired(holder.get("title") or holder.get("threadName"))[0].strip()


def _people(holder: Mapping[str, Any]) -> str:
    listed = holder.get("participants")
    named = (one.get("name") if isinstance(one, dict) else one for one in (listed if isinstance(listed, list) else ()))
    return ", ".join(filter(None, (repaired(name)[0].strip() for name in named)))
