"""E-mail: a folder of `.eml` files, and an mbox; written by hand, byte by byte, not by a library."""

from __future__ import annotations

import base64
import quopri
from collections.abc import Iterator
from datetime import datetime

from export_case import Case, Clock

_AGENT = "Suporte Loja <suporte@loja.example>"


def _mail(
    key: str,
    sender: str,
    when: datetime,
    subject: str,
    body: bytes,
    *,
    to: str | None = None,
    answers: tuple[str, ...] = (),
    kind: str = 'text/plain; charset="utf-8"',
    coding: str = "8bit",
    extra: tuple[str, ...] = (),
) -> bytes:
    lines = [
        f"Message-ID: <{key}@mail.example>",
        f"Date: {when:%a, %d %b %Y %H:%M:%S} +0000",
        f"From: {sender}",
        f"To: {to or _AGENT}",
        f"Subject: {subject}",
    ]
    if answers:
        lines.append(f"In-Reply-To: <{answers[-1]}@mail.example>")
        if len(answers) != 1 or not key.endswith("n"):
            lines.append("References: " + "\n ".join(f"<{one}@mail.example>" for one in answers))
    lines += [*extra, "MIME-Version: 1.0", f"Content-Type: {kind}", f"Content-Transfer-Encoding: {coding}", "", ""]
    return "\n".join(lines).encode() + body


def mails(case: Case) -> list[tuple[str, bytes]]:
    """Give messages by file name: threads by references, quotes, signatures, codings, automatic replies."""
    clock = Clock("2024-04-02 08:00:00", 3600)
    ana, rui, eva = "Ana Luz <ana@example.com>", "=?utf-8?Q?S=C3=A1=2C_Rui?= <rui@example.com>", "eva@example.com"
    q1, a1, q2, a2, q3, a3, q4, a4, q5, a5 = (case.answer() if n % 2 else case.ask() for n in range(10))
    found: list[tuple[str, bytes]] = []

    body = f"{q1}\n\nFrom this line on nothing is wrong.\n\n-- \nAna Luz\nTel. 555 0100 | Loja 12\n"
    kept = f"{q1}\n\nFrom this line on nothing is wrong."
    found.append(("1", _mail("m1", ana, clock.tick(), "Encomenda", body.encode())))
    quoted = "\n".join(f"> {line}" if line else ">" for line in kept.split("\n"))
    body = f"{a1}\n\nOn Tue, 2 Apr 2024 at 09:00, Ana Luz <ana@example.com> wrote:\n\n{quoted}\n"
    coded = quopri.encodestring(body.encode("latin-1"))
    latin = 'text/plain; charset="iso-8859-1"'
    mail = _mail(
        "m2",
        _AGENT,
        clock.tick(),
        "Re: Encomenda",
        coded,
        to=ana,
        answers=("m1",),
        kind=latin,
        coding="quoted-printable",
    )
    found.append(("2", mail))
    auto = case.out("auto|bot|system", "auto-reply", "I am out of the office")
    extra = ("Auto-Submitted: auto-replied", "X-Autoreply: yes")
    found.append(
        (
            "3",
            _mail(
                "m3", ana, clock.tick(), "Automatic reply: Encomenda", auto.encode(), answers=("m1", "m2"), extra=extra
            ),
        )
    )
    body = f"{q2}\n\nEnviado do meu iPhone\n\nEm 2 de abr. de 2024, à(s) 10:00, {_AGENT} escreveu:\n\n> {a1}\n"
    coded = base64.encodebytes(body.encode())
    found.append(("4", _mail("m4", ana, clock.tick(), "Re: Encomenda", coded, answers=("m1", "m2"), coding="base64")))
    html = f'<html><body><p>{a2}</p><blockquote type="cite"><p>{q2}</p></blockquote></body></html>'
    both = (
        '--=_b\nContent-Type: text/html; charset="utf-8"\nContent-Transfer-Encoding: 8bit\n\n'
        f"{html}\n--=_b\n"
        'Content-Type: text/plain; charset="utf-8"\nContent-Disposition: attachment; filename="log.txt"\n\n'
        f"{case.out(None, 'attachment')}\n--=_b--\n"
    )
    kind = 'multipart/mixed; boundary="=_b"'
    found.append(
        (
            "5",
            _mail(
                "m5",
                _AGENT,
                clock.tick(),
                "Re: Encomenda",
                both.encode(),
                to=ana,
                answers=("m1", "m2", "m4"),
                kind=kind,
            ),
        )
    )
    case.conv(("user", kept), ("assistant", a1), ("user", q2), ("assistant", a2))

    # The same subject, another person: no thread of the first. The answer knows only In-Reply-To.
    found.append(("6", _mail("m6", rui, clock.tick(), "Encomenda", q3.encode())))
    found.append(("7", _mail("m7n", _AGENT, clock.tick(), "Re: Encomenda", a3.encode(), to=rui, answers=("m6",))))
    thanks = case.cut("trailing", "thanks")
    found.append(("8", _mail("m8", rui, clock.tick(), "Re: Encomenda", thanks.encode(), answers=("m6", "m7n"))))
    case.conv(("user", q3), ("assistant", a3))

    alternative = (
        f'--=_a\nContent-Type: text/plain; charset="utf-8"\nContent-Transfer-Encoding: 8bit\n\n{q4}\n'
        f'--=_a\nContent-Type: text/html; charset="utf-8"\nContent-Transfer-Encoding: 8bit\n\n<p>{q4}</p>\n--=_a--\n'
    )
    kind = 'multipart/alternative; boundary="=_a"'
    subject = "=?utf-8?B?" + base64.b64encode("Fatura é nova".encode()).decode() + "?="
    found.append(("9", _mail("m9", eva, clock.tick(), subject, alternative.encode(), kind=kind)))
    inside = f"> {q4}\n\n{a4}\n\n> outra linha antiga\n\n{a5}\n"  # answers between quotes: these stay
    found.append(("a", _mail("m10", _AGENT, clock.tick(), f"Re: {subject}", inside.encode(), to=eva, answers=("m9",))))
    case.conv(("user", q4), ("assistant", {"has": [a4, a5]}))

    found.append(("b", _mail("m11", eva, clock.tick(), "Sem resposta", case.cut("one-sided", "unanswered").encode())))
    found.append(("c", _mail("m12", eva, clock.tick(), "Vazio", b"\n")))
    case.drop("media")
    for reason, label in (("draft", "Drafts"), ("deleted", "Trash")):  # as Google's export marks them
        text, mark = case.out(f"{reason}|hidden|private", label.lower()).encode(), (f"X-Gmail-Labels: {label},Opened",)
        found.append(
            (label, _mail(f"m-{label}", _AGENT, clock.tick(), "Encomenda", text, to=ana, answers=("m1",), extra=mark))
        )
    bounce = (
        '--=_r\nContent-Type: text/plain; charset="us-ascii"\n\n'
        f"{case.out('system|auto|bot', 'bounce')}\n--=_r\n"
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mail.example\n\nAction: failed\nStatus: 5.1.1\n"
        "--=_r--\n"
    )
    kind = 'multipart/report; report-type=delivery-status; boundary="=_r"'
    sender, robot = "Mail Delivery Subsystem <mailer-daemon@mail.example>", ("Auto-Submitted: auto-replied",)
    found.append(
        (
            "d",
            _mail("m13", sender, clock.tick(), "Undelivered", bounce.encode(), answers=("m2",), kind=kind, extra=robot),
        )
    )
    del q5
    return found


def folder() -> Case:
    case = Case("email-folder", "email", "mail", evidence="F", assistants=["suporte@loja.example"])
    for name, content in mails(case):
        case.files[f"mail/{name}.eml"] = content.replace(b"\n", b"\r\n")
    return case


def mbox() -> Case:
    case = Case("email-mbox", "email", "inbox.mbox", evidence="F", assistants=["suporte@loja.example"])
    parts = mails(case)
    case.rng.shuffle(parts)
    packed = b""
    for _, content in parts:
        lines = [b">" + line if line.lstrip(b">").startswith(b"From ") else line for line in content.split(b"\n")]
        packed += b"From sender@example.com Tue Apr  2 09:00:00 2024\n" + b"\n".join(lines).rstrip(b"\n") + b"\n\n"
    case.files["inbox.mbox"] = packed
    return case


_QUOTED = {
    "en": ("On Tue, Apr 2, 2024 at 9:00 AM, Ana Luz <ana@example.com> wrote:", "Sent from my iPhone"),
    "pt": ("Em ter., 2 de abr. de 2024 às 09:00, Ana Luz <ana@example.com> escreveu:", "Enviado do meu iPhone"),
    "es": ("El mar, 2 abr 2024 a las 9:00, Ana Luz (<ana@example.com>) escribió:", "Enviado desde mi iPhone"),
    "de": ("Am Di., 2. Apr. 2024 um 09:00 Uhr schrieb Ana Luz <ana@example.com>:", "Von meinem iPhone gesendet"),
    "fr": ("Le mar. 2 avr. 2024 à 09:00, Ana Luz <ana@example.com> a écrit :", "Envoyé de mon iPhone"),
    "it": ("Il giorno mar 2 apr 2024 alle ore 09:00 Ana Luz <ana@example.com> ha scritto:", "Inviato da iPhone"),
    "nl": ("Op di 2 apr 2024 om 09:00 schreef Ana Luz <ana@example.com>:", "Verstuurd vanaf mijn iPhone"),
}


def tongues() -> Case:
    """A thread in each language: the answer above what it quotes, the next question from a phone."""
    case = Case("email-languages", "email", "mail", evidence="F", assistants=["suporte@loja.example"])
    clock = Clock("2024-04-02 08:00:00", 3600)
    ana = "Ana Luz <ana@example.com>"
    for tongue, (wrote, phone) in _QUOTED.items():
        q1, a1, q2, a2 = case.ask(), case.answer(), case.ask(), case.answer()
        old = f"{wrote}\n\n> {q1}\n>\n> Ana\n"
        outlook = f"-----Original Message-----\nFrom: {ana}\nSent: Tuesday, April 2, 2024 9:00 AM\nSubject: x\n\n{q2}\n"
        keys = [f"{tongue}{n}" for n in range(4)]
        bodies = (q1, f"{a1}\n\n{old}", f"{q2}\n\n{phone}\n", f"{a2}\n\n-- \nBia\nSuporte\n\n{outlook}")
        for n, body in enumerate(bodies):
            sender, to = (_AGENT, ana) if n % 2 else (ana, _AGENT)
            sent = _mail(keys[n], sender, clock.tick(), "Re: x", body.encode(), to=to, answers=tuple(keys[:n]))
            case.files[f"mail/{keys[n]}.eml"] = sent
        case.conv(("user", q1), ("assistant", a1), ("user", q2), ("assistant", a2))
    return case


def mail_cases() -> Iterator[Case]:
    yield tongues()
    yield folder()
    yield mbox()
