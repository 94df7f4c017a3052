"""Words that names are told from: who is greeted but nobody, what is a word as well as a name, what names a firm."""

from __future__ import annotations

import unicodedata

import polars as pl


def _flat() -> dict[int, str]:
    codes = (*range(0xC0, 0x250), *range(0x1E00, 0x1F00))
    bases = ((code, unicodedata.normalize("NFKD", chr(code))[0]) for code in codes)
    return {code: base.lower() for code, base in bases if base.isascii() and base.isalpha()}


_FLAT = _flat()
_SMALL = {chr(code): base for code, base in _FLAT.items() if chr(code).islower()}
_ACCENTED = "[à-ɏḀ-ỿ]"


def fold(text: str) -> str:
    """Give a text in small letters, Latin ones without accents; it stays as long as it was."""
    if text.isascii():
        return text.lower()
    plain = text.translate(_FLAT)
    low = plain.lower()
    return low if len(low) == len(text) else "".join(char.lower()[0] for char in plain)


def folded(texts: pl.Series) -> pl.Series:
    """Fold many texts at once; one whose length changed by it is not to be trusted."""
    low = texts.str.to_lowercase()
    odd = low.str.contains(_ACCENTED)
    if not odd.any():
        return low
    plain = low.filter(odd).str.replace_many(list(_SMALL), list(_SMALL.values()))
    return low.scatter(odd.arg_true(), plain)


def _set(words: str) -> frozenset[str]:
    return frozenset(fold(word) for word in words.split())


NOBODY = _set(
    # en
    """
    team all everyone everybody there customer customers client clients support service services sir sirs madam ma'am
    maam friend friends folks guys admin administrator agent agents user users member members colleague colleagues
    valued again world help desk helpdesk sales billing office staff hr it department dept manager management owner
    seller buyer shop store staff reception operator representative assistant bot system moderator mod mods mate dude
    buddy pal boss guest guests subscriber passenger patient student students parents traveler traveller reader readers
    committee board group company partner partners vendor supplier whom concern this that these those you your yours
    we our us i my me he she it they the a an and or but for from to in on at of with by is are was were be am not no
    yes ok okay please thank thanks sorry hello hi hey dear good morning afternoon evening night day best kind regards
    sincerely cheers welcome great nice well how what when where why who which can could would do does did have has
    had just here now today tomorrow yesterday soon later again also however once first last next new old
    customer-service noreply no-reply info contact accounts account anonymous unknown none null test private person
    sent get sign ps note regarding re fw fwd subject date order ticket case issue problem question request update
    product product's name email phone address number id status priority type item yourself
    god goodness heavens presidente director diretor diretora juiz juez ministro doctor
    schön beaucoup mille tante deus dios totales infinitas bye tchau adiós
    looking wondering having trying writing sure afraid happy glad interested using getting seeing
    """
    # days, months, in the languages here
    """
    monday tuesday wednesday thursday friday saturday sunday january february march july september
    october november december lunes martes miércoles jueves viernes sábado domingo enero febrero marzo mayo junio
    agosto septiembre octubre noviembre diciembre segunda terça quarta quinta sexta feira janeiro fevereiro março
    maio junho julho setembro outubro novembro dezembro montag dienstag mittwoch donnerstag freitag samstag sonntag
    lundi mardi mercredi jeudi vendredi samedi dimanche lunedì martedì mercoledì giovedì venerdì sabato domenica
    """
    # pt
    """
    pessoal equipe equipa time suporte atendimento atendente cliente clientes senhor senhora senhores senhoras todos
    todas galera gente amigo amiga amigos amigas prezado prezada prezados prezadas caro cara caros caras tudo bem bom
    boa dia tarde noite dias olá oi obrigado obrigada aqui eu você vocês meu minha nosso nossa seu sua colega colegas
    gerente vendas financeiro comercial sac loja empresa usuário consumidor moço moça querido querida doutor doutora
    responsável síndico setor departamento central ouvidoria pedido favor segue conforme como gostaria preciso quero
    quando onde qual quais porque por para não sim já ainda hoje ontem amanhã att atenciosamente abraço abraços enviado
    professor professora pai mãe filho filha esposa marido chefe novo nova
    """
    # es
    """
    equipo soporte servicio atención señor señora señores señoras señorita todos todas amigo amiga buenos buenas buen
    días tardes noches día hola gracias saludos estimado estimada estimados estimadas querida usted ustedes tú mi su
    tienda empresa ventas administrador usuario compañero compañera compañeros quien corresponda encargado responsable
    gerencia departamento pedido favor necesito quiero quisiera cuando donde cómo como qué por para no sí hoy ayer
    mañana nuevo nueva adiós gente chicos chicas yo el la los las un una
    """
    # de, fr, it
    """
    team kunde kunden kundin damen herren zusammen alle leute support kundenservice herr frau ich wir sie danke bitte
    guten tag morgen abend hallo liebe lieber sehr geehrte geehrter grüße gruß vielen mit freundlichen nutzer ihr
    équipe client cliente messieurs mesdames monsieur madame mademoiselle tous toutes bonjour bonsoir salut merci je
    nous vous cordialement service clientèle squadra cliente signori signora signore tutti tutte ciao buongiorno
    buonasera grazie io noi voi saluti cordiali servizio assistenza
    """
    # names of things that write to people, or are written of as if they were people
    """
    amazon google microsoft apple facebook instagram whatsapp paypal shopify zendesk netflix spotify uber linkedin
    twitter youtube windows android iphone ipad mac alexa siri cortana chatgpt openai gopro samsung sony nintendo xbox
    playstation kindle roomba fitbit garmin dell hp lenovo asus acer canon nikon lg philips bosch dyson nest nespresso
    adobe photoshop autodesk office excel word outlook gmail chrome firefox linux ubuntu slack discord teams telegram
    signal zoom magalu shopee shein ifood rappi temu aliexpress
    correios sedex mercado livre santander itaú bradesco nubank visa mastercard claro vivo
    """
)
"""What stands behind a greeting, above a signature or in a column of names, and is no person."""

FIRMS = _set(
    """
    ltda ltd inc llc llp gmbh ag corp corporation company co sa s.a eireli epp mei sl srl sas spa plc kg bv nv oy ab
    group grupo groupe gruppe store stores shop loja lojas tienda magasin padaria farmácia farmacia mercearia mercado
    supermercado supermarket ótica óptica auto autos peças oficina restaurante restaurant bar café cafe pizzaria hotel
    pousada clínica clinica clinic hospital escola escuela school colégio university universidade universidad academia
    studio estúdio salão salon barbearia pet imobiliária construtora transportes logística logistics distribuidora
    comércio comercial comercio indústria industria industries solutions soluções soluciones systems sistemas software
    tecnologia technology technologies consulting consultoria services serviços servicios engenharia contabilidade
    advocacia advogados agency agência agencia bank banco bakery pharmacy foods alimentos motors materiais móveis
    ateliê escritório empório lanchonete clube marcenaria adega moda doceria confeitaria churrascaria
    borracharia funilaria lavanderia drogaria sapataria floresta parafusos ferragens tintas impressos gráfica
    editora estética condominio taller panadería ferretería peluquería farmacias bodega clinic dental law partners
    associates holdings ventures labs lab works factory garage kitchen house bros sons zoon verlag praxis werkstatt
    papelaria livraria floricultura condomínio associação instituto institute foundation fundação igreja prefeitura
    modas calçados confecções atelier festas eventos turismo viagens travel airlines express online digital media
    """
)
"""What names a firm: what holds such a word is no person."""

WORDS = _set(
    """
    will mark bill grace hope faith joy art drew rob pat sue may june april august summer autumn dawn eve rich frank
    grant chase max ray guy sandy rusty penny violet rose lily daisy iris ivy olive ruby amber pearl jade crystal gene
    earl duke dean page price brown black white green gray grey young king bishop cook baker hunter carter mason taylor
    parker miller porter potter field hill wood woods stone rivers brooks banks bush flower long short small good best
    day love fox wolf bird swan bell ball case church clay coin cole cross dale dell drake english fields fish ford
    forest french gold golden hall hand hart heath hood house hunt ice joy judge knight lake lamb lane law lee light
    little major march marsh miles mills moon moss nick noble north east west south park parks pierce pike pond poole
    pope post powers pride prince read reed rock root rush sage savage sharp shepherd silver snow speed spring star
    steel storm street strong stuck swift temple terry tiny tip town trip trust valentine vale victor wall ward warren
    waters way weaver webb wells west wheeler wild wise worth wright york angel carol christian colt cliff don ed holly
    hazel herb jack jean jerry jim john josh ken kit lance lane les lou melody mercy merry misty myrtle norm otto
    patience     peg pierre robin sky skip stew sunny ted tom tony trinity tucker van vic wade wendy win zen job jan
    dan sam tim ali
    ben star bob rod julio abril
    rosa clara claro luz flor mar sol paz dolores pilar consuelo socorro esperanza esperança vitória victoria glória
    gloria graça gracia mercedes ángel santos santo cruz reis reyes rocha silva pinto leite costa lima ramos prado
    campos castro oliveira pereira machado coelho leão lobo cordeiro barata branco preto serra monte ribeiro rios ríos
    flores torres vega iglesias guerra blanco rojo moreno delgado bravo rico nieves rocío alba aurora estrella linda
    bela marina serena franco justo marques nunca leal amado amada amor ventura vila villa fonte fontes barros mata
    matos neves nova pires porto ponte pontes praia salgado sales tavares viana vieira bastos borges bueno calvo cano
    casa casas castillo conde cortés duarte fuente fuentes gallo gallego guapo hidalgo hierro izquierdo león luna luz
    marino marin medina mesa molina montes mora muro nieto ortega palacios paredes parra pastor plaza prieto puente
    quiero rey rincón robles rubio salas santa sierra soler soto toro valle vela vera vidal zapata cielo consolación
    fe inés concepción remedios soledad milagros amparo encarnación ascensión salvador bento bruno augusto domingos
    feliz felix natal pascoal justa pura piedade piedad perpétua prudência constancia constança
    koch weber schneider fischer müller bauer wolf klein gross groß lang kurz braun schwarz weiß weiss roth stein berg
    busch vogel fuchs hahn engel kaiser könig herzog graf richter meister schäfer zimmermann winter sommer morgen kraft
    petit grand blanc noir roux roy roi leroy dupont martin moulin fontaine rivière lacroix legrand marchand fleur
    rossi bianchi neri verdi russo greco conti leone costa fontana monti serra villa grasso forte bruno
    """
)
"""What is a word as well as a name: in small letters it is taken for the word."""

FOLLOWED = _set(
    "you i we it the they this that these there he she your my our a an as be not also any some me us all if so "
    "o a os as um uma de da do em que se no na isso este esta meu minha el la los las un una mi su lo"
)
"""What follows a word at the head of a sentence and shows that it is no name: `Will you`, `Mark the`."""

PARTICLES = frozenset(
    "de da do dos das del della di du des la le las los van von der den ter ten zu bin ibn al el e y".split()
)
TITLES = _set(
    "mr mrs ms miss mx dr dra drs sr sra srta snr prof profa dona doña seu sir dame rev eng engª adv "
    "lic licda ing arq abg "
    "herr frau fräulein mme mlle m monsieur madame mademoiselle me maître signor signora signorina sig dott dottssa "
    "señor señora señorita senhor senhora doutor doutora"
)
