"""Small chat templates that differ in what they mark: what TRL makes of each is kept in `stock_templates.json`."""

from __future__ import annotations

_OPEN = "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' %}"
_SHUT = "{% else %}{{ m.content }}<|im_end|>{% endif %}\n{% endfor %}"
_PLAIN = "{{ m.content }}<|im_end|>"

SMALL = {
    "marked": f"{_OPEN}{{% generation %}}{_PLAIN}{{% endgeneration %}}{_SHUT}",
    "trimmed": f"{_OPEN}{{%- generation -%}}{_PLAIN}{{%- endgeneration -%}}{_SHUT}",
    "marked, end not": f"{_OPEN}{{% generation %}}{{{{ m.content }}}}{{% endgeneration %}}<|im_end|>{_SHUT}",
    "marked, nothing in it": f"{_OPEN}{_PLAIN}{{% generation %}}{{% endgeneration %}}{_SHUT}",
    "last answer": f"{_OPEN}{{% if loop.last %}}{{% generation %}}{_PLAIN}{{% endgeneration %}}{{% else %}}{_PLAIN}"
    f"{{% endif %}}{_SHUT}",
    "user marked": f"{_OPEN}{_PLAIN}{{% else %}}{{% generation %}}{_PLAIN}{{% endgeneration %}}"
    "{% endif %}{% endfor %}",
    "no system": "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    f"{_OPEN}{{% generation %}}{_PLAIN}{{% endgeneration %}}{_SHUT}",
    "plain": f"{_OPEN}{_PLAIN}{_SHUT}",
    "comment": f"{{# {{% generation %}} #}}{_OPEN}{_PLAIN}{_SHUT}",
    "raw": f"{{% raw %}}{{% generation %}}{{% endraw %}}{_OPEN}{_PLAIN}{_SHUT}",
    "plus sign": f"{_OPEN}{{%+ generation %}}{_PLAIN}{{% endgeneration %}}{_SHUT}",
}
ROWS = (
    (("user", "hello"), ("assistant", "hi")),
    (("system", "be brief"), ("user", "hello"), ("assistant", "hi")),
    (("user", "hello"), ("assistant", "hi"), ("user", "why?"), ("assistant", "so")),
    (("user", "hello"),),
)
"""What is asked: one answer, a system's word before it, two answers, none."""
