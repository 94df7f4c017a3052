"""Words near a number that tell what it is: a phone, a document, or something that only looks like one.

English, Portuguese, Spanish, French, German and Italian. A word is looked up without case and accents, `R.G.` without
its full stops. What decides is the nearest word that means anything. To teach another word: add it to its line here.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import NamedTuple

_WORDS = {
    # A phone's own name: what follows is one, however it is written.
    "label": (
        "phone phones telephone tel telf tlf tfno tph ph mobile mob cell cellphone cel cels whatsapp whats wpp zap "
        "zapzap wp wa sms fax landline hotline helpline voicemail pager telefone telefones fone fones telemovel "
        "celular celulares movel ddd ramal telefono telefonos fono movil moviles guasap wasap telephones portable "
        "telecopie gsm natel telefon telefonnummer telefonnr handy handynummer mobil mobilnummer mobilfunk rufnummer "
        "festnetz festnetznummer durchwahl telefonisch cellulare cellulari fisso telefonata viber telefoon "
        "telefoonnummer mobiel fixo fijo"
    ),
    # To call or to reach somebody: what follows is a phone if it is written as one.
    "call": (
        "call calls called calling dial dialed dialled ring rang reach reached reachable contact contacts callback "
        "text texts texted texting ligue liguem ligar ligo ligou liga ligaram ligacao ligacoes ligando chame chama "
        "chamar contato contatos contacto contactos contacte contactar recado llama llamad llamar llame llamen llamame "
        "llameme llamadme llamo llamada llamadas llamenos llamaron marca marcar marque marcaron comuniquese "
        "comunicarse disque discar discando sac appelez appeler appelle appelezmoi rappelez rappeler rappel "
        "joindre joignable contacter falar fale "
        "contactez joignez composer composez fixe anrufen anruf ruckruf rufen ruf ruft rufe anrufe erreichen "
        "erreichbar erreichst kontakt chiamare chiama chiamami chiamatemi chiamate chiamata contattare contattami "
        "contattatemi contattateci richiamare recapito raggiungibile bel bellen emergency emergencia notfall urgence"
    ),
    # After a number only: who does or does not pick up.
    "answer": "answer answers answered answering atende atendem atendeu contesta contestan contesto repond antwortet",
    # `number` beside `my` is a phone more often than not; beside anything else it says nothing.
    "number": "number numbers num nr no numero numeros nummer nummern numeri",
    # `add me` is a call, `add` alone a sum.
    "add": "add",
    "rg": "rg identidade",
    "cep": "cep ceps",
    "ssn": "ssn ssns ss itin tin taxpayer social",
    "nif": "nif nipc contribuinte contribuintes cif fiscal vat iva",
    "dni": "dni nie documento",
    # Anything else that is numbered.
    "other": (
        "cpf cpfs cnpj cnpjs iban bic swift isbn issn ean gtin upc imei iccid sku asin doi pmid uuid guid hash mac cvv "
        "pin puk pis pasep cnh nire crm oab ctps renavam boleto passport passaporte pasaporte passeport reisepass "
        "license licence licencia curp rfc cuit cuil rut nss siret siren ust steuernummer "
        "order orders pedido pedidos orden ordenes commande commandes bestellung bestellnummer bestellnr auftrag "
        "auftragsnummer ordine ordini encomenda encomendas compra compras purchase po "
        "invoice invoices fatura faturas factura facturas facture factures rechnung rechnungsnummer rechnungsnr "
        "fattura nota notas nf nfe nfs recibo receipt bill beleg "
        "tracking track rastreio rastreamento rastreador seguimiento guia guias suivi colis sendung sendungsnummer "
        "sendungsverfolgung parcel package paquete shipment envio awb spedizione "
        "ticket tickets chamado chamados protocolo protocolos protocol case incidente incident vorgang vorgangsnummer "
        "reclamo reclamacao dossier pratica "
        "ref reference references referencia referencias referenz id ids identifier identificador "
        "code codes codigo codigos cod kode codice "
        "serial serie series seriennummer matricula matriculas lote lotes batch lot charge part parts peca pecas "
        "product produto producto produit produkt prodotto item items article artikel artikelnummer articulo artigo "
        "model modelo modele modell account accounts acct conta contas cuenta cuentas konto kontonummer compte conto "
        "agencia banco bank blz card cards cartao cartoes tarjeta tarjetas carte karte carta kundennummer contract "
        "contrato contratos contrat vertrag vertragsnummer contratto policy apolice poliza police versicherungsnummer "
        "processo proceso process expediente transaction transacao transaccion transaktion payment pagamento pago tx "
        "nsu txid zip postcode postal plz cap cp error erro errore fehler fehlercode exception port porta puerto "
        "status timestamp epoch unix latitude longitude lat lon lng coordinates coordenadas gps tweet post session "
        "sessao sesion room flight voo vuelo vol flug booking reserva reservation buchung "
        "total price preco precio prix preis prezzo valor amount importe montant betrag cost costs custo costo "
        "population populacao poblacion size tamanho peso weight score pages paginas isin wkn patent barcode barras"
    ),
    # What is written as an address of the network is.
    "version": (
        "version versions versao versoes versione v ver release releases build firmware revision rev patch sdk update "
        "upgrade actualizacion atualizacao driver section sections secao seccion chapter capitulo clause clausula "
        "abschnitt"
    ),
    # After a number: what it counts.
    "unit": (
        "bytes byte kb mb gb tb km cm mm kg mg ml usd eur brl gbp euros euro dollars dolares reais pesos pounds people "
        "habitantes inhabitants personas pessoas einwohner views followers seguidores rows records users items units "
        "unidades million millions milhoes millones ms seconds segundos percent"
    ),
    # For addresses on the network, see `network`.
    "ip": (
        "ip ips ipv4 ipv6 address addresses addr endereco enderecos direccion direcciones adresse indirizzo host hosts "
        "hostname server servers servidor servidores serveur ping pings gateway dns router roteador login logged "
        "subnet proxy vpn firewall cidr peer remote inet"
    ),
}
_WHOSE = frozenset(
    "my your his her hers our their this new meu minha seu sua dele dela nosso novo mi tu su nuestro nuevo este mon "
    "ton votre notre son nouveau mein meine meiner meinen ihre ihr unsere deine mio tuo suo nostro il le".split()
)
_LINKS = frozenset(
    "is are was it its number numbers num no nr n numero nummer me at on to my your his her our us him them the a o os "
    "as e es eh ist lautet est sera unter sous ao aos au aux al el il lo le la les los las de do da das del du of new "
    "novo nova nuevo home work office contact contato contacto para for pra pelo pela por via by com con with avec mit "
    "or ou oder y and und et em en in im am c i s um uno un one meu minha mi su seu mein meine mon mio now esse este "
    "that this please favor moi mich mir uns sie bitte dele dela if se si op naar an residencial comercial "
    "trabalho casa pessoal personal "
    "particular direct direto direkt private privat principal atual actual cliente client customer".split()
)
_WORD = re.compile(r"((?:[^\W\d_]\.){2,}|ipv[46]|[^\W\d_]+)(?:['’]s(?![^\W\d_]))?")
_NUMBER = re.compile(r"[0-9](?:[ .\-–/()]{0,2}[0-9]){5,}|\[[A-Z]+(?:_[A-Z]+)*_[0-9]+\]")
_ALIKE = re.compile(r"[ ,;/|]*(?:ou|or|oder|o|y|e|and|und|et)?[ ,;/|(+]*", re.I)
_LINE_ENDED = re.compile(r".*[.!?…] *\n", re.S)
_BEHIND = ("label", "answer")
_REACH_BACK, _REACH_ON = 60, 30


class Said(NamedTuple):
    """What the nearest telling word says: its kind (empty: nothing does), and how near it stands."""

    kind: str
    between: int
    """Words between the two; 0 also for a word that comes after."""
    linked: bool
    """Whether only small words (is, at, my …) stand between."""

    @property
    def close(self) -> bool:
        """Whether the word speaks of the number itself, not of something else in the sentence."""
        return self.linked or self.between < 3


@cache
def _kinds() -> dict[str, str]:
    return {word: kind for kind, words in _WORDS.items() for word in words.split()}


def _accents() -> dict[int, str]:
    letters = "áàâãäåéèêëíìîïóòôõöúùûüñçýºª"
    return {ord(char): unicodedata.normalize("NFKD", char)[0] for char in letters}


_ACCENTS = _accents()


def _fold(piece: str) -> list[str]:
    return [word.replace(".", "") for word in _WORD.findall(piece.casefold().translate(_ACCENTS))]


def _words_before(piece: str, cut: bool) -> list[str]:
    if ended := _LINE_ENDED.match(piece):
        cut, piece = False, piece[ended.end() :]
    for number in reversed(list(_NUMBER.finditer(piece))):
        if not _ALIKE.fullmatch(piece, number.end()):
            cut, piece = False, piece[number.end() :]
            break
        piece = piece[: number.start()]
    words = _fold(piece)
    if cut:
        del words[:1]
    return words[::-1]


def said(text: str, start: int, end: int) -> Said:
    """Say what a number is by the words before it, or by a phone word or a unit right behind it (`… is my mobile`).

    Looked at are 60 characters before and 30 behind on the same line. Another number (or the placeholder of one) takes
    the words before it for itself, unless the two make a list; a sentence that ends its line says nothing of the next.
    """
    begin = max(0, start - _REACH_BACK)
    cut = begin > 0 and text[begin].isalpha() and text[begin - 1].isalpha()
    return _said(text[begin:start], cut, text[end : end + _REACH_ON])


@lru_cache(8192)
def _said(before: str, cut: bool, behind: str) -> Said:
    kinds = _kinds()
    after = _fold(_NUMBER.split(behind.partition("\n")[0], maxsplit=1)[0])[:4]
    counted = bool(after) and kinds.get(after[0]) == "unit"
    words = _words_before(before, cut)
    linked = True
    for place, word in enumerate(words):
        kind = kinds.get(word, "")
        if kind == "number":
            kind = "" if _WHOSE.isdisjoint(words[max(0, place - 1) : place + 2]) else "call"
        elif kind == "add":
            kind = "call" if place and words[place - 1] in ("me", "us") else ""
        if kind and kind not in ("unit", "answer") and (linked or not counted):
            return Said(kind, place, linked)
        linked = linked and word in _LINKS
    if counted:
        return Said("unit", 0, True)
    return Said("call", 0, True) if any(kinds.get(word) in _BEHIND for word in after) else Said("", 0, False)
