"""The transform masks what it should, and keeps the contract."""

import pytest
from ftdata_mask_orders import MaskOrders

import ftdata
from ftdata.batch import conversations
from ftdata.testing import check_transform


def test_it_keeps_the_contract() -> None:
    check_transform(MaskOrders(prefix="LM-"))


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Where is LM-20418?", "Where is [ORDER]?"),
        ("LM-20418, LM-20419", "[ORDER], [ORDER]"),
        ("XLM-20418 and LM-20418b", "XLM-20418 and LM-20418b"),
        ("LM- 20418, LM-12, lm-20418", "LM- 20418, LM-12, lm-20418"),
        ("", ""),
    ],
)
def test_what_is_masked(text: str, masked: str) -> None:
    row = ftdata.Conversation(messages=(ftdata.user(text), ftdata.assistant("ok")), meta={"subject": text})
    [batch] = ftdata.to_batches([row])
    after = MaskOrders(prefix="LM-").apply(batch)
    [conversation] = conversations(after)
    assert conversation.messages[0].content == masked
    assert conversation.meta == {"subject": masked}
