"""in-toto Statements v1 about a skill: a verification, a person's acceptance, a revocation, a reinstatement.

The verification predicate carries the fields of SLSA's verification summary (verifier, timeVerified, resourceUri, policy,
verificationResult) and, beyond them, the list of files, VirusTotal's answers by digest, a sequence number and a last valid day.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from openclaw_vt.errors import StatementInvalid
from openclaw_vt.model import strict_json
from openclaw_vt.model.subject import TREE_FORMAT, Digest, Entry, parse_digest

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
MAX_STATEMENT_BYTES = 6 * 1024 * 1024


class Kind(StrEnum):
    """What a record states; the value is its predicate type."""

    VERIFICATION = "urn:openclaw-vt:skill-verification:v1"
    ACCEPTANCE = "urn:openclaw-vt:skill-acceptance:v1"
    REVOCATION = "urn:openclaw-vt:skill-revocation:v1"
    REINSTATEMENT = "urn:openclaw-vt:skill-reinstatement:v1"


Basis = Literal["accepted", "baseline", "own", "bundled"]
Result = Literal["PASSED", "FAILED"]


class Draft(NamedTuple):
    """A statement before it has its place in the chain. Times are epoch seconds UTC.

    `detail` is the kind's own part of the predicate: plain JSON values only.
    """

    kind: Kind
    tree: Digest
    name: str
    time: int
    policy: Digest | None = None
    result: Result | None = None
    not_after: int | None = None
    resource: str = ""
    detail: dict[str, Any] = {}  # noqa: RUF012 - nobody writes into a statement's detail


class Statement(NamedTuple):
    """A draft with its place: `sequence` counts from 1, `previous` is the SHA-256 of the envelope before it."""

    draft: Draft
    sequence: int
    previous: Digest | None


def rfc3339(seconds: int) -> str:
    """Return epoch seconds as an RFC 3339 time in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: object) -> int:
    """Return the epoch seconds of a time that `rfc3339` wrote. Raises ValueError for any other form."""
    if not isinstance(text, str) or len(text) != len("2026-01-01T00:00:00Z"):
        raise ValueError("not a time in UTC")
    # fromisoformat, not strptime: the latter imports locale and calendar, which a cache hit must not pay for.
    moment = datetime.fromisoformat(text)
    if moment.replace(tzinfo=None).isoformat() + "Z" != text:
        raise ValueError("not a time in UTC")
    return int(moment.timestamp())


def tree_listing(entries: tuple[Entry, ...]) -> dict[str, Any]:
    """Return the `tree` part of a predicate: the files that the digest covers. Undecodable path bytes stay surrogate escapes."""
    return {
        "format": TREE_FORMAT,
        "files": [
            {"path": entry.path, "size": entry.size, "exec": entry.executable, "sha256": entry.sha256}
            for entry in entries
            if entry.kind == "file" and entry.role == "content"
        ],
        "others": [
            {"path": entry.path, "kind": entry.kind, "target": entry.target}
            for entry in entries
            if entry.kind != "file" and entry.role == "content"
        ],
    }


def serialise(statement: Statement, *, verifier: str, version: str) -> bytes:
    """Return the bytes to sign."""
    draft = statement.draft
    predicate: dict[str, Any] = {
        "verifier": {"id": verifier, "version": {"openclaw-vt": version}},
        "timeVerified": rfc3339(draft.time),
        "sequence": statement.sequence,
        "previous": {"sha256": statement.previous} if statement.previous else None,
        "resourceUri": draft.resource,
    }
    if draft.policy is not None:
        predicate["policy"] = {"uri": "urn:openclaw-vt:policy", "digest": {"sha256": draft.policy}}
    if draft.result is not None:
        predicate["verificationResult"] = draft.result
    if draft.not_after is not None:
        predicate["notAfter"] = rfc3339(draft.not_after)
    return strict_json.dumps(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": draft.name, "digest": {"sha256": draft.tree}}],
            "predicateType": draft.kind.value,
            "predicate": predicate | {"detail": draft.detail},
        }
    )


def parse(payload: bytes) -> Statement:
    """Parse verified bytes as one of our statements. Raises StatementInvalid; unknown predicate fields are ignored (SLSA)."""
    try:
        return _parse(payload)
    except (ValueError, OverflowError) as error:
        raise StatementInvalid("The signed bytes are no statement of ours.", why=str(error)[:200]) from None


def _parse(payload: bytes) -> Statement:
    body = strict_json.take(
        strict_json.loads(payload, max_bytes=MAX_STATEMENT_BYTES),
        {"_type": str, "subject": list, "predicateType": str, "predicate": dict},
        where="statement",
    )
    if body["_type"] != STATEMENT_TYPE or len(body["subject"]) != 1:
        raise ValueError("not an in-toto Statement v1 about one subject")
    subject = strict_json.take(body["subject"][0], {"name": str, "digest": dict}, where="subject")
    if set(subject["digest"]) != {"sha256"}:
        raise ValueError("the subject has another digest than SHA-256")
    predicate = strict_json.take(
        body["predicate"],
        {"timeVerified": str, "sequence": int, "resourceUri": str, "detail": dict},
        where="predicate",
    )
    draft = Draft(
        kind=Kind(body["predicateType"]),
        tree=parse_digest(subject["digest"]["sha256"]),
        name=subject["name"],
        time=parse_time(predicate["timeVerified"]),
        policy=_policy(predicate.get("policy")),
        result=_result(predicate.get("verificationResult")),
        not_after=parse_time(predicate["notAfter"]) if "notAfter" in predicate else None,
        resource=predicate["resourceUri"],
        detail=predicate["detail"],
    )
    if draft.kind is Kind.VERIFICATION and None in (draft.policy, draft.result, draft.not_after):
        raise ValueError("a verification without policy, result or notAfter")
    if predicate["sequence"] < 1:
        raise ValueError("a sequence number below 1")
    return Statement(draft, predicate["sequence"], _previous(predicate.get("previous")))


def _policy(value: Any) -> Digest | None:
    if value is None:
        return None
    digest = strict_json.take(value, {"digest": dict}, where="policy")["digest"]
    return parse_digest(digest.get("sha256"))


def _previous(value: Any) -> Digest | None:
    if value is None:
        return None
    return parse_digest(strict_json.take(value, {"sha256": str}, where="previous")["sha256"])


def _result(value: Any) -> Result | None:
    if value is None:
        return None
    if value == "PASSED":
        return "PASSED"
    if value == "FAILED":
        return "FAILED"
    raise ValueError("an unknown verificationResult")
