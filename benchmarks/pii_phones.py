"""Measure how many phone numbers `pii` finds, by country and by form of writing, on generated texts.

    python benchmarks/pii_phones.py                     # the held-out half: other sentences, other seeds
    python benchmarks/pii_phones.py --half tune         # the half that the rules were tuned on
    python benchmarks/pii_phones.py --half tune --misses 40

A phone is found if the hits of `phone` cover all its digits (an extension may stay), and as wrong where a hit of
`phone` touches none. Plans and forms are written by hand from the countries' numbering plans, not taken from the
library under test. Each number stands in a sentence with a word for a phone (`cue`), far from one (`far`), or without
(`none`: only forms that say what they are, never bare digits).
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple


class Plan(NamedTuple):
    code: str
    trunk: str
    languages: str
    lines: tuple[tuple[str, str], ...]
    """Parts of the national number (d: any digit; {…}: choices) and how it is written at home; `A` … its parts."""


def _plan(code: str, trunk: str, languages: str, *lines: str) -> Plan:
    return Plan(code, trunk, languages, tuple((one, two) for one, _, two in (line.partition(" : ") for line in lines)))


PLANS: dict[str, Plan] = {
    "BR": _plan(
        "55",
        "0",
        "pt",
        "{11,21,31,41,51,61,71,81,85,92,19,27,48,62}|9{6-9}ddd|dddd : (A) B-C;A B-C;A B C;(0A) B-C;0A "
        "B-C;(A)B-C;A-B-C;ABC;"
        "A.B.C;(A) B C;A - B-C",
        "{11,21,31,41,51,61,71,81,85,92,19,27,48,62}|{2,3,4}ddd|dddd : (A) B-C;A B-C;A B C;(A)B-C;A-B-C;A.B.C;ABC",
        "{11,21,31,47}|9|{6-9}ddd|dddd : (A) B C-D;A B C D;(A) B C D;A B C-D;(A) B.C-D;A B.C.D;(A) B-C-D",
        "{800,300}|ddd|dddd : 0A B C;0A-B-C;0A-BC;0A BC",
        "400{3,4}|dddd : A-B;A B",
    ),
    "PT": _plan(
        "351",
        "",
        "pt",
        "9{1,2,3,6}d|ddd|ddd : A B C;ABC;A-B-C;A.B.C",
        "2{1,2}|ddd|dddd : A B C",
        "2{1,2}d|ddd|ddd : A B C",
    ),
    "ES": _plan(
        "34",
        "",
        "es",
        "{6,7}dd|ddd|ddd : A B C;ABC;A-B-C;A.B.C",
        "6dd|dd|dd|dd : A B C D;A-B-C-D;A.B.C.D",
        "9{1,3,5}|ddd|dd|dd : A B C D;A-B-C-D;A B-C-D",
        "9{1,3,5}d|dd|dd|dd : A B C D;A-B-C-D",
        "90{0,2}|ddd|ddd : A B C",
    ),
    "MX": _plan(
        "52",
        "",
        "es",
        "{55,33,81,56}|{1-8}ddd|dddd : A B C;(A) B C;(A) B-C;A-B-C;ABC;A.B.C",
        "{222,442,664,998}|{1-3}dd|dddd : A B C;(A) B-C;A-B-C",
        "{222,442,664}|{1-3}dd|dd|dd : A B C D;(A) B C D;(A) B-C-D",
    ),
    "AR": _plan(
        "54",
        "0",
        "es",
        "11|{3-6}ddd|dddd : (0A) B-C;0A B-C;A B-C;(A) B-C;A-B-C;0A-B-C;0A-15-B-C;(0A) 15-B-C;A 15 B-C",
        "{351,341,261}|{4-6}dd|dddd : (0A) B-C;0A-B-C;A B-C;0A 15 B-C",
    ),
    "CL": _plan("56", "", "es", "9|{5-9}ddd|dddd : A B C;ABC;A-B-C;(A) B C;A BC", "2|2ddd|dddd : A B C;(A) B C"),
    "CO": _plan(
        "57", "", "es", "3{00,10,15,20}|ddd|dddd : A B C;ABC;A-B-C;(A) B C;A BC", "60{1,4}|{2-8}dd|dddd : (A) B C;A B C"
    ),
    "PE": _plan("51", "0", "es", "9dd|ddd|ddd : A B C;ABC;A-B-C", "1|{2-7}dd|dddd : (0A) B-C;(0A) B C;0A B C"),
    "UY": _plan("598", "0", "es", "9{4,8,9}|ddd|ddd : 0A B C;0ABC;0A-B-C", "2|{2-9}dd|dd|dd : AB C D;(A) B C D"),
    "EC": _plan("593", "0", "es", "9{8,9}|ddd|dddd : 0A B C;0ABC;0A-B-C", "2|{2-3}dd|dddd : (0A) B-C;0A B C"),
    "VE": _plan("58", "0", "es", "4{12,14,16,24}|ddd|dddd : 0A-BC;0A BC;0A-B-C;(0A) B-C;0A.B.C;0ABC"),
    "BO": _plan("591", "", "es", "{6,7}ddd|dddd : A B;AB;A-B"),
    "PY": _plan("595", "0", "es", "9{71,81,91}|ddd|ddd : 0A B C;(0A) B C;0A-B-C;0ABC"),
    "CR": _plan("506", "", "es", "{6,7,8}ddd|dddd : A-B;A B;AB"),
    "GT": _plan("502", "", "es", "{3,4,5}ddd|dddd : A-B;A B;AB"),
    "PA": _plan("507", "", "es", "6ddd|dddd : A-B;A B;AB"),
    "DO": _plan("1", "", "es", "8{0,2,4}9|{2-9}dd|dddd : (A) B-C;A-B-C;A B C;ABC"),
    "US": _plan(
        "1",
        "",
        "en",
        "{212,415,305,617,312,206,713,404,602,503}|{2-9}{0,2-9}d|dddd : (A) B-C;A-B-C;A.B.C;A B "
        "C;ABC;1-A-B-C;(A)B-C;A/B-C;"
        "(A) B.C;1 (A) B-C;1.A.B.C;(A)-B-C;1 A B C;A B-C",
        "555|{0,1,2,5}dd|dddd : (A) B-C;A-B-C;A.B.C;A B-C;1-A-B-C;001-A-B-C",
        "{2-9}{0-8}d|{2-9}dd|dddd : (A)B-C;A-B-C;A.B.C;001-A-B-C;(A) B-C",
        "8{00,88,77,66}|{2-9}dd|dddd : 1-A-B-C;(A) B-C;A-B-C;A.B.C",
    ),
    "CA": _plan(
        "1", "", "en fr", "{416,514,604,403,418}|{2-9}{0,2-9}d|dddd : (A) B-C;A-B-C;A.B.C;A B C;A B-C;1 A B-C;ABC"
    ),
    "GB": _plan(
        "44",
        "0",
        "en",
        "7{4,5,7,8,9}dd|ddd|ddd : 0A BC;0ABC;0A B C;0A-B-C;0A-BC",
        "20|{3,7,8}ddd|dddd : 0A B C;(0A) B C;0A-B-C",
        "{113,114,115,116,117,118,121,131,141,151,161}|496|0ddd : 0A B C;(0A) B C;(0A)B-C;(0A) B-C;(0A)BC",
        "1{223,273,904,872}|{2-9}ddddd : 0A B;(0A) B;0A-B",
        "1{223,273,904,872}|{2-9}dd|ddd : 0A B C;(0A) B C",
        "{808,113}|1570|ddd : 0A B C;(0A) B C",
    ),
    "IE": _plan(
        "353", "0", "en", "8{3,5,6,7}|ddd|dddd : 0A B C;0ABC;0A-B-C;0A-BC", "1|{2-8}dd|dddd : (0A) B C;0A B C;0A-B-C"
    ),
    "AU": _plan(
        "61",
        "0",
        "en",
        "4dd|ddd|ddd : 0A B C;0ABC;0A-B-C;0A.B.C",
        "{2,3,7,8}|{5-9}ddd|dddd : (0A) B C;0A B C;(0A)BC;0A-B-C;(0A) B-C",
        "1{800,300}|ddd|ddd : A B C",
    ),
    "NZ": _plan(
        "64",
        "0",
        "en",
        "2{1,2,7}|{2-9}dd|dddd : 0A B C;0A-B-C;0A BC;0ABC",
        "{3,4,9}|{3-9}dd|dddd : (0A) B C;0A B C;0A-B-C",
    ),
    "ZA": _plan("27", "0", "en", "{82,83,72,61,11,21}|ddd|dddd : 0A B C;0ABC;(0A) B C;0A-B-C;(0A) B-C"),
    "IN": _plan(
        "91",
        "0",
        "en",
        "{9,8,7}dddd|ddddd : A B;AB;0A B;A-B;0AB",
        "{11,22,80,44}|{2-6}ddd|dddd : 0A B C;0A-BC;(0A) B C;0A-B-C",
    ),
    "SG": _plan("65", "", "en", "{8,9,6}ddd|dddd : A B;AB;A-B"),
    "HK": _plan("852", "", "en", "{5,6,9}ddd|dddd : A B;AB;A-B"),
    "MY": _plan("60", "0", "en", "1{2,3,6,7}|{2-9}dd|dddd : 0A-B C;0A-BC;0A B C;0ABC"),
    "PH": _plan("63", "0", "en", "9{17,18,05}|ddd|dddd : 0A B C;0ABC;0A-B-C;(0A) B C"),
    "NG": _plan("234", "0", "en", "8{03,06,05}|ddd|dddd : 0A B C;0ABC;0A-B-C"),
    "KE": _plan("254", "0", "en", "7{12,22,33}|ddd|ddd : 0A B C;0ABC;0A-B-C"),
    "JP": _plan(
        "81", "0", "en", "{90,80,70}|{1-9}ddd|dddd : 0A-B-C;0A B C;0ABC", "{3,6}|{3-6}ddd|dddd : 0A-B-C;(0A) B-C;0A B C"
    ),
    "KR": _plan("82", "0", "en", "10|{2-9}ddd|dddd : 0A-B-C;0A B C;0A.B.C"),
    "AE": _plan("971", "0", "en", "5{0,2,5}|ddd|dddd : 0A B C;0A-B-C;0ABC"),
    "IL": _plan("972", "0", "en", "5{0,2,4}|{2-9}dd|dddd : 0A-B-C;0A-BC;0A B C"),
    "FR": _plan(
        "33", "0", "fr", "{6,7,1,4,5,9}|dd|dd|dd|dd : 0A B C D E;0A.B.C.D.E;0A-B-C-D-E;0ABCDE;0A/B/C/D/E;(0A) B C D E"
    ),
    "BE": _plan(
        "32",
        "0",
        "fr nl",
        "4{7,8,9}d|dd|dd|dd : 0A B C D;0A/B.C.D;0A/B C D;0ABCD;0A.B.C.D",
        "2|{2-7}dd|dd|dd : 0A B C D;0A/B.C.D;(0A) B C D",
    ),
    "CH": _plan(
        "41",
        "0",
        "de fr it",
        "7{6,8,9}|ddd|dd|dd : 0A B C D;0ABCD;0A/B C D;0A-B-C-D",
        "{44,22,31}|{2-9}dd|dd|dd : 0A B C D;(0A) B C D",
    ),
    "LU": _plan("352", "", "fr de", "6{2,6,9}1|ddd|ddd : A B C;ABC;A-B-C"),
    "DE": _plan(
        "49",
        "0",
        "de",
        "{151,160,170,171,172,175,176}|dddd|ddd : 0A BC;0A/BC;0A-BC;0A B C;0ABC;(0A) BC;0A / BC;0A/B C",
        "{30,89,40,69}|{2-9}ddd|dddd : 0A BC;0A/BC;(0A) BC;0A-BC;0A B C;0A / B C;0A - BC",
        "{6221,7071,8321}|{2-9}ddd|dd : 0A BC;0A/BC;(0A) BC;0A-B-C;0A / BC-0",
        "{221,341,911}|{2-9}dd|dd|dd : 0A B C D;0A/B C D;(0A) B C D;0A/B-C-D",
    ),
    "AT": _plan(
        "43",
        "0",
        "de",
        "6{64,60,76,99}|{1-9}dd|dddd : 0A BC;0A/BC;0A B C;0ABC",
        "1|{2-8}dd|dd|dd : 0A B C D;(0A) B C D;0A/B C D",
    ),
    "IT": _plan(
        "39",
        "",
        "it",
        "3{28,33,47,20,39}|ddd|dddd : A BC;A B C;ABC;A/BC;A-BC;A.B.C",
        "0{2,6}|{2-8}ddd|dddd : A BC;A B C;A/BC;(A) BC;A-BC",
        "0{51,11,81}|{2-8}dd|dddd : A BC;A B C;A/BC;A-BC",
    ),
    "NL": _plan(
        "31",
        "0",
        "nl",
        "6|{1-5}ddd|dddd : 0A-BC;0A BC;0ABC;0A B C",
        "{20,10,30}|{2-7}dd|dddd : 0A-BC;0A BC;0A B C;(0A) BC;(0A) B C",
    ),
    "DK": _plan("45", "", "en", "{2,3,4,5}d|dd|dd|dd : A B C D;AB CD;ABCD"),
    "SE": _plan(
        "46", "0", "en", "7{0,2,3,6}|ddd|dd|dd : 0A-B C D;0A B C D;0A-BCD;0ABCD", "8|{4-7}dd|ddd|dd : 0A-B C D"
    ),
    "NO": _plan("47", "", "en", "{4,9}dd|dd|ddd : A B C;ABC", "2{1,2,3}|dd|dd|dd : A B C D"),
    "FI": _plan("358", "0", "en", "4{0,1,4,5}|ddd|dddd : 0A B C;0A-BC;0A BC;0ABC"),
    "PL": _plan(
        "48",
        "",
        "en",
        "{5,6,7}{01,03,12}|ddd|ddd : A B C;A-B-C;ABC",
        "{22,12,61}|{2-8}dd|dd|dd : A B C D;(A) B C D;(A) B-C-D",
    ),
    "CZ": _plan("420", "", "en", "{60,72,77}{3,4,7}|ddd|ddd : A B C;ABC;A-B-C"),
    "HU": _plan("36", "06", "en", "{20,30,70}|ddd|dddd : 0A B C;0A/B-C;0A-B-C"),
    "RO": _plan("40", "0", "en", "7{21,44,62}|ddd|ddd : 0A B C;0ABC;0A.B.C;0A-B-C"),
    "GR": _plan("30", "", "en", "69{4,7}|ddd|dddd : A B C;ABC;AB C", "210|{2-9}dd|dddd : A B C;A BC"),
    "TR": _plan("90", "0", "en", "5{32,42,55}|ddd|dd|dd : 0A B C D;(0A) B C D;0ABCD"),
    "RU": _plan("7", "8", "en", "9{03,16,26}|ddd|dd|dd : 8 (A) B-C-D;8 A B-C-D;8-A-B-C-D;8ABCD;8 A B C D"),
    "UA": _plan("380", "0", "en", "{50,67,63,95}|ddd|dd|dd : 0A B C D;(0A) B C D;(0A) B-C-D;0ABCD"),
    "MA": _plan("212", "0", "fr", "6{61,12}|dd|dd|dd : 0A-BCD;0A B C D;0A-B-C-D;0ABCD"),
}

# Where the number stands is {}; `far`: the word stands apart; `none`: no word.
SAID: dict[str, dict[str, tuple[str, ...]]] = {
    "pt": {
        "cue": (
            "Meu telefone é {}.",
            "cel {}",
            "Segue meu whats: {}",
            "Podem me ligar no {} depois do almoço?",
            "Telefone para contato - {}",
            "meu número é {}, obrigada",
            "Nome: Rita\nFone: {}\nBairro: Centro",
            "me chama no zap {} por favor",
            "o celular do meu marido é o {}",
            "Tel/WhatsApp {}",
            "contato {} falar com Bia",
            "Anota aí meu novo telemóvel: {}",
            "liguem para o {}",
            "Telefone(s): {}",
            "tel.: {} (recado)",
            "recebi uma ligação do {} dizendo ser do banco",
            "Qual o seu telefone? {}",
            "quero trocar o telefone cadastrado para {}",
            "Pode mandar mensagem no {}",
            "número de telefone cadastrado: {}",
            "WhatsApp Business {}",
            "{} é meu celular",
            "{} (celular)",
            "Celular com DDD: {}",
        ),
        "far": (
            "Se alguém puder me ligar amanhã cedo, o número que eu uso agora é {}, porque o outro perdi.",
            "Preciso atualizar o telefone do cadastro, o antigo não existe mais, agora uso {}",
            "Me liguem por favor, estou sem acesso ao e-mail: {}",
            "Falei no WhatsApp e ninguém respondeu, o meu é {}",
        ),
        "none": (
            "{}",
            "Att,\nJoana Prado\n{}",
            "Obrigado! Pedro - {}",
            "Pode ser no {} mesmo.",
            "Sou a Lia do financeiro, {}, aguardo.",
            "Loja Centro: {} / Loja Sul: a confirmar",
            "Maria Souza, {}",
            "Estou no {} até as 18h.",
        ),
    },
    "es": {
        "cue": (
            "Mi teléfono es {}.",
            "cel {}",
            "Mi número de contacto es {}, gracias",
            "¿Me pueden llamar al {}?",
            "Tel: {}",
            "Mi WhatsApp es {}",
            "Nombre: Eva\nTeléfono: {}\nCiudad: Lima",
            "móvil {} por las tardes",
            "pueden marcarme al {}",
            "Escríbame por WhatsApp al {}",
            "teléfono de contacto: {}",
            "el celular de mi esposa es {}",
            "cambiar el teléfono registrado por {}",
            "Me llegó un SMS del {}",
            "el número {} no deja de llamarme",
            "Llamar a {} en horario de oficina",
            "Teléfono fijo {}",
            "{} es mi número",
            "{} (móvil)",
            "Fono {}",
        ),
        "far": (
            "Necesito que alguien me llame mañana, pueden usar este número nuevo que tengo: {}",
            "Quiero actualizar el teléfono de mi cuenta, ahora uso {}",
            "Llámenme por favor, que no tengo correo: {}",
            "Les dejo un móvil por si acaso, es de mi hermana, {}",
        ),
        "none": (
            "{}",
            "Saludos,\nMarta Ruiz\n{}",
            "Gracias. Pablo - {}",
            "Estoy en el {} todo el día.",
            "Puede ser al {} también.",
            "Soy Inés, {}, espero respuesta.",
        ),
    },
    "en": {
        "cue": (
            "My phone number is {}.",
            "cell {}",
            "You can call me on {} after six",
            "Please ring {} and ask for Jo",
            "Tel: {}",
            "WhatsApp: {}",
            "Name: Kim\nPhone: {}\nCity: Leeds",
            "text me at {}",
            "my mobile's {}",
            "Contact number - {}",
            "give me a call at {}",
            "the mobile on the account should be {}",
            "change my phone on file to {}",
            "I got a call from {} asking for my card",
            "her number is {}, not mine",
            "reach our office: {}",
            "Fax {}",
            "phone no. {}",
            "{} is my cell",
            "{} (mobile)",
            "My number's changed to {}",
            "Can someone phone me back on {}?",
            "Direct line {}",
            "Daytime phone: {}",
            "P: {}",
            "T {}",
            "M: {}",
            "toll free {}",
            "hotline {}",
        ),
        "far": (
            "Could somebody please call me tomorrow morning before the courier comes, {} works best.",
            "I would like to update the phone on my account because I lost the old one, use {}",
            "Nobody picked up when I rang support, call back please: {}",
            "Text is better than mail for me these days, {}",
        ),
        "none": (
            "{}",
            "Best regards,\nAnn Lee\n{}",
            "Thanks! Sam - {}",
            "I'm on {} all day.",
            "You could also try {}.",
            "This is Joe, {}, waiting for an answer.",
            "It's {} if you need anything.",
            "Ann Lee | Sales | {}",
        ),
    },
    "fr": {
        "cue": (
            "Mon numéro est le {}.",
            "Tél : {}",
            "Appelez-moi au {} svp",
            "mon portable : {}",
            "Vous pouvez me joindre au {}",
            "Téléphone {}",
            "numéro de téléphone : {}",
            "merci de me rappeler au {}",
            "Mobile {}",
            "par WhatsApp au {}",
        ),
        "far": (
            "Merci de me téléphoner demain matin avant dix heures, c'est le {}",
            "J'ai changé de numéro de portable, le nouveau : {}",
        ),
        "none": ("{}", "Cordialement,\nLuc Petit\n{}", "Bonne journée. Anne - {}", "Essayez le {}."),
    },
    "de": {
        "cue": (
            "Meine Telefonnummer ist {}.",
            "Tel.: {}",
            "Rufen Sie mich bitte unter {} an",
            "Handy {}",
            "Sie erreichen mich unter {}",
            "Mobil: {}",
            "meine Handynummer lautet {}",
            "Telefon {} (tagsüber)",
            "Rückruf erbeten: {}",
            "Festnetz {}",
        ),
        "far": (
            "Bitte rufen Sie mich morgen Vormittag zurück, am besten auf {}",
            "Meine Handynummer hat sich geändert, neu ist {}",
        ),
        "none": ("{}", "Viele Grüße\nEva Klein\n{}", "Danke! Jan - {}", "Versuchen Sie es mit {}."),
    },
    "it": {
        "cue": (
            "Il mio numero è {}.",
            "Tel. {}",
            "Chiamatemi al {} per favore",
            "cellulare: {}",
            "telefono {}",
            "il mio cell è {}",
            "mi potete contattare al {}",
            "numero di telefono: {}",
        ),
        "far": ("Vorrei essere chiamato domani mattina, se possibile al {}", "Ho cambiato cellulare, adesso uso {}"),
        "none": ("{}", "Cordiali saluti,\nIda Neri\n{}", "Grazie. Ugo - {}", "Si può provare al {}."),
    },
    "nl": {
        "cue": ("Mijn telefoonnummer is {}.", "Tel: {}", "bel mij op {}", "mobiel {}", "06-nummer: {}", "Telefoon: {}"),
        "far": ("Kunt u mij morgen terugbellen, het liefst op {}", "Ik heb een nieuw nummer, bel me op het nieuwe: {}"),
        "none": ("{}", "Groeten,\nJan Bos\n{}", "Bedankt! Eva - {}", "Probeer {}."),
    },
}
EXTENSION = {
    "pt": (" ramal {}", " r. {}", " ramal: {}", ", ramal {}"),
    "es": (" ext. {}", " int. {}", " interno {}", " extensión {}", " anexo {}"),
    "en": (" ext. {}", " x{}", "x{}", " ext {}", " extension {}", ", ext. {}", " #{}"),
    "fr": (" poste {}", " p. {}"),
    "de": (" Durchwahl {}", " DW {}"),
    "it": (" int. {}", " interno {}"),
    "nl": (" toestel {}",),
}
BEHIND = {  # something numbered in the next sentence, which is no phone
    "pt": ("Pedido {}.", "O protocolo é {}", "NF {}"),
    "es": ("Pedido {}.", "La factura es la {}", "Ref. {}"),
    "en": ("Order {}.", "The ticket is {}", "Ref. {}"),
    "fr": ("Commande {}.", "Facture {}"),
    "de": ("Bestellung {}.", "Rechnung {}"),
    "it": ("Ordine {}.", "Fattura {}"),
    "nl": ("Order {}.", "Factuur {}"),
}


def fill(rng: random.Random, shape: str) -> str:
    """Make the digits of a shape."""
    out, at = "", 0
    while at < len(shape):
        if shape[at] == "{":
            end = shape.index("}", at)
            choices = list[str]()
            for choice in shape[at + 1 : end].split(","):
                low, dash, high = choice.partition("-")
                choices += [str(n) for n in range(int(low), int(high) + 1)] if dash else [choice]
            out += rng.choice(choices)
            at = end
        else:
            out += rng.choice("0123456789") if shape[at] == "d" else shape[at]
        at += 1
    return out


class Phone(NamedTuple):
    written: str
    form: str
    cued: bool
    """Whether it needs a word near: bare digits, few of them, or groups that nobody would know."""


def _chunks(rng: random.Random, digits: str) -> list[str]:
    out = list[str]()
    while digits:
        size = rng.choice((2, 2, 3, 3, 4))
        if 0 < len(digits) - size < 2:
            size = len(digits)
        out.append(digits[:size])
        digits = digits[size:]
    return out


def write(rng: random.Random, country: str) -> Phone:
    """Make a number of a country and write it in some form."""
    plan = PLANS[country]
    shape, homes = rng.choice(plan.lines)
    parts = [fill(rng, part) for part in shape.split("|")]
    home = rng.choice(homes.split(";"))
    at_home = "".join(dict(zip("ABCDE", parts, strict=False)).get(char, char) for char in home)
    national, code = "".join(parts), plan.code
    mobile_ar = "9 " if country == "AR" and rng.random() < 0.6 else ""
    abroad = f"{mobile_ar}{' '.join(parts)}" if code != "39" else " ".join(parts)
    solid = abroad.replace(" ", "")
    short = home.strip("0123456789.-/() ") in ("", "A") or len(national) < 8
    form = rng.choice(
        ("home",) * 6
        + (
            "extension",
            "plus",
            "plus",
            "plus-solid",
            "plus-dash",
            "plus-paren",
            "plus-dots",
            "plus-zero",
            "00",
            "00-solid",
        )
        + ("code", "code-solid", "chunks", "link", "local", "dash-space", "unicode")
    )
    digits_only = at_home.isdigit()
    if form == "home" or (short and form in ("local",)):
        name = "home-solid" if digits_only else "home"
        return Phone(
            at_home,
            name,
            digits_only or len(national) < 9 or (at_home.replace("-", "").isdigit() and len(national) < 10),
        )
    if form == "extension":
        return Phone(at_home, form, digits_only or len(national) < 9)
    if form == "plus":
        return Phone(f"+{code} {abroad}", form, False)
    if form == "plus-solid":
        return Phone(f"+{code}{solid}", form, False)
    if form == "plus-dash":
        return Phone(f"+{code}-{abroad.replace(' ', '-')}", form, False)
    if form == "plus-dots":
        return Phone(f"+{code}.{abroad.replace(' ', '.')}", form, False)
    if form == "plus-paren":
        return Phone(rng.choice((f"(+{code}) {abroad}", f"+{code} ({parts[0]}) {'-'.join(parts[1:])}")), form, False)
    if form == "plus-zero":
        if plan.trunk != "0":
            return Phone(f"+{code} {abroad}", "plus", False)
        return Phone(rng.choice((f"+{code} (0){abroad}", f"+{code} (0) {abroad}", f"+{code}(0){abroad}")), form, False)
    if form == "00":
        return Phone(
            rng.choice((f"00{code} {abroad}", f"00 {code} {abroad}", f"00{code}-{abroad.replace(' ', '-')}")),
            form,
            False,
        )
    if form == "00-solid":
        return Phone(f"00{code}{solid}", form, True)
    if form == "code":
        return Phone(f"{code} {abroad}", form, True)
    if form == "code-solid":
        return Phone(f"{code}{solid}", form, True)
    if form == "chunks":
        joint = rng.choice((" ", ".", "-"))
        return Phone(joint.join(_chunks(rng, (plan.trunk + national) if plan.trunk == "0" else national)), form, True)
    if form == "link":
        link = rng.choice(
            (
                "https://wa.me/{}",
                "wa.me/{}",
                "tel:+{}",
                "https://api.whatsapp.com/send?phone={}",
                "wa.me/+{}",
                "whatsapp://send?phone={}",
            )
        )
        return Phone(link.format(code + solid), form, False)
    if form == "local":
        rest = parts[1:] if len(parts) > 2 and len("".join(parts[1:])) >= 7 else parts
        joint = rng.choice(("-", " ", ""))
        return Phone(joint.join(rest) if len(rest) < 4 else " ".join(rest), form, True)
    if form == "dash-space":
        return Phone(
            at_home.replace("-", " - ") if "-" in at_home else f"+{code} - {abroad}",
            form,
            "-" in at_home and len(national) < 10,
        )
    odd = {" ": "\u00a0", "-": rng.choice("\u2010\u2011\u2013\u2212")}
    return Phone("".join(odd.get(char, char) for char in f"+{code} {'-'.join(parts)}"), form, False)


def spoken(rng: random.Random) -> tuple[str, str]:
    """Give a number split over words, as Portuguese and Spanish speakers do, and the sentence with it."""
    area, rest = rng.choice(("11", "21", "31", "85")), f"9{rng.choice('6789')}{fill(rng, 'dd')} {fill(rng, 'dddd')}"
    frame = rng.choice(
        (
            "DDD {} fone {}",
            "ddd {}, celular {}",
            "(ddd {}) telefone {}",
            "DDD: {} Telefone: {}",
            "código de área {} número {} pode ligar",
            "lada {} tel {}",
        )
    )
    return frame.format(area, rest), rest


class Case(NamedTuple):
    text: str
    start: int
    end: int
    country: str
    form: str
    cue: str


def generate(count: int, half: str, seed: int = 11) -> list[Case]:
    """Make texts with one phone each; the two halves share neither sentences nor numbers."""
    rng = random.Random(f"{seed}-{half}")
    parity = half == "held-out"
    out = list[Case]()
    countries = tuple(PLANS)
    while len(out) < count:
        if rng.random() < 0.015:
            text, rest = spoken(rng)
            at = text.index(rest)
            out.append(Case(text, at, at + len(rest), "BR", "spoken", "cue"))
            continue
        country = (
            rng.choice(countries) if rng.random() < 0.8 else rng.choice(("BR", "PT", "ES", "US", "GB", "MX", "AR"))
        )
        language = rng.choice(PLANS[country].languages.split())
        if rng.random() < 0.1:
            language = "en"
        made = write(rng, country)
        cue = "cue" if made.cued else rng.choice(("cue", "cue", "far", "none", "none"))
        if made.cued and rng.random() < 0.1 and made.form not in ("chunks", "local"):
            cue = "far"
        frames = SAID[language][cue]
        frame = rng.choice(frames[parity::2] if len(frames) > 1 else frames)
        more = (
            rng.choice(EXTENSION[language]).format(fill(rng, rng.choice(("dd", "ddd", "dddd"))))
            if made.form == "extension"
            else ""
        )
        start = frame.index("{}")
        text = frame.replace("{}", made.written + more)
        draw = rng.random()
        if draw < 0.2:
            text += rng.choice((" ", "\n")) + rng.choice(BEHIND[language]).format(
                fill(rng, rng.choice(("dddddd", "dddddddd", "ddddddddd")))
            )
        elif draw < 0.3:
            before = rng.choice(BEHIND[language]).format(fill(rng, rng.choice(("dddddd", "ddddddddd")))).rstrip(
                "."
            ) + rng.choice((". ", "\n"))
            text, start = before + text, start + len(before)
        out.append(Case(text, start, start + len(made.written), country, made.form, cue))
    return out


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--half", choices=("tune", "held-out"), default="held-out")
    options.add_argument("--count", type=int, default=12000)
    options.add_argument("--misses", type=int, default=0, help="print so many that were missed (of the half tuned on)")
    given = options.parse_args()
    from pii import ours

    cases = generate(given.count, given.half)
    found, _ = ours([case.text for case in cases])
    tables: dict[str, dict[str, list[int]]] = {name: defaultdict(lambda: [0, 0]) for name in ("cue", "form", "country")}
    wrong = hits = 0
    missed = list[Case]()
    for case, some in zip(cases, found, strict=True):
        covered = {at for start, end, type in some if type == "phone" for at in range(start, end)}
        digits = {at for at in range(case.start, case.end) if case.text[at].isdigit()}
        ok = not digits - covered
        for name, key in (("cue", case.cue), ("form", case.form), ("country", case.country)):
            tables[name][key][0] += ok
            tables[name][key][1] += 1
        if not ok:
            missed.append(case)
        for start, end, type in some:
            if type == "phone":
                hits += 1
                wrong += not (start < case.end and case.start < end)
    total = [len(cases) - len(missed), len(cases)]
    print(f"{given.half}: found {total[0]} of {total[1]} ({100 * total[0] / total[1]:.2f} %), wrong {wrong} of {hits}")
    for name, table in tables.items():
        print(f"\nby {name}")
        for key, (ok, all_) in sorted(table.items(), key=lambda entry: entry[1][0] / entry[1][1]):
            print(f"  {key:<12}{ok:>6} of {all_:<6}{100 * ok / all_:>6.1f} %")
    if given.half == "tune":
        for case in missed[: given.misses]:
            print(case.country, case.form, case.cue, repr(case.text), sep="\t")


def worst(cases: Sequence[Case]) -> list[str]:
    return [case.text for case in cases]


if __name__ == "__main__":
    main()
