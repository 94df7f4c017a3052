"""The checks that come with ftdata: they look at a dataset and judge it; `STAGES` says where each one stands."""

from __future__ import annotations

STAGES: dict[str, str] = {
    "balance": "balance:Balance",
    "diversity": "diversity:Diversity",
    "format": "format:Format",
    "lengths": "lengths:Lengths",
    "private-data": "private_data:PrivateData",
    "size": "size:Size",
    "tokens": "tokens:Tokens",
}
