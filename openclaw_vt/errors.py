"""One tree of errors. Each says what happened, why, and what to do next; the CLI turns them into exit codes."""

from typing import NamedTuple


class Diagnostics(NamedTuple):
    """What a person is told about an error: three plain sentences, each possibly empty."""

    what: str
    why: str
    remedy: str


class GateError(Exception):
    """Base of every error this package raises on purpose. `exit_code` follows the command-line contract."""

    exit_code = 4

    def __init__(self, what: str, *, why: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.remedy = remedy

    def diagnostics(self) -> Diagnostics:
        """Return what happened, why, and what to do next."""
        return Diagnostics(self.what, self.why, self.remedy)

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.why, self.remedy) if part)


class UsageError(GateError):
    """The command line asks for something that cannot be done."""

    exit_code = 2


class ConfigError(GateError):
    """A configuration file or variable holds something we do not understand."""

    exit_code = 2


class SkillUnreadable(GateError):  # noqa: N818 - it names the state of the skill, like the coverage entry it becomes
    """The path is no skill, cannot be read at all, or is refused as a whole (over limits, hostile archive)."""

    exit_code = 3


class KeyStoreError(GateError):
    """A key could not be read or written; the remedy names the backend."""

    exit_code = 2


class SignatureInvalid(GateError):  # noqa: N818 - the name of the check that failed, as in the DSSE documents
    """A signature, an envelope or a key did not verify. Nothing it covers may be used."""


class StatementInvalid(GateError):  # noqa: N818 - see SignatureInvalid
    """Bytes that verified do not parse as the statement they claim to be."""


class CacheError(GateError):
    """The cache could not be written or is not to be trusted as a whole."""


class Refused(GateError):  # noqa: N818 - the gate did its work: the answer is no
    """A person asked for something that the policy blocks."""

    exit_code = 1


class Interrupted(GateError):  # noqa: N818 - Ctrl-C is no fault
    """The person pressed Ctrl-C."""

    exit_code = 130
