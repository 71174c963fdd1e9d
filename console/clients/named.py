"""The customer or company whom somebody names on a command line: by an identity, a case, or what people remember."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_fixed

from console.clients.support import Support, company, customer
from profiles.errors import Busy, NotFound, WrongUse

__all__ = ["named"]

_MOST = 5  # customers in a message
_COMPANY = "company:"


def named(api: Support, text: str) -> dict[str, Any]:
    """The document of the one customer or company that is meant, with what it is called as `label`.

    Args:
        api: of Rapport.
        text: TYPE:VALUE, company:NAME, the id of a case or a profile, or what `rapport find` takes.

    Raises:
        NotFound: nobody is meant by it, or nobody has this case.
        Busy: the search was not done in time, however often it was asked.
        WrongUse: several may be meant; the message says how to name each.
    """
    text = text.strip()
    if text.startswith("cs_"):
        return _document(api, api.call("GET", f"/v1/cases/{quote(text, safe='')}")["profile"])
    if text.startswith(_COMPANY):
        return _company(api, text.removeprefix(_COMPANY))
    if ":" in text:
        return api.call("GET", customer(text))
    found = _search(api, text)
    hits = [hit for hit in found["data"] if hit["exact"]] or found["data"]
    if not hits:
        raise NotFound(
            f"nobody is found by {text!r}; give the beginning of a name or an e-mail address, an order, a ticket, or "
            "TYPE:VALUE such as user_id:42, or company:NAME"
        )
    if len(hits) > 1 or (found["more"] and not hits[0]["exact"]):
        raise WrongUse(f"{text!r} may be several: {_several(hits)}; say which")
    return _document(api, hits[0]["profile"])


@retry(retry=retry_if_exception_type(Busy), stop=stop_after_attempt(10), wait=wait_fixed(0.2), reraise=True)
def _search(api: Support, text: str) -> dict[str, Any]:
    found = api.call("GET", "/v1/search", params={"q": text, "limit": _MOST + 1})
    if found["timed_out"] and not any(hit["exact"] for hit in found["data"]):
        raise Busy(f"the search for {text!r} was not done in time; try again, or give TYPE:VALUE such as user_id:42")
    return found


def _document(api: Support, profile: str) -> dict[str, Any]:
    if profile.startswith("~"):
        return _company(api, profile)
    return api.call("GET", customer(f"profile_id:{profile}"))


def _company(api: Support, name: str) -> dict[str, Any]:
    found = api.call("GET", company(name))
    trait = found["traits"].get("name") or {}
    return {**found, "label": trait.get("value") or found["company"]}


def _several(hits: list[dict[str, Any]]) -> str:
    known = [
        f"{hit['label'] or 'a visitor'} ({hit['matched']['kind']} {hit['matched']['value_masked']}) is "
        + (f"profile_id:{hit['profile']}" if hit["company"] is None else f"{_COMPANY}{hit['company']}")
        for hit in hits[:_MOST]
    ]
    return "; ".join(known) + ("; and more" if len(hits) > _MOST else "")
