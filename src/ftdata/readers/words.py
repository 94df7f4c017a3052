"""The words that exports use, in English, Portuguese and Spanish: for headers, for roles, for visibility.

What says who may read a message is known in German and French too: there a missed word would let a note out.

Words are compared folded: lower case, no accents, camelCase and punctuation split, singular.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SPLIT = re.compile(r"[^\w]+|_+")


def fold(text: str) -> str:
    """Give a text in lower case, without accents."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(char for char in decomposed if not unicodedata.combining(char)).lower()


@lru_cache(maxsize=65536)
def words(text: str) -> tuple[str, ...]:
    """Give the words of a header or a label: `dataDeCriação` -> `data de criacao`, `Mensagens` -> `mensagem`."""
    plain = unicodedata.normalize("NFKD", text.replace("º", "o").replace("ª", "a"))
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return tuple(_singular(word.lower()) for word in _SPLIT.split(_CAMEL.sub(" ", plain)) if word)


def _singular(word: str) -> str:
    if len(word) <= 3 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    for plural, single in (("oes", "ao"), ("aes", "ao"), ("iones", "ion"), ("ens", "em"), ("ies", "y"), ("ores", "or")):
        if word.endswith(plural):
            return word[: -len(plural)] + single
    return word[:-1]


def word_set(text: str) -> frozenset[str]:
    """Give the words of a text as a set."""
    return frozenset(text.split())


def _labels(text: str) -> frozenset[str]:
    return frozenset(" ".join(words(label)) for label in text.split("|"))


# --- what a header may speak of ---------------------------------------------------------------------------------------

CASE = word_set(
    "ticket chamado caso case protocolo conversation conversa conversacao conversacion issue incident incidente "
    "incidencia requerimiento requerimento requisicao requisicion thread hilo session sesion sessao atendimento "
    "atencion chat folio solicitud solicitacao radicado expediente request ocorrencia os demanda dialog dialogue "
    "dialogo tramite consulta topic topico manifestacao reclamacao reclamo reclamacion tarea tarefa enquiry "
    "inquiry rma sac processo proceso process claim sinistro siniestro dossier"
)
ID = word_set(
    "id ids numero number num no nro n nr nbr codigo code cod ref referencia reference key clave chave uuid guid "
    "identificador identifier"
)
TEXT = word_set(
    "message mensagem mensaje msg comment comentario text texto txt body corpo cuerpo content contenido conteudo "
    "post utterance fala note nota anotacao anotacion html plain interacao interaccion interaction entry "
    "transcript transcricao transcripcion said dito dicho log acompanhamento followup tweet line linha linea"
)
ASK = word_set(
    "question pergunta pregunta duvida duda consulta query inquiry enquiry description descricao descripcion "
    "descr desc problem problema issue instruction prompt request requested solicitacao solicitud reclamacao "
    "reclamo reclamacion queixa queja complaint pedido relato detail detalle detalhe input demanda sintoma "
    "symptom q planteamiento manifestacao concern ask asked cuestion questao incidencia incidente ocorrencia "
    "wrote perguntou preguntado perguntado preguntou planteada inquietud"
)
REPLY = word_set(
    "answer resposta respuesta reply response resolution resolucao resolucion solution solucao solucion contestacion "
    "completion output devolutiva parecer desfecho tratativa replica retorno a answered contestacao dictamen fix "
    "resolved told replied responded contestado respondido contestada respondida informado esclarecimento aclaracion "
    "orientacao orientacion atendida guidance aclaratoria"
)
CUSTOMER = word_set(
    "customer client cliente requester requestor solicitante user usuario visitor visitante contact contato "
    "contacto requerente consumidor consumer enduser buyer comprador lead reporter submitter guest hospede "
    "huesped paciente patient aluno alumno student passenger passageiro pasajero reclamante member membro "
    "miembro morador vecino ciudadano cidadao titular holder shopper segurado asegurado inquilino tenant"
)
STAFF = word_set(
    "agent agente atendente staff support suporte soporte operator operador operadora analyst analista tecnico "
    "technician admin assignee responsavel responsable asesor asesora team equipe equipo assistant asistente "
    "assistente rep representative representante consultor consultora company empresa business handler "
    "atendimento helpdesk sac engineer funcionario gestor ejecutivo ejecutiva advisor teller colaborador "
    "moderator merchant seller vendedor loja tienda store"
)
PERSON = word_set(
    "author autor autora sender remetente remitente from emisor emissor emitente actor speaker by por poster "
    "writer quem quien who commenter interlocutor falante hablante participant participante origin person "
    "persona pessoa"
)
ROLE = word_set(
    "role papel rol type tipo perfil profile kind funcao funcion side lado direction direcao direccion sentido "
    "party parte"
)
VISIBILITY = word_set(
    "public publico publica private privado privada internal interno interna visibility visibilidade visibilidad "
    "visible visivel confidential confidencial hidden oculto oculta external externo externa "
    "whisper whispered susurro sussurro backstage intern interne interner extern externe sichtbar sichtbarkeit "
    "offentlich offentliche offentlicher oeffentlich vertraulich privat prive privee publique visibilite confidentiel "
    "confidentielle isprivate isinternal ispublic iswhisper"
)
ONLY = word_set("only solo so apena somente solamente exclusivo exclusivamente nur seulement uniquement")
HIDE = word_set("hide hidden ocultar oculto oculta esconder escondido ocultado")
TIME = word_set(
    "created criado criada creado creada creacion criacao creation date data fecha time hora timestamp sent "
    "enviado enviada envio datahora when quando cuando horario momento posted publicado datetime opened aberto "
    "abertura apertura received recebido recibido submitted at em ts dt registered registrado registro on added "
    "day dia moment datum"
)
LATER = word_set(
    "updated atualizado atualizacao actualizado actualizacion modified modificado modificacion modificacao "
    "closed fechado fechamento cerrado cierre encerrado encerramento resolved resolvido resuelto due vencimento "
    "vencimiento synced sync last ultima ultimo deleted solved assigned sla limite deadline purchase compra"
)
SUBJECT = word_set("subject assunto asunto title titulo summary resumo resumen tema topic headline topico sumario")
_SCORED = word_set("csat satisfaction satisfacao satisfaccion")
_SCORE = word_set("rating score nota avaliacao valoracion calificacion")
_REOPENED = word_set("reopened reopen reopem reaberto reaberta reabertura reabierto reabierta reapertura")
_SOLVED = word_set("solved resolved closed resolvido resolvida resuelto resuelta encerrado encerrada cerrado cerrada")
_SOLVING = word_set("resolucao resolucion resolution solution fechamento encerramento cierre closing")
_DAY = word_set("date data fecha")
NOT_TEXT = word_set(
    "date data fecha hora tempo tiempo time timestamp at count number total qtd quantidade cantidad rating score "
    "csat nps satisfaction satisfacao satisfaccion status estado state situacao situacion code codigo id type "
    "tipo language lang idioma by por channel canal sla minute minuto hour hr hrs url link priority prioridade "
    "prioridad category categoria tag etiqueta version nivel level avaliacao evaluacion valoracion feedback "
    "survey pesquisa encuesta attachment anexo adjunto archivo file arquivo email mail phone telefone telefono "
    "name nome nombre product producto produto template macro length size days dias deadline author autor user "
    "usuario responsavel responsable reason motivo sender remetente remitente index seq order"
)

# --- what a cell may say ----------------------------------------------------------------------------------------------

_SPEAKERS = {
    "user": "customer|client|cliente|requester|requestor|end user|enduser|user|usuario|visitor|visitante|"
    "segurado|asegurado|insured|policyholder|holder|inquilino|proprietario|lead|contact|contato|contacto|"
    "solicitante|consumidor|consumidora|consumer|buyer|comprador|inbound|incoming|entrada|entrante|recebido|"
    "recebida|recibido|recibida|received|paciente|patient|aluno|alumno|student|passenger|passageiro|pasajero|"
    "human|guest|hospede|huesped|reporter|member|requerente|titular|usuario final|end customer|cliente final|"
    "customer message|shopper|caller|comprador a|in|tenant|resident|ciudadano|cidadao|reclamante|socio|afiliado|"
    "prospect|morador|vecino|customer reply",
    "assistant": "agent|agente|atendente|admin|administrator|administrador|staff|support|suporte|soporte|"
    "operator|operador|operadora|analyst|analista|tecnico|tecnica|technician|asesor|asesora|assistant|asistente|"
    "assistente|rep|representative|representante|consultor|consultora|outbound|outgoing|saida|salida|saliente|"
    "enviado|enviada|sent|business|employee|funcionario|team|equipe|equipo|company|empresa|ejecutivo|ejecutiva|"
    "support agent|customer service|atendimento|helpdesk|help desk|service desk|sac|advisor|moderator|seller|"
    "vendedor|vendedora|engineer|support engineer|agent reply|gestor|atencion|atencion al cliente|"
    "customer support|support team|soporte tecnico|suporte tecnico|out|clerk|teller|mesa de ayuda|"
    "mesa de servicio|equipe de suporte|staff member|light agent|loja|tienda|gpt|concierge|front desk|"
    "colaborador|colaboradora",
    "bot": "bot|chatbot|robot|robo|ai|ia|virtual assistant|assistente virtual|asistente virtual|ai agent|"
    "agente virtual|virtual agent|agente ia|ai assistant|auto reply|autoresponder|auto response|answer bot|"
    "assistente ia|resposta automatica|respuesta automatica|workflow bot",
    "system": "system|sistema|trigger|gatilho|automation|automacao|automatizacion|automatico|automatica|"
    "automated|event|evento|log|status change|system message|mensagem do sistema|mensaje de sistema|"
    "mensaje del sistema|mensagem de sistema|status|api|integration|workflow|macro|notification|notificacao|"
    "notificacion|activity|line item|lineitem|sla",
    "private": "note|nota|internal note|nota interna|private note|nota privada|internal|interno|interna|private|privado"
    "|privada|internal comment|comentario interno|anotacao interna|forward|encaminhamento|reenvio|interno nota|hidden"
    "|side conversation|conversa paralela|whisper|internal only|uso interno",
}
SPEAKERS: dict[str, str] = {
    " ".join(words(label)): kind for kind, labels in _SPEAKERS.items() for label in labels.split("|")
}
"""Folded label -> user, assistant, bot, system or private, for the values of a role column."""

TRUE = word_set("true t yes y sim s si verdadeiro verdadero 1 on x v ja wahr oui vrai")
FALSE = word_set("false f no n nao falso 0 off nein falsch non faux")
PUBLIC = _labels(
    "public|publico|publica|external|externo|externa|visible|visivel|reply|resposta|respuesta|response|comment|"
    "comentario|customer|cliente|public reply|public comment|resposta publica|respuesta publica|"
    "comentario publico|email|chat|message|mensagem|mensaje|open|aberto|abierto|visible to customer|"
    "visivel ao cliente|visible al cliente|answer|todos|everyone|all|visible para el cliente|"
    "visivel para o cliente|offentlich|oeffentlich|offentliche antwort|offentlicher kommentar|extern|externe|"
    "publique|reponse publique|commentaire public|message public|everybody|tous|alle"
)
PRIVATE = _labels(
    "private|privado|privada|internal|interno|interna|note|nota|internal note|nota interna|private note|"
    "nota privada|hidden|oculto|oculta|confidential|confidencial|restricted|restrito|restringido|internal comment|"
    "comentario interno|agents only|staff only|solo agente|somente agente|apenas equipe|solo equipo|forward|lineitem|"
    "line item|comentario privado|whisper|staff|equipe|equipo|private comment|internal only|team only|uso interno|"
    "agent only|only agent|nur intern|intern|interne|interne notiz|interner kommentar|notiz|vertraulich|privat|"
    "nicht offentlich|nicht sichtbar|prive|privee|note privee|note interne|commentaire interne|commentaire prive|"
    "confidentiel|confidentielle|backstage|not public|non public|no publico|nao publico|not visible"
)


def restricts(title: Collection[str]) -> bool:
    """Say whether the words of a column's name keep a message from customers: `agent only`, `ocultar del cliente`."""
    said = frozenset(title)
    return bool(said & ONLY and said & STAFF) or bool(said & HIDE)


_LONGEST = 40
"""Characters of a yes or no at most: the longest of `TRUE` and `FALSE`, with room for accents written apart."""


def truth(label: str) -> bool | None:
    """Read a yes or no; None if it is neither."""
    value = label.strip()
    if value in ("1.0", "0.0"):
        return value == "1.0"
    if len(value) > _LONGEST:
        return None
    folded = fold(value)
    return True if folded in TRUE else False if folded in FALSE else None


@lru_cache(maxsize=4096)
def speaker(label: str) -> str | None:
    """Say whom a role label names: user, assistant, bot, system, private; None if the word is not known."""
    return SPEAKERS.get(" ".join(words(label)))


@lru_cache(maxsize=4096)
def visible(label: str) -> bool | None:
    """Say whether a visibility label means public (True) or private (False); None if the word is not known."""
    folded = " ".join(words(label))
    return True if folded in PUBLIC else False if folded in PRIVATE else None


@lru_cache(maxsize=4096)
def outcome(name: str) -> str | None:
    """Name what a column says of how a ticket ended: `csat`, `reopened` or `solved_at`; None for any other."""
    said = words(name)
    if _SCORED.intersection(said) and not {"comment", "comentario", "reason", "motivo"}.intersection(said):
        return "csat"
    if len(said) == 1 and said[0] in _SCORE:
        return "csat"
    if _REOPENED.intersection(said):
        return "reopened"
    when = _DAY.intersection(said) or (_SOLVED.intersection(said) and said[-1] in ("at", "on", "time", "em", "el"))
    if when and (_SOLVED | _SOLVING).intersection(said) and len(said) <= 3:  # `resolution time` is how long it took
        return "solved_at"
    return None


_CHANNEL = word_set("channel canal source origem origen via medio meio kanal canale")


@lru_cache(maxsize=4096)
def is_channel(name: str) -> bool:
    """Say whether a column tells by which way a ticket came: `Ticket Channel`, `canal`, `via`."""
    said = words(name)
    return 0 < len(said) <= 3 and not _CHANNEL.isdisjoint(said)


@lru_cache(maxsize=4096)
def is_mail(label: str) -> bool:
    """Say whether a channel is e-mail."""
    said = words(label)
    return 0 < len(said) <= 4 and not {"mail", "email", "correo"}.isdisjoint(said)
