"""The words that tell what a number is, without accents and in small letters: to teach another, add it to its line."""

from __future__ import annotations

WORDS = {
    # A phone's own name: what follows is one, however it is written.
    "label": (
        "phone phones telephone tel telf tlf tfno tph ph mobile mob cell cellphone cel cels whatsapp whats wpp zap "
        "zapzap wp wa sms fax landline hotline helpline voicemail pager telefone telefones fone fones telemovel "
        "celular celulares movel ddd ramal telefono telefonos fono movil moviles guasap wasap telephones portable "
        "telecopie gsm natel telefon telefonnummer telefonnr handy handynummer mobil mobilnummer mobilfunk rufnummer "
        "festnetz festnetznummer durchwahl telefonisch cellulare cellulari fisso telefonata viber telefoon "
        "telefoonnummer mobiel fixo fijo telemoveis tlm telem telefoons lada telefonazo fonos mobiles mobilnr "
        "handynr telephonenumber phonenumber tollfree tel1 tel2 intercom switchboard centralino centralita pbx"
    ),
    # To call or to reach somebody: what follows is a phone if it is written as one.
    "call": (
        "call calls called calling caller callers dial dialed dialled ring rang reach reached reachable contact "
        "contacts callback "
        "text texts texted texting ligue liguem ligar ligo ligou liga ligaram ligacao ligacoes ligando chame chama "
        "chamar contato contatos contacto contactos contacte contactar recado llama llamad llamar llame llamen llamame "
        "llameme llamadme llamo llamada llamadas llamenos llamaron marca marcar marque marcaron comuniquese "
        "comunicarse disque discar discando sac appelez appeler appelle appelezmoi rappelez rappeler rappel "
        "joindre joignable contacter falar fale "
        "contactez joignez composer composez fixe anrufen anruf ruckruf rufen ruf ruft rufe anrufe erreichen "
        "erreichbar erreichst kontakt chiamare chiama chiamami chiamatemi chiamate chiamata contattare contattami "
        "contattatemi contattateci richiamare recapito raggiungibile bel bellen terugbellen belt "
        "bereikbaar telefonar telefonen telefonem  telefonear "
        "telefoneie telephoner telephonez telefonare telefonate telefonieren phoned phoning rings dials "
        "llamarme llamarnos llamarle llamarlo llamarla llameme llamenos llamarte llames marcarme marcarle escribanme "
        "escribame escribirme contactarme contactarnos contactenos ligarem retornar retornem retorno "
        "chiamarmi chiamarci richiamatemi richiamarmi rappelle direct callbacks "
        "emergency emergencia notfall urgence"
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
    "pis": "pis pasep nis",
    "nit": "nit",
    "cnh": "cnh habilitacao",
    "voter": "titulo eleitor eleitoral",
    "cns": "cns sus",
    "plate": "placa placas matricula matriculas plate",
    "niss": "niss",
    "nuss": "nuss nss naf",
    "citizen": "cidadao",
    "cc": "cc",
    "curp": "curp",
    "rfc": "rfc",
    "cuit": "cuit cuil",
    "rut": "rut",
    "ruc": "ruc",
    "cedula": "cedula cedulas ci",
    "nino": "nino insurance",
    "passport": "passport passports passaporte pasaporte passeport reisepass passaporto",
    "license": "license licence licencia licenca permiso permis fuhrerschein patente",
    "vat": "tva btw ust partita piva uid",
    # Anything else that is numbered.
    "other": (
        "cpf cpfs cnpj cnpjs iban bic swift isbn issn ean gtin upc imei iccid sku asin doi pmid uuid guid hash mac cvv "
        "pin puk nire crm oab ctps renavam boleto "
        "siret siren steuernummer "
        "order orders pedido pedidos orden ordenes commande commandes bestellung bestellnummer bestellnr auftrag "
        "auftragsnummer ordine ordini encomenda encomendas compra compras purchase po "
        "invoice invoices fatura faturas factura facturas facture factures rechnung rechnungsnummer rechnungsnr "
        "fattura nota notas nf nfe nfs recibo receipt bill beleg "
        "tracking track rastreio rastreamento rastreador seguimiento guia guias suivi colis sendung sendungsnummer "
        "sendungsverfolgung parcel package paquete shipment envio awb spedizione "
        "ticket tickets chamado chamados protocolo protocolos protocol case caso casos incidente incident "
        "vorgang vorgangsnummer "
        "reclamo reclamacao dossier pratica "
        "ref reference references referencia referencias referenz id ids identifier identificador "
        "code codes codigo codigos cod kode codice "
        "serial serie series seriennummer lote lotes batch lot charge part parts peca pecas "
        "product produto producto produit produkt prodotto item items article artikel artikelnummer articulo artigo "
        "model modelo modele modell account accounts acct conta contas cuenta cuentas konto kontonummer compte conto "
        "agencia banco bank blz card cards cartao cartoes tarjeta tarjetas carte karte carta kundennummer contract "
        "contrato contratos contrat vertrag vertragsnummer contratto policy apolice poliza police versicherungsnummer "
        "processo proceso process expediente transaction transacao transaccion transaktion payment pagamento pago tx "
        "nsu txid zip postcode postal plz cap cp error erro errore fehler fehlercode exception port porta puerto "
        "status timestamp epoch unix latitude longitude lat lon lng coordinates coordenadas gps tweet post session "
        "sessao sesion room meeting reuniao reunion flight voo vuelo vol flug booking reserva reservation buchung "
        "total price preco precio prix preis prezzo valor amount importe montant betrag cost costs custo costo "
        "population populacao poblacion size tamanho peso weight score pages paginas isin wkn patent "
        "digitavel boleto barcode barras resultado result results calc "
        "value values resultat ergebnis risultato"
    ),
    # What is written as an address of the network is.
    "version": (
        "version versions versao versoes versione v ver release releases build firmware revision rev patch sdk update "
        "upgrade actualizacion atualizacao driver section sections secao seccion chapter capitulo clause clausula "
        "abschnitt ios android ipados macos kernel app plugin lib library chrome firefox safari edge "
        "opera php node python "
        "java jdk"
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
# Words of which only the beginning matters (those of `WORDS` come first).
STEMS = {
    "telef": "label",
    "telep": "label",
    "phone": "label",
    "whats": "label",
    "celul": "label",
    "handy": "label",
    "mobil": "label",
    "movil": "label",
    "festnetz": "label",
    "llam": "call",
    "llamen": "call",
    "anruf": "call",
    "ruckruf": "call",
    "zuruckruf": "call",
    "angeruf": "call",
    "erreich": "call",
    "contact": "call",
    "contat": "call",
    "kontakt": "call",
    "contatt": "call",
    "chiam": "call",
    "richiam": "call",
    "appel": "call",
    "rappel": "call",
    "joign": "call",
    "ligac": "call",
    "ligar": "call",
    "callback": "call",
    "comuniq": "call",
    "marcar": "call",
    "escrib": "call",
    "mensag": "call",
    "mensaj": "call",
    "messag": "call",
    "nachricht": "call",
    "bereik": "call",
    "terugbel": "call",
    "recontact": "call",
}
ENDS = ("phone", "telefon", "fone", "phonenumber", "rufnummer")
NUMBERED = ("nummer", "nr")
"""How a German or Dutch word ends that says which number something has: `Kundennr`."""

CUES = (
    "(?i)fon|phon|phn|tph|(?:^|[^a-z])ph[^a-z]|tel|tél|tlf|tlm|tfno|cel|mob|vil|whats|wpp|zap|wap|wp|wa[ "
    ":.]|gsm|pager|pbx|"
    "handy|netz|lig|llam|llám|méro|marc|marq|disque|disc|call|ring|rang|dial|reach|contac|contat|contes"
    "|kontak|fax|sms|text|"
    "msg|mens|mess|nachr|number|mero|numer|nummer|my no|appel|join|joign|viber|chiam|chama|fale|fala|recado|recap|"
    "retor|ruf|erreich|bel[ l]|bereik|belt|sac|emerg|notfall|urgenc|atend|answ|pond|antwort|raggiung|voicem|line|"
    "asap|movel|portable|durchw|intercom|chame|direct|terug|escrib|comuni|fijo|fixo|fisso|fixe|ddd|lada"
    "|area|área|ramal|central|toll|compose|switch|add me"
    "|(?:^|[^a-z0-9])[tpmfcwh] ?[.:]|(?:^|\n) ?[tmpf] "
)
"""What a text holds that holds a word for a phone: pieces of them, as many as needed and no more."""
