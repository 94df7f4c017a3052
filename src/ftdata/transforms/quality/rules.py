"""The table of the rules, in the order in which they decide."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from ftdata.stages import Example
from ftdata.transforms.placeholders import count
from ftdata.transforms.quality import answers, damage, leftovers, loops, mojibake, talk
from ftdata.transforms.quality.rule import NOTHING, Found, Rule, View, among


def _odd(check: Callable[[str], bool]) -> Callable[[View], Found]:
    """Look for something among the texts that hold any odd character."""

    def find(view: View) -> Found:
        texts, rows = view.odd
        found: Found = rows[np.fromiter(map(check, texts.to_list()), dtype=bool, count=len(texts))]
        return found

    return find


def _texts(pattern: str, check: Callable[[str], bool]) -> Callable[[View], Found]:
    """Look for something in all texts: a pattern first, then the check."""

    def find(view: View) -> Found:
        return _confirmed(view, view.texts.text.str.contains(pattern), check)

    return find


def _confirmed(view: View, mask: pl.Series, check: Callable[[str], bool]) -> Found:
    at = np.flatnonzero(mask.to_numpy())
    if not len(at):
        return NOTHING
    told = np.fromiter(map(check, view.texts.text.gather(at).to_list()), dtype=bool, count=len(at))
    found: Found = view.texts.row.to_numpy()[at[told]].astype(np.int64)
    return found


_FILLED = (
    r"""(?m)\$\{[^{}\n]{0,40}\}\$|\[Enter [A-Z]{2,}"""
    r"""|^.*(?:\b[fs]r?["']|println|print\(|console\.log|\.format\(|printf).*$"""
)


def _placeholders(view: View) -> Found:
    messages = view.messages.filter(~view.messages["role"].is_in(("tool", "function")).fill_null(False))
    likely = messages.filter(messages["said"].str.contains(r"[{<\[%]").fill_null(False))
    if not likely.height:
        return NOTHING
    # Code without its fence: strings that a program fills, and mathematics; a direction on a stage.
    bare = likely["said"].str.replace_all(_FILLED, " ")
    found = sum(count(bare).values(), np.zeros(likely.height, dtype=np.int64))
    return likely["row"].to_numpy()[found > 0]


def _mangled(view: View) -> Found:
    texts = view.texts.text
    # Mojibake is never ASCII; the pattern of the library is wide.
    wide = np.flatnonzero((texts.str.len_bytes() != texts.str.len_chars()).to_numpy())
    if not len(wide):
        return NOTHING
    mask = np.zeros(len(texts), dtype=bool)
    mask[wide] = texts.gather(wide).str.contains(mojibake.suspect()).to_numpy()
    return _confirmed(view, pl.Series(mask), mojibake.mangled)


def _without_controls(text: str) -> str | None:
    """Take control characters out; None where they are bytes of mojibake, which this would put past repair."""
    return None if damage.of_c1(text) and mojibake.mangled(text) else damage.without_controls(text)


def _loops(view: View) -> Found:
    return among(view.answers, loops.suspects(view.answers["said"]), loops.loops)


def _shouts(view: View) -> Found:
    return among(view.answers, view.answers["said"].str.contains(r"\p{Lu}{2}").fill_null(False), answers.shouts)


RULES: tuple[Rule, ...] = (
    Rule(
        "unfilled-placeholder",
        "a placeholder that nobody filled in, as the step `placeholders` finds it",
        _placeholders,
        Example("A placeholder is left in an answer.", (("Where is it?", "Hello {name}, it left today."),)),
    ),
    Rule(
        "mojibake",
        "UTF-8 that was read in another encoding, once or several times",
        _mangled,
        Example(
            "What leads back to one text is repaired; where a byte was lost the row is flagged.",
            (
                ("VocÃª abre aos sÃ¡bados?", "Sim, atÃ© as 18h. Itâ€™s open."),
                ("¿Abre los sábados?", "SÃ\u00ad, de 9 a 18."),
                ("Ouvert ?", "Oui, jusqu'Ã 18h, prÃ¨s de la gare."),
            ),
            {"mojibake": "repair"},
        ),
        source="ftfy.badness (ftfy 6); repaired only if encoding again gives what stood there",
        suspect="mojibake",
        mend=mojibake.mended,
    ),
    Rule(
        "replacement-character",
        "U+FFFD, which stands where a character was lost",
        _odd(lambda text: "\ufffd" in text),
        Example("A letter was lost.", (("Onde fica?", "Na S\ufffdo Jo\ufffdo, 10."),)),
    ),
    Rule(
        "control-character",
        "control characters but white space, terminal sequences, non-characters",
        _odd(damage.controlled),
        Example(
            "Terminal colours are taken out.",
            (("It fails", "It says \x1b[31merror\x1b[0m: type it\x92s name."),),
            {"control_character": "repair"},
        ),
        source="ISO/IEC 6429, ECMA-48; Unicode 23.7; `repair` reads C1 as Windows-1252 does (WHATWG, Encoding)",
        suspect="odd",
        mend=_without_controls,
    ),
    Rule(
        "invisible",
        "zero-width characters, soft hyphens, tags, fillers, lone direction marks; not the joiners that scripts need",
        _odd(damage.hidden),
        Example(
            "Zero-width characters go, the joiners of an emoji and of Persian stay.",
            (("Where?", "At exam\u200bple.com \U0001f468\u200d\U0001f4bb"), ("کجا؟", "می\u200cشود\u200b.")),
            {"invisible": "repair"},
        ),
        source="Unicode 9.2, 12.1, 23.2; Unicode Technical Standard 51 for emoji",
        suspect="odd",
        mend=damage.without_hidden,
    ),
    Rule(
        "bidi",
        "direction controls that show a text in another order than it has",
        _odd(damage.reordered),
        Example(
            "An override shows a file name backwards.",
            (("Which file?", "Open invoice\u202efdp.exe"),),
            {"bidi": "repair"},
        ),
        source="Boucher and Anderson 2021, Trojan Source (CVE-2021-42574); Unicode Standard Annex 9",
        suspect="odd",
        mend=damage.without_reordering,
    ),
    Rule(
        "control-token",
        "a control token of a chat template, such as `<|im_end|>`, outside of code; a `<think>` without its end",
        _texts(leftovers.TOKENS, leftovers.tokens),
        Example("A template's token is left behind.", (("Oi", "Olá, como posso ajudar?<|im_end|>"),)),
        source="the templates that the reader `rendered-text` knows",
    ),
    Rule(
        "encoded-blob",
        "a file in base64, 152 characters or more",
        _texts(leftovers.BLOB, leftovers.blob),
        Example("A picture is left in an answer.", (("Send it", "JVBERi0xLjQKJeLjz9MKMSAwIG9iago8PC9UeXBlL0N" * 5),)),
        source="two lines of MIME's base64 (RFC 2045: 76 characters each)",
    ),
    Rule(
        "markup",
        "HTML outside of code: three tags or three `&nbsp;`",
        _texts(leftovers.MARKUP, leftovers.markup),
        Example(
            "HTML is left in an answer.",
            (("Where?", "<p>Hello,</p><p>it left today.</p>"),),
            {"markup": "warn"},
        ),
        default="off",
    ),
    Rule(
        "empty-answer",
        "an answer of punctuation only, or `N/A`, `null`, `None`, `sem resposta` where nobody asked for such a word",
        answers.empty,
        Example(
            "`N/A` is no answer, unless it was asked for.",
            (("Where is it?", "N/A"), ("Give the colour, or N/A.", "N/A")),
        ),
    ),
    Rule(
        "cut-answer",
        "an answer with an open code block; a last one that ends in `the`, a comma, an open bracket, a bare list sign",
        answers.cut,
        Example(
            "An answer stops in the middle.", (("Como troco?", "Abra as configurações e depois clique no botão da"),)
        ),
        source="CommonMark 0.31, 4.5 for code blocks; words that end no sentence, in English, Portuguese, Spanish",
    ),
    Rule(
        "loop",
        "an answer that says one thing over and over",
        _loops,
        Example("An answer loops.", (("¿Dónde está?", "Está en camino. " * 9),)),
        source="the repetitions of Rae et al. 2021 (Gopher), table A1, made for pages of 50 words and more: duplicate "
        "lines 0.30 there, 0.50 of six lines here; n-grams here count only back to back, four times, 0.30 of the text",
    ),
    Rule(
        "echo",
        "an answer that repeats the user's message and says no more",
        answers.echo,
        Example("An answer repeats the question.", (("How do I change my plan?", "how do I change my plan"),)),
    ),
    Rule(
        "system-as-answer",
        "an answer that is the system message",
        answers.as_system,
        Example(
            "The system message was taken for the answer.",
            ((("system", "Answer briefly and kindly."), ("user", "Hi"), ("assistant", "Answer briefly and kindly.")),),
        ),
    ),
    Rule(
        "refusal",
        "a language model's canned refusal; not that of a person, who says what is refused",
        talk.refusal,
        Example(
            "A model's refusal, and a person's.",
            (
                ("Cancel it", "As an AI language model, I cannot do that."),
                ("Cancele", "Desculpe, mas não posso ajudar com isso."),
                ("Devolución", "Lo siento, no podemos cambiar productos usados."),
            ),
        ),
        source="phrases/refusal.toml",
    ),
    Rule(
        "only-thanks",
        "a conversation in which the assistant only thanks, greets or agrees",
        talk.only_thanks,
        Example("Nothing was answered.", (("Valeu!", "De nada, tenha um ótimo dia!"), ("It works", "Great, thanks!"))),
        source="phrases/courtesy.toml",
    ),
    Rule(
        "auto-closed",
        "a notice that the ticket was closed because nobody answered",
        talk.auto_closed,
        Example("A program closed the ticket.", (("Ajuda!", "Este chamado foi encerrado automaticamente."),)),
        source="phrases/auto-closed.toml",
    ),
    Rule(
        "auto-reply",
        "a reply of a program: out of office, do not reply, we have received your request",
        talk.auto_reply,
        Example("A program replied.", (("Hola", "Respuesta automática: estoy fuera de la oficina."),)),
        source="phrases/auto-reply.toml",
    ),
    Rule(
        "thanks-ending",
        "a conversation that ends with thanks and a courtesy, after an answer",
        talk.thanks_ending,
        Example(
            "The last two turns say nothing.",
            (("Where is it?", "It left today.", "Thanks!", "You're welcome!"),),
            {"thanks_ending": "warn"},
        ),
        default="off",
        source="phrases/courtesy.toml",
    ),
    Rule(
        "deferral",
        "an answer that only points elsewhere: see above, check your DM",
        talk.deferral,
        Example("Nothing is said here.", (("How?", "Please check your DM."),), {"deferral": "warn"}),
        default="off",
        source="phrases/deferral.toml",
    ),
    Rule(
        "shouting",
        "an answer in capitals: five words and thirty letters at least, seven tenths of them",
        _shouts,
        Example(
            "An answer is written in capitals.",
            (("Onde está?", "SEU PEDIDO SAIU HOJE DO NOSSO CENTRO DE DISTRIBUIÇÃO"),),
            {"shouting": "warn"},
        ),
        default="off",
    ),
)
