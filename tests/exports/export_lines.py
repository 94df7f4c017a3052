"""Exports that are lines of text: WhatsApp in its many headers, Signal, IRC."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from export_case import Case, Clock

_LRM, _NNBSP, _NBSP = "\u200e", "\u202f", "\u00a0"
Style = Callable[[datetime], str]


def _clock12(t: datetime, am: str, pm: str, space: str, seconds: bool = False) -> str:
    return f"{t.hour % 12 or 12}:{t:%M}{':' + f'{t:%S}' if seconds else ''}{space}{am if t.hour < 12 else pm}"


STYLES: dict[str, tuple[Style, bool]] = {
    # name: header of a moment, whether it is one of an iPhone (marks before texts, seconds)
    "android-24h": (lambda t: f"{t:%d/%m/%y, %H:%M} - ", False),
    "android-year4": (lambda t: f"{t:%d/%m/%Y, %H:%M} - ", False),
    "android-us-nnbsp": (lambda t: f"{t.month}/{t.day}/{t:%y}, {_clock12(t, 'AM', 'PM', _NNBSP)} - ", False),
    "android-pm-dots": (lambda t: f"{t.day}/{t.month}/{t:%y}, {_clock12(t, 'a.m.', 'p.m.', ' ')} - ", False),
    "android-es": (lambda t: f"{t.day}/{t.month}/{t:%y}, {_clock12(t, 'a.', 'p.', _NBSP)}{_NBSP}m. - ", False),
    "android-dash": (lambda t: f"{t:%d-%m-%Y}, {t.hour % 12 or 12:02}.{t:%M} {t:%p} - ", False),
    "android-dots": (lambda t: f"{t:%d.%m.%y %H.%M.%S}: ", False),
    "android-fi": (lambda t: f"{t.day}.{t.month}.{t:%Y} klo {t:%H.%M.%S} - ", False),
    "android-iso": (lambda t: f"{t:%Y/%m/%d, %H:%M} - ", False),
    "android-lower-pm": (lambda t: f"{t.month}/{t.day}/{t:%y}, {_clock12(t, 'am', 'pm', ' ')} - ", False),
    "ios-de": (lambda t: f"[{t:%d.%m.%y, %H:%M:%S}] ", True),
    "ios-24h": (lambda t: f"[{t:%d/%m/%y, %H:%M:%S}] ", True),
    "ios-us": (lambda t: f"[{t.month}/{t.day}/{t:%y}, {_clock12(t, 'AM', 'PM', _NNBSP, True)}] ", True),
    "ios-es": (lambda t: f"{_LRM}[{t.day}/{t.month}/{t:%y} {_clock12(t, 'a.', 'p.', ' ', True)} m.] ", True),
    "ios-iso": (lambda t: f"[{t.year}/{t.month}/{t.day}, {t:%H:%M:%S}] ", True),
    "brackets-short": (lambda t: f"[{t:%d/%m/%y %H:%M}] ", False),
}
"""Headers that FORMATS.md lists or that stand in `header_formats.tsv`; days over 12 say which number is the day."""


def whatsapp(style: str, *, start: str = "2023-05-14 21:25:15", name: str | None = None) -> Case:
    header, phone = STYLES[style]
    case = Case(name or f"whatsapp-{style}", "whatsapp", "chat.txt", assistants=["João-Paulo Café 🤓"], gap="60m")
    user, agent = "~ Ana", "João-Paulo Café 🤓"
    clock = Clock(start)
    lines: list[str] = []

    def say(who: str | None, text: str, mark: str = "") -> None:
        said = f"{mark}{who}: {text}" if who else text
        lines.append(f"{header(clock.tick())}{said}")

    q1, a1, q2, a2, q3, a3, q4 = (case.answer() if n % 2 else case.ask() for n in range(7))
    secret = "Messages and calls are end-to-end encrypted. No one outside of this chat, not even WhatsApp, can read or"
    secret += " listen to them."
    if phone:
        say(user, f"{_LRM}{secret}")
    else:
        say(None, f"{secret} Tap to learn more.")
    case.drop("system")
    say(None, f'João-Paulo Café 🤓 created group "{case.out("system", "group-name")}"')
    say(agent, case.cut("leading", "greeting"))
    case.times.append(f"{clock.now + timedelta(minutes=1):%Y-%m-%dT%H:%M}")
    say(user, f"{q1}: é assim\n12/05/2023 é a data da fatura\n\n- ponto um: sim\n- ponto dois")
    say(None, f"You added {case.out('system', 'added')}")
    omitted = (f"{_LRM}image omitted", f"{_LRM}audio omitted") if phone else ("<Media omitted>", "<Mídia oculta>")
    for text in omitted:
        if phone:
            lines.append(f"{_LRM}{header(clock.tick())}{user}: {text}".replace(_LRM + _LRM, _LRM))
        else:
            say(user, text)
        case.drop("media")
    say(agent, f"{a1} http://example.com/a: b")
    say(user, f"{_LRM if phone else ''}This message was deleted{'.' if phone else ''}")
    case.drop("deleted")
    file = case.out("media", "attachment-name", "x").split()[0]
    say(user, f"{_LRM}<attached: 00000012-{file}.jpg>" if phone else f"IMG-{file}.jpg (file attached)")
    say(user, q2)
    say(agent, "You deleted this message" + ("." if phone else ""))
    case.drop("deleted")
    say(agent, a2)
    case.conv(
        ("user", f"{q1}: é assim\n12/05/2023 é a data da fatura\n\n- ponto um: sim\n- ponto dois"),
        ("assistant", f"{a1} http://example.com/a: b"),
        ("user", q2),
        ("assistant", a2),
    )
    clock.tick(16 * 60)
    case.times.append(f"{clock.now + timedelta(minutes=1):%Y-%m-%dT%H:%M}")
    say(user, q3)
    say("+351 912 345 678", q4)
    say(agent, a3)
    say(user, case.cut("trailing", "thanks"))
    case.conv(("user", q3), ("user", q4), ("assistant", a3))
    case.text("chat.txt", "\n".join(lines) + "\n")
    return case


def whatsapp_zip(name: str, inside: str) -> Case:
    """As the application shares it: the text in a zip, beside pictures."""
    case = whatsapp("ios-24h" if inside == "_chat.txt" else "android-24h", name=name)
    case.files = {inside: case.files["chat.txt"].replace(b"\n", b"\r\n")}
    case.zipped(
        "WhatsApp Chat.zip", ("00000012-PHOTO-2023.jpg", b"\xff\xd8\xff\xe0junk"), ("contact.vcf", b"BEGIN:VCARD\n")
    )
    for talk in case.conversations:
        for turn in talk:
            turn[1] = turn[1].replace("\r\n", "\n")
    return case


def whatsapp_decided() -> Case:
    """Ambiguous days at first; one far below says that the day stands first."""
    case = Case("whatsapp-decided", "whatsapp", "chat.txt", assistants=["Bia"], gap="60m")
    header = STYLES["android-24h"][0]
    lines = []
    for moment in ("2023-02-03 10:00", "2023-03-03 10:00", "2023-04-03 10:00", "2023-04-28 10:00"):
        clock = Clock(moment + ":00")
        q, a = case.ask(), case.answer()
        lines += [f"{header(clock.tick())}Ana: {q}", f"{header(clock.tick())}Bia: {a}"]
        case.times.append(f"{clock.now - timedelta(minutes=1):%Y-%m-%dT%H:%M}")
        case.conv(("user", q), ("assistant", a))
    case.text("chat.txt", "\n".join(lines))
    return case


def whatsapp_mixed() -> Case:
    """Two phones' headers in one file, each decided for itself: day first in one, month first in the other."""
    case = Case("whatsapp-mixed", "whatsapp", "chat.txt", assistants=["Bia"], gap="60m")
    lines = []
    for style, moments in {
        "ios-24h": ("2023-02-03 10:00", "2023-02-25 10:00"),
        "android-us-nnbsp": ("2023-05-06 15:00", "2023-05-27 15:00"),
    }.items():
        for moment in moments:
            clock = Clock(moment + ":00")
            q, a = case.ask(), case.answer()
            lines += [f"{STYLES[style][0](clock.tick())}{who}: {text}" for who, text in (("Ana", q), ("Bia", a))]
            case.conv(("user", q), ("assistant", a))
            case.times.append(f"{clock.now - timedelta(minutes=1):%Y-%m-%dT%H:%M}")
    case.text("chat.txt", "\n".join(lines) + "\n")
    return case


_TONGUES = {
    # language: header, notice without an author, media, deleted by them, deleted by us, mark of a file, of an edit
    "pt": (
        "android-year4",
        "As mensagens e as chamadas são protegidas com a criptografia de ponta a ponta e ficam somente entre você e os "
        "participantes desta conversa. Nem mesmo o WhatsApp pode ler ou ouvi-las. Toque para saber mais.",
        ("<Mídia oculta>", "<Arquivo de mídia oculto>"),
        ("Mensagem apagada", "Você apagou esta mensagem"),
        "(arquivo anexado)",
        "<Mensagem editada>",
    ),
    "es": (
        "android-es",
        "Los mensajes y las llamadas están cifrados de extremo a extremo. Nadie fuera de este chat, ni siquiera "
        "WhatsApp, puede leerlos ni escucharlos. Toca para obtener más información.",
        ("<Multimedia omitido>",),
        ("Se eliminó este mensaje.", "Eliminaste este mensaje."),
        "(archivo adjunto)",
        "<Se editó este mensaje.>",
    ),
    "de": (
        "android-24h",
        "Nachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt. Niemand außerhalb dieses Chats kann sie lesen oder "
        "anhören, nicht einmal WhatsApp. Tippe, um mehr zu erfahren.",
        ("<Medien ausgeschlossen>",),
        ("Diese Nachricht wurde gelöscht.", "Du hast diese Nachricht gelöscht."),
        "(Datei angehängt)",
        "<Diese Nachricht wurde bearbeitet.>",
    ),
    "en": (
        "android-us-nnbsp",
        "Messages and calls are end-to-end encrypted. Only people in this chat can read, listen to, or share them.",
        ("<Media omitted>",),
        ("This message was deleted", "You deleted this message"),
        "(file attached)",
        "<This message was edited>",
    ),
}


def whatsapp_tongue(tongue: str) -> Case:
    """What the application itself writes, in the language of the phone."""
    style, notice, media, deleted, attached, edited = _TONGUES[tongue]
    header = STYLES[style][0]
    case = Case(f"whatsapp-in-{tongue}", "whatsapp", "chat.txt", assistants=["Bia"], gap="60m")
    clock = Clock("2024-03-14 10:00:00")
    lines = [f"{header(clock.tick())}{notice}"]
    case.drop("system")
    q1, a1, q2, a2 = case.ask(), case.answer(), case.ask(), case.answer()

    def say(who: str, text: str) -> None:
        lines.append(f"{header(clock.tick())}{who}: {text}")

    say("Ana", q1)
    for text in media:
        say("Ana", text)
        case.drop("media")
    say("Bia", f"{a1} {edited}")
    say("Ana", deleted[0])
    say("Bia", deleted[1])
    case.drop("deleted", 2)
    say("Ana", f"IMG-20240314-WA0001.jpg {attached}\n{q2}")  # a caption stands below its picture
    say("Ana", f"{case.out('media', 'file', '').split()[0]}.pdf {attached}")
    say("Bia", a2)
    case.conv(("user", q1), ("assistant", a1), ("user", q2), ("assistant", a2))
    case.text("chat.txt", "\n".join(lines) + "\n")
    return case


def signal() -> Case:
    case = Case("signal", "signal", "signal.txt", assistants=["Bruno Reis"], gap="60m")
    clock = Clock("2024-02-29 23:30:00")
    lines = []

    def say(who: str, text: str) -> None:
        lines.append(f"[{clock.tick():%Y-%m-%d, %H:%M}] {who}: {text}")

    q1, a1, q2, a2, q3, a3 = (case.answer() if n % 2 else case.ask() for n in range(6))
    say("Bruno Reis", case.cut("leading", "greeting"))
    say("Ana", f"{q1}\n[sic] segunda linha: sim")
    say("Bruno Reis", a1)
    say("Ana", "")
    case.drop("media")
    clock.tick(31)  # past midnight, within the gap
    say("Ana", q2)
    say("Bruno Reis", f"{a2}\n\núltima")
    case.conv(
        ("user", f"{q1}\n[sic] segunda linha: sim"), ("assistant", a1), ("user", q2), ("assistant", f"{a2}\n\núltima")
    )
    clock.tick(500)
    say("Ana", q3)
    say("Bruno Reis", a3)
    case.conv(("user", q3), ("assistant", a3))
    case.text("signal.txt", "\n".join(lines) + "\n")
    return case


def irc() -> Case:
    """A channel's log: the date only in the file's name, midnight in the middle."""
    case = Case("irc", "irc", "2024-05-17.log", assistants=["bia"], bots=["ubottu"], gap="60m")
    lines = []

    def at(clock: str, who: str, text: str) -> None:
        lines.append(f"[{clock}] <{who}> {text}")

    q1, a1, q2, a2, q3, a3 = (case.answer() if n % 2 else case.ask() for n in range(6))
    lines.append(f"=== ana [~ana@{case.out('system', 'host', '')}] has joined #ajuda")
    at("21:10", "ana", q1)
    at("21:12", "bia", f"ana: {a1}")
    at("21:13", "ubottu", case.out("bot", "bot"))
    lines.append(f"=== rui is now known as {case.out('system', 'nick', '')}")
    case.conv(("user", q1), ("assistant", f"ana: {a1}"))
    at("23:58", "rui", q2)
    lines.append(f"[23:59]  * bia {case.out('system', 'action')}")
    at("00:02", "bia", a2)
    lines.append(f"=== rui has quit [{case.out('system', 'quit')}]")
    case.conv(("user", q2), ("assistant", a2))
    at("09:30", "ana", q3)
    at("09:31", "bia", a3)
    lines.append(f"=== ana has left #ajuda [{case.out('system', 'left')}]")
    case.conv(("user", q3), ("assistant", a3))
    case.text("2024-05-17.log", "\n".join(lines) + "\n")
    return case


def line_chats() -> Iterator[Case]:
    for style in STYLES:
        yield whatsapp(style)
    yield whatsapp_zip("whatsapp-zip-ios", "_chat.txt")
    yield whatsapp_zip("whatsapp-zip-android", "WhatsApp Chat with Ana.txt")
    yield from map(whatsapp_tongue, _TONGUES)
    yield whatsapp_decided()
    yield whatsapp_mixed()
    yield signal()
    yield irc()
