"""Rules about the images of a row."""

from __future__ import annotations

from collections.abc import Iterator

from ftdata.targets.example import Example, Hit, Params


def images(ex: Example) -> list[tuple[str, str]]:
    """Give the address of every image of a row and its path."""
    found = []
    for turn, path, part in ex.parts():
        holder = part.get("image_url")
        if turn.role == "user" and part["type"] == "image_url" and isinstance(holder, dict):
            url = holder.get("url")
            if isinstance(url, str):
                found.append((f"{path}.image_url.url", url))
    return found


def image_count(ex: Example, params: Params) -> Iterator[Hit]:
    """Want at most `maximum` images in a row."""
    if (count := len(images(ex))) > params["maximum"]:
        yield Hit("messages", f"there are {count} images in the row; {params['maximum']} are allowed")


def image_type(ex: Example, params: Params) -> Iterator[Hit]:
    """Want embedded images to be of one of these media `types`."""
    for path, url in images(ex):
        if url[:5].lower() == "data:" and url[5:60].split(";")[0].split(",")[0].lower() not in params["types"]:
            yield Hit(path, "the embedded image is none of: " + ", ".join(params["types"]))


def image_size(ex: Example, params: Params) -> Iterator[Hit]:
    """Want embedded images of at most `maximum_bytes`."""
    for path, url in images(ex):
        head, comma, data = url.partition(",")
        if comma and head[:5].lower() == "data:" and len(data) * 3 // 4 > params["maximum_bytes"]:
            yield Hit(path, f"the embedded image has {len(data) * 3 // 4} bytes; {params['maximum_bytes']} are allowed")
