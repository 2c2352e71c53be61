"""Answers over a network are made small; on one machine that would cost more than it saves."""

from aiohttp import web

LEAST = 4 * 1024
"""Bytes below which an answer goes as it is."""


def squeeze(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Let a large answer go out as gzip when its reader takes that."""
    body = response.body if isinstance(response, web.Response) else None
    if isinstance(body, bytes) and len(body) < LEAST:
        return
    response.headers["Vary"] = "Accept-Encoding"
    if _takes_gzip(request.headers.get("Accept-Encoding", "")):
        response.enable_compression(web.ContentCoding.gzip)


def _takes_gzip(accepted: str) -> bool:
    for each in accepted.lower().split(","):
        coding, _, weight = each.partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
