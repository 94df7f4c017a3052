"""The shapes that vendors give their keys and tokens, and the headers that carry them.

The shapes are the ones vendors document for secret scanners (GitHub's list of supported secret scanning patterns, and
the vendors' own pages on token formats). To add one: a line in `SHAPES`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator

from ftdata.transforms.pii.rule import Hit

Check = Callable[[str, int, int], Iterator[Hit]]


def _whole(text: str, start: int, end: int) -> Iterator[Hit]:
    """Accept a match that no letter, digit or underscore touches."""
    before, after = text[start - 1 : start] if start else "", text[end : end + 1]
    if not (before.isalnum() or before == "_" or after.isalnum()):
        yield Hit(start, end, text[start:end])


def _telegram(text: str, start: int, end: int) -> Iterator[Hit]:
    """As `_whole`; the address of the bot interface glues `bot` to the front."""
    glued = text[max(0, start - 4) : start] == "/bot" and not text[end : end + 1].isalnum()
    yield from [Hit(start, end, text[start:end])] if glued else _whole(text, start, end)


def _mixed(text: str, start: int, end: int) -> Iterator[Hit]:
    """As `_whole`, with a digit and a run of 16 letters and digits: no hyphenated words."""
    value = text[start:end]
    if any(c.isdigit() for c in value) and re.search(r"[A-Za-z0-9]{16}", value):
        yield from _whole(text, start, end)


def _aws_secret(text: str, start: int, end: int) -> Iterator[Hit]:
    """Forty characters of base64 with small letters, capitals and digits (a Git hash has no capitals)."""
    value = text[start:end]
    if len(value) == 40 and re.search("[a-z]", value) and re.search("[A-Z]", value) and re.search("[0-9]", value):
        yield from _whole(text, start, end)


def _after(mark: str) -> Check:
    """Accept what follows a mark in the match (`AccountKey=`): the mark stays."""

    def check(text: str, start: int, end: int) -> Iterator[Hit]:
        begin = text.index(mark, start) + len(mark)
        yield Hit(begin, end, text[begin:end])

    return check


def _last(size: int) -> Check:
    """Accept the last characters of a match, of which the rest only names the vendor."""

    def check(text: str, start: int, end: int) -> Iterator[Hit]:
        yield from _whole(text, end - size, end)

    return check


_HEX = re.compile("[0-9a-f]{32,40}$")


def _tail_hex(text: str, start: int, end: int) -> Iterator[Hit]:
    """Accept the hexadecimal digits at the end of a match."""
    if found := _HEX.search(text[start:end]):
        yield from _whole(text, start + found.start(), end)


def _mixed_short(text: str, start: int, end: int) -> Iterator[Hit]:
    """As `_whole`, with a digit and a small letter."""
    value = text[start:end]
    if any(c.isdigit() for c in value) and any(c.islower() for c in value):
        yield from _whole(text, start, end)


_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_KEY_LINE = re.compile(r"[A-Za-z0-9+/=]{2,}")


def _pem(text: str, start: int, end: int) -> Iterator[Hit]:
    """Accept a private key from BEGIN to END; where END is missing, as far as the lines are base64: prose stays."""
    if not _END.search(text, max(start, end - 80), end):
        stop = text.index("-----", start + 5) + 5
        for line in _KEY_LINE.finditer(text, stop, end):
            size = line.end() - line.start()
            if size < 40 and (size < 12 or not re.search("[0-9+/=]", line.group())):
                break
            stop = line.end()
            if size < 40:
                break
        end = stop
    yield Hit(start, end, text[start:end])


_PEM = (
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:\s*(?:Proc-Type|DEK-Info|Version|Comment|Hash): ?[^\n]*)*"
    r"[A-Za-z0-9+/=\s\\]*(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?"
)


def _scheme(text: str, start: int, end: int) -> int:
    return next(i for i in range(start + 5, end) if text[i].isspace() and not text[i + 1].isspace()) + 1


def _basic(text: str, start: int, end: int) -> Iterator[Hit]:
    """Accept the value of `Basic …` that decodes to `user:password`."""
    begin = _scheme(text, start, end)
    value = text[begin:end]
    try:
        decoded = base64.b64decode(value[:400] + "=" * (-len(value[:400].rstrip("=")) % 4), validate=False).decode()
    except (binascii.Error, ValueError):
        return
    if ":" in decoded and decoded.isprintable():
        yield Hit(begin, end, value)


def _bearer(text: str, start: int, end: int) -> Iterator[Hit]:
    """Accept the value of `Bearer …` that holds a digit."""
    begin = _scheme(text, start, end)
    value = text[begin:end].rstrip(".")
    if len(value) >= 16 and any(c.isdigit() for c in value):
        yield Hit(begin, begin + len(value), value)


# What it opens, literals of which a match holds one, the shape, the test.
SHAPES: tuple[tuple[str, tuple[str, ...], str, Check], ...] = (
    ("private key", ("PRIVATE KEY",), _PEM, _pem),
    ("AWS access key id", ("AKIA", "ASIA", "ABIA", "ACCA"), r"A(?:KI|SI|BI|CC)A[A-Z0-9]{16}", _whole),
    ("AWS secret key", ("AKIA", "ASIA", "aws_", "AWS", "SecretAccessKey"), r"[A-Za-z0-9/+]{40,}", _aws_secret),
    ("GitHub", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"gh[pousr]_[A-Za-z0-9]{36,}", _whole),
    ("GitHub, fine-grained", ("github_pat_",), r"github_pat_[A-Za-z0-9_]{60,}", _whole),
    (
        "GitLab",
        ("glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glft-", "glsoat-", "glagent-", "glimt-"),
        r"gl(?:pat|dt|rt|ptt|cbt|ft|soat|agent|imt)-[A-Za-z0-9_.\-]{20,}",
        _whole,
    ),
    ("Slack", ("xox", "xapp-"), r"(?:xox[abeoprs]|xoxe\.xox[bp]|xapp)-[A-Za-z0-9\-]{10,}", _mixed),
    (
        "Slack webhook",
        ("hooks.slack.com/",),
        r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/]{20,}",
        _after(".com/"),
    ),
    ("Stripe", ("_live_", "_test_"), r"(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}", _whole),
    ("Stripe webhook", ("whsec_",), r"whsec_[A-Za-z0-9+/=]{24,}", _whole),
    ("OpenAI, Anthropic, OpenRouter and kin", ("sk-",), r"sk-[A-Za-z0-9_\-]{20,}", _mixed),
    ("Hugging Face", ("hf_", "api_org_"), r"(?:hf|api_org)_[A-Za-z0-9]{30,60}", _whole),
    (
        "Groq, xAI, Perplexity, Replicate",
        ("gsk_", "xai-", "pplx-", "r8_"),
        r"(?:gsk_|xai-|pplx-|r8_)[A-Za-z0-9]{32,}",
        _whole,
    ),
    ("Google API key", ("AIza",), r"AIza[A-Za-z0-9_\-]{35}", _whole),
    ("Google OAuth", ("GOCSPX-", "ya29."), r"GOCSPX-[A-Za-z0-9_\-]{28}|ya29\.[A-Za-z0-9_\-]{30,}", _whole),
    ("Azure storage", ("AccountKey=",), r"AccountKey=[A-Za-z0-9+/]{86}==", _after("AccountKey=")),
    (
        "Azure shared access",
        ("SharedAccessKey=",),
        r"SharedAccessKey=[A-Za-z0-9+/]{40,90}={0,2}",
        _after("SharedAccessKey="),
    ),
    ("Azure SAS", ("sig=",), r"sig=[A-Za-z0-9%+/]{40,}(?:%3D|=){1,2}", _after("sig=")),
    ("Azure client secret", ("Q~",), r"[A-Za-z0-9_~.\-]{3}[0-9]Q~[A-Za-z0-9_~.\-]{31,34}", _whole),
    ("SendGrid", ("SG.",), r"SG\.[A-Za-z0-9_\-]{16,32}\.[A-Za-z0-9_\-]{16,64}", _whole),
    ("Twilio", ("SK", "AC"), r"(?:SK|AC)[0-9a-f]{32}", _whole),
    ("Mailgun", ("key-",), r"key-[0-9a-z]{32}", _whole),
    ("Mailchimp", ("-us",), r"[0-9a-f]{32}-us[0-9]{1,2}", _whole),
    ("Brevo", ("xkeysib-", "xsmtpsib-"), r"x(?:key|smtp)sib-[0-9a-f]{64}-[A-Za-z0-9]{16}", _whole),
    ("npm", ("npm_",), r"npm_[A-Za-z0-9]{36}", _whole),
    ("PyPI", ("pypi-",), r"pypi-[A-Za-z0-9_\-]{50,}", _whole),
    ("RubyGems", ("rubygems_",), r"rubygems_[0-9a-f]{48}", _whole),
    ("Docker", ("dckr_",), r"dckr_(?:pat|oat)_[A-Za-z0-9_\-]{24,40}", _whole),
    ("DigitalOcean", ("_v1_",), r"do[por]_v1_[0-9a-f]{64}", _whole),
    ("Shopify", ("shpat_", "shpca_", "shppa_", "shpss_"), r"shp(?:at|ca|pa|ss)_[0-9A-Fa-f]{32}", _whole),
    ("Square", ("sq0", "EAAA"), r"sq0(?:atp|csp|idp)-[A-Za-z0-9_\-]{22,43}|EAAA[A-Za-z0-9_\-]{60}", _whole),
    ("Facebook", ("EAA",), r"EAA[A-Za-z0-9]{90,}", _whole),
    ("Mercado Pago", ("APP_USR-",), r"APP_USR-[0-9]{12,20}-[0-9]{6}-[0-9a-f]{32}-[0-9]{6,12}", _whole),
    ("Razorpay", ("rzp_",), r"rzp_(?:live|test)_[A-Za-z0-9]{14}", _whole),
    ("Flutterwave", ("FLWSECK",), r"FLWSECK(?:_TEST)?-[0-9A-Za-z]{12,40}-X", _whole),
    ("Telegram bot", (":AA",), r"[0-9]{8,10}:AA[A-Za-z0-9_\-]{32,33}", _telegram),
    ("Discord bot", (), r"[MNO][A-Za-z0-9_\-]{23,25}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,38}", _mixed),
    ("Discord webhook", ("/api/webhooks/",), r"/api/webhooks/[0-9]{17,20}/[A-Za-z0-9_\-]{60,80}", _after("/webhooks/")),
    ("JWT", ("eyJ",), r"eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}(?:\.[A-Za-z0-9_\-]*){0,3}", _whole),
    ("Mapbox", ("k.eyJ",), r"[ps]k\.eyJ[A-Za-z0-9_\-]{20,}\.[A-Za-z0-9_\-]{16,}", _whole),
    ("Databricks", ("dapi",), r"dapi[0-9a-f]{32}(?:-[0-9])?", _whole),
    ("Linear", ("lin_",), r"lin_(?:api|oauth)_[A-Za-z0-9]{32,64}", _whole),
    ("Postman", ("PMAK-",), r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}", _whole),
    ("New Relic", ("NRAK-", "NRJS-", "NRII-", "NRRA-"), r"NR(?:AK|JS|II|RA)-[A-Za-z0-9_\-]{19,42}", _whole),
    ("Cloudflare", ("v1.0-",), r"v1\.0-[0-9a-f]{24}-[0-9a-f]{146}", _whole),
    ("HashiCorp Vault", ("hvs.", "hvb.", "hvr."), r"hv[sbr]\.[A-Za-z0-9_\-]{24,}", _whole),
    ("Terraform", (".atlasv1.",), r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=\-]{60,80}", _whole),
    ("Doppler", ("dp.",), r"dp\.(?:pt|st|sa|ct|scim|audit)\.(?:[a-z0-9_\-]{2,35}\.)?[A-Za-z0-9]{40,44}", _whole),
    ("Grafana", ("glsa_", "glc_"), r"glsa_[A-Za-z0-9]{32}_[0-9A-Fa-f]{8}|glc_[A-Za-z0-9+/]{32,}={0,2}", _whole),
    ("Sentry", ("sntrys_", "sntryu_"), r"sntry[su]_[A-Za-z0-9+/=_]{40,}", _whole),
    ("Heroku", ("HRKU-",), r"HRKU-[A-Za-z0-9_\-]{30,70}", _whole),
    ("Atlassian", ("ATATT3", "ATCTT3"), r"AT[AC]TT3[A-Za-z0-9_=\-]{60,}", _whole),
    ("Figma", ("figd_",), r"figd_[A-Za-z0-9_\-]{40,60}", _whole),
    ("Notion", ("secret_", "ntn_"), r"(?:secret_[A-Za-z0-9]{43}|ntn_[A-Za-z0-9]{40,50})", _whole),
    ("Airtable", ("pat",), r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}", _whole),
    ("HubSpot", ("pat-",), r"pat-(?:na|eu)[0-9]-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", _whole),
    ("Supabase", ("sbp_", "sb_secret_"), r"sbp_[0-9a-f]{40}|sb_secret_[A-Za-z0-9_\-]{24,60}", _whole),
    ("PlanetScale", ("pscale_",), r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.\-]{32,64}", _whole),
    ("Fly.io", ("fm1", "fm2_"), r"fm(?:1[ar]|2)_[A-Za-z0-9+/=_\-]{60,}", _whole),
    ("Pulumi", ("pul-",), r"pul-[0-9a-f]{40}", _whole),
    ("Dropbox", ("sl.",), r"sl\.(?:u\.)?[A-Za-z0-9_\-]{100,}", _mixed),
    ("age", ("AGE-SECRET-KEY-1",), r"AGE-SECRET-KEY-1[A-Z0-9]{58}", _whole),
    (
        "Contentful, Netlify, Buildkite",
        ("CFPAT-", "nfp_", "bkua_"),
        r"CFPAT-[A-Za-z0-9_\-]{43}|nfp_[A-Za-z0-9]{36}|bkua_[0-9a-f]{40}",
        _whole,
    ),
    # --- further vendors
    ("AWS Bedrock", ("ABSK",), r"ABSK[A-Za-z0-9+/]{100,}={0,2}", _whole),
    ("Alibaba, Tencent", ("LTAI", "AKID"), r"LTAI[A-Za-z0-9]{16,24}|AKID[A-Za-z0-9]{32}", _mixed_short),
    ("Google refresh token", ("1//0",), r"1//0[A-Za-z0-9_\-]{40,}", _whole),
    ("Firebase messaging", (":APA91b",), r"AAAA[A-Za-z0-9_\-]{7}:APA91b[A-Za-z0-9_\-]{100,}", _whole),
    (
        "Braintree, PayPal",
        ("access_token$", "A21AA"),
        r"access_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}|A21AA[A-Za-z0-9_\-]{60,}",
        _whole,
    ),
    (
        "Pagar.me, Asaas, Lob",
        ("ak_", "ek_", "$aact_", "live_", "test_"),
        r"(?:ak|ek)_(?:live|test)_[A-Za-z0-9]{24,}|\$aact_[A-Za-z0-9_:=\-]{40,}|(?:live|test)_[0-9a-f]{35}",
        _whole,
    ),
    ("Mercado Pago, test", ("TEST-",), r"TEST-[0-9]{12,20}-[0-9]{6}-[0-9a-f]{32}-[0-9]{6,12}", _whole),
    (
        "Plaid",
        ("access-",),
        r"access-(?:sandbox|development|production)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        _whole,
    ),
    ("Adyen", ("AQE",), r"AQE[a-z0-9]{5}[A-Za-z0-9+/=]{60,}-[A-Za-z0-9+/=\-]{40,}", _whole),
    (
        "Shippo, EasyPost, Duffel",
        ("shippo_", "EZAK", "EZTK", "duffel_"),
        r"shippo_(?:live|test)_[0-9a-f]{40}|EZ[AT]K[A-Za-z0-9]{54}|duffel_(?:live|test)_[A-Za-z0-9_=\-]{43}",
        _whole,
    ),
    (
        "Pinecone, LangSmith, NVIDIA",
        ("pcsk_", "lsv2_", "nvapi-"),
        r"pcsk_[A-Za-z0-9_]{50,}|lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}|nvapi-[A-Za-z0-9_\-]{60,}",
        _whole,
    ),
    (
        "ElevenLabs, Fireworks, Tavily",
        ("sk_", "fw_", "tvly-"),
        r"sk_[0-9a-f]{48}|fw_[A-Za-z0-9]{22,24}|tvly-(?:dev-|prod-)?[A-Za-z0-9]{32}",
        _whole,
    ),
    (
        "Resend, Render, Vercel",
        ("re_", "rnd_", "vercel_"),
        r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}|rnd_[A-Za-z0-9]{28,32}|vercel_[a-z_]{2,12}_[A-Za-z0-9]{24,60}",
        _whole,
    ),
    ("1Password", ("ops_eyJ",), r"ops_eyJ[A-Za-z0-9+/=_\-]{100,}", _whole),
    ("Dynatrace", ("dt0",), r"dt0[a-zA-Z][0-9]{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}", _whole),
    (
        "Sourcegraph, Typeform, ReadMe",
        ("sgp_", "tfp_", "rdme_"),
        r"sgp_(?:[A-Za-z0-9]{16}_)?[0-9a-f]{40}|tfp_[A-Za-z0-9_=.\-]{59}|rdme_[a-z0-9]{70}",
        _whole,
    ),
    (
        "CircleCI, Prefect, Frame.io",
        ("CCIPAT_", "pnu_", "fio-u-"),
        r"CCIPAT_[A-Za-z0-9]{22}_[0-9a-f]{40}|pnu_[A-Za-z0-9]{36}|fio-u-[A-Za-z0-9_=\-]{64}",
        _whole,
    ),
    (
        "Artifactory, Clojars, NuGet, crates.io",
        ("AKCp", "CLOJARS_", "oy2", "cio"),
        r"AKCp[A-Za-z0-9]{69}|CLOJARS_[a-z0-9]{60}|oy2[a-z0-9]{43}|cio[A-Za-z0-9]{32}",
        _mixed,
    ),
    (
        "Databento, Defined, Adafruit, Scalingo",
        ("dnkey-", "aio_", "tk-us-"),
        r"dnkey-[A-Za-z0-9=_\-]{26}-[A-Za-z0-9=_\-]{52}|aio_[A-Za-z0-9]{28}|tk-us-[A-Za-z0-9_\-]{48}",
        _whole,
    ),
    (
        "Teams webhook",
        ("webhook.office.com/",),
        r"webhook\.office\.com/webhookb2/[A-Za-z0-9@\-]{36,80}/IncomingWebhook/[0-9a-f]{32}/[0-9a-f\-]{36}",
        _after(".com/"),
    ),
    (
        "Zapier, Google Chat webhook",
        ("hooks.zapier.com/", "chat.googleapis.com/"),
        r"hooks\.zapier\.com/hooks/catch/[0-9]{4,12}/[A-Za-z0-9]{5,12}"
        r"|chat\.googleapis\.com/v1/spaces/[A-Za-z0-9_\-]{8,20}/messages\?key=[A-Za-z0-9_\-&=%]{30,}",
        _after(".com/"),
    ),
    ("Okta, SSWS header", ("SSWS ",), r"SSWS 00[A-Za-z0-9_\-]{38,42}", _after("SSWS ")),
    (
        "LaunchDarkly",
        ("sdk-", "mob-", "api-"),
        r"(?:sdk|mob|api)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        _whole,
    ),
    (
        "Heroku, by its name",
        ("heroku", "HEROKU", "Heroku"),
        r"(?i:heroku)[^\n]{0,40}[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        _last(36),
    ),
    (
        "Datadog, by its name",
        ("atadog", "DATADOG", "DD_A", "dd_a"),
        r"(?i:datadog|dd_a(?:pi|pp)_?key)[^\n]{1,24}(?:[0-9a-f]{40}|[0-9a-f]{32})",
        _tail_hex,
    ),
    ("Bearer header", ("earer", "EARER"), r"(?:[Bb]earer|BEARER)\s{1,3}[A-Za-z0-9._~+/=\-]{16,}", _bearer),
    ("Basic header", (), r"(?:[Bb]asic|BASIC)\s{1,3}[A-Za-z0-9+/]{8,}={0,2}", _basic),
)
