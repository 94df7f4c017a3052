"""What the reference shows of `pii`: a row for each type and style, all made up."""

from __future__ import annotations

from ftdata.stages import Example

_KEYS = ("ghp" + "_" + "a1B2c3D4e5F6g7H8i9J0" * 2)[:40]  # put together here, so that no scanner takes it for a leak

EXAMPLES: tuple[Example, ...] = (
    Example(
        "`email`: one address has one number in its conversation, upper or lower case.",
        rows=(("Write to ana@example.com or bia@example.com.", "I wrote to Ana@Example.com."),),
        fields={"types": ("email",)},
    ),
    Example(
        "`url-credentials`: user and password; the host stays.",
        rows=(("It fails at postgres://shop:pa55word@db.example.com/orders", "Is the password still valid?"),),
        fields={"types": ("url-credentials",)},
    ),
    Example(
        "`phone`: by the plan of its country or a word beside it; not an order number; then also as bare digits.",
        rows=(
            ("My number is (212) 555-0147, order 2125550199.", "Thank you."),
            ("Me liga no (11) 90555-0123", "Ligamos para 11905550123."),
        ),
        fields={"types": ("phone",)},
    ),
    Example(
        "`ip`: addresses of hosts, not versions.",
        rows=(("The server 192.168.7.31 runs version 4.2.1.9", "Is 2001:db8::8a2e:370:7334 up?"),),
        fields={"types": ("ip",)},
    ),
    Example(
        "`card`: check digit and a network's first digits, solid or grouped.",
        rows=(("I paid with 4111 1111 1111 1111", "The card 4111111111111112 has a typo."),),
        fields={"types": ("card",)},
    ),
    Example(
        "`iban`: check digits and the country's length.",
        rows=(("Mi cuenta es ES91 2100 0418 4502 0005 1332", "Gracias."),),
        fields={"types": ("iban",)},
    ),
    Example(
        "`ssn`: ranges that are given out; with spaces only beside a word for it.",
        rows=(("My SSN is 123 45 6789", "Thank you."),),
        fields={"types": ("ssn",)},
    ),
    Example(
        "`cpf` and `cnpj`: check digits; without punctuation only where the conversation names the document.",
        rows=(("Meu CPF é 529.982.247-25, o da minha esposa 11144477735.", "E o CNPJ 11.222.333/0001-81?"),),
        fields={"types": ("cpf", "cnpj")},
    ),
    Example(
        "`rg` and `cep`: their form beside a word for them.",
        rows=(("RG 12.345.678-9, CEP 01310-100", "Pedido 01310-100 anotado."),),
        fields={"types": ("rg", "cep")},
    ),
    Example(
        "`dni`, `nie` and `nif`: their letter or digit; a Portuguese NIF beside a word for it.",
        rows=(
            ("Mi DNI es 12345678Z, el NIE de mi marido X1234567L", "Gracias."),
            ("O meu NIF é 501964843", "Obrigado."),
        ),
        fields={"types": ("dni", "nie", "nif")},
    ),
    Example(
        "`pis`, `cnh`, `voter-id`, `cns` of Brazil: check digits beside a word for them.",
        rows=(("PIS 062.54391.42-6, CNH 36418595960", "Título de eleitor 1801 0707 2208, SUS 705 5255 6228 6735."),),
        fields={"types": ("pis", "cnh", "voter-id", "cns")},
    ),
    Example(
        "`niss`, `citizen-card` of Portugal, `nuss` of Spain.",
        rows=(("NISS 17231857449, cartão de cidadão 21254312 6 ZY4", "El NUSS 28/49458775/64, por favor."),),
        fields={"types": ("niss", "citizen-card", "nuss")},
    ),
    Example(
        "`curp`, `rfc` of Mexico, `cuit` of Argentina, `rut` of Chile, `ruc` of Peru, `nit` of Colombia, `cedula`.",
        rows=(
            ("CURP XEXX010101HNEXXXA4, RFC GODE561231GR8", "CUIT 20-98725211-2, RUT 92.411.041-4"),
            ("RUC 20460306966, NIT 900.123.456-7", "Cédula 1.020.304.050"),
        ),
        fields={"types": ("curp", "rfc", "cuit", "rut", "ruc", "nit", "cedula")},
    ),
    Example(
        "`nino`, `vat`, `plate`, `passport`, `license`: their form beside a word for them.",
        rows=(
            ("NINO AB 12 34 56 C, VAT IT23760081010", "Placa ABC1D23, passport AB123456, driver license D1234-56789"),
        ),
        fields={"types": ("nino", "vat", "plate", "passport", "license")},
    ),
    Example(
        "`secret`: the shapes of known keys, and what is assigned to a password.",
        rows=((f"The key is {_KEYS}, senha: Abc12345", "Please change both."),),
        fields={"types": ("secret",)},
    ),
    Example(
        "`name`: whom a column, a greeting or a signature names is found in the whole conversation, in part too; "
        "`Will` at the head of a question is the word.",
        rows=(
            (
                "Hello, it broke again.\nBest regards,\nAnna Lindqvist",
                "Hi Anna, will Ms Lindqvist be at home? Will you?",
            ),
            ("Olá, a Rosa já viu meu pedido de flores rosa?\nAtt, João Prado", "Sim, João! A Rosa respondeu."),
        ),
        fields={"types": ("name",)},
        meta=({"customer": "Anna Lindqvist"}, {"agent": "Rosa Brandão"}),
    ),
    Example(
        "`name`: a team, a firm or a role is nobody.",
        rows=(("Hi Team,\nDear Customer Service, prezados,\nThanks,\nAcme Store", "Bom dia, pessoal!"),),
        fields={"types": ("name",)},
        meta=({"customer": "Padaria Trigo Dourado"},),
    ),
    Example(
        "The style `hash`: one value has one token in the whole dataset, by a key that only you have.",
        rows=(("Write to ana@example.com", "I wrote to Ana@example.com."), ("ana@example.com again", "Hello!")),
        fields={"style": "hash", "key": "env:FTDATA_PII_KEY"},
    ),
    Example(
        "The style `surrogate`: made-up values of the same kind and shape, from ranges that nobody is given.",
        rows=(
            (
                "I am at ana.m@example.com, call (212) 555-7264.\nRegards,\nAnna Lindqvist",
                "Hi Anna, we wrote to ana.m@example.com.",
            ),
            ("CPF 529.982.247-25, cartão 5555 5555 5555 4444, IP 81.4.122.7", "Obrigado!"),
        ),
        fields={"style": "surrogate", "seed": 7},
    ),
    Example(
        "`styles` sets single types apart.",
        rows=(("ana.m@example.com paid with 5555 5555 5555 4444", "Thank you."),),
        fields={"styles": {"card": "surrogate"}},
    ),
)
