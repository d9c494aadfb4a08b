"""Keys and where they are kept.

A cache hit needs one name from here, `load_public`, and a few milliseconds matter to it: the other names are loaded when they are
first used, and no import of this package loads `keyring` or `cryptography`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openclaw_vt.store.keys.public import load_public

if TYPE_CHECKING:
    from openclaw_vt.store.keys.file import FileStore
    from openclaw_vt.store.keys.head_vault import HeadVault, open_head_vault
    from openclaw_vt.store.keys.interface import (
        CACHE_HEAD,
        SIGNING_KEY,
        VIRUSTOTAL_KEY,
        Backend,
        BackendChoice,
        InMemoryStore,
        KeyStore,
        NoStore,
    )
    from openclaw_vt.store.keys.opening import open_store
    from openclaw_vt.store.keys.secret import SecretText
    from openclaw_vt.store.keys.signer import Ed25519Signer, ensure_signer, load_signer, rotate_signer
    from openclaw_vt.store.keys.virustotal import (
        KeyStatus,
        VirusTotalKey,
        child_environment,
        delete_virustotal_key,
        key_status,
        set_virustotal_key,
        virustotal_key,
    )

__all__ = [
    "CACHE_HEAD",
    "SIGNING_KEY",
    "VIRUSTOTAL_KEY",
    "Backend",
    "BackendChoice",
    "Ed25519Signer",
    "FileStore",
    "HeadVault",
    "InMemoryStore",
    "KeyStatus",
    "KeyStore",
    "NoStore",
    "SecretText",
    "VirusTotalKey",
    "child_environment",
    "delete_virustotal_key",
    "ensure_signer",
    "key_status",
    "load_public",
    "load_signer",
    "open_head_vault",
    "open_store",
    "rotate_signer",
    "set_virustotal_key",
    "virustotal_key",
]

_MODULES = {
    "file": ("FileStore",),
    "head_vault": ("HeadVault", "open_head_vault"),
    "interface": (
        "CACHE_HEAD",
        "SIGNING_KEY",
        "VIRUSTOTAL_KEY",
        "Backend",
        "BackendChoice",
        "InMemoryStore",
        "KeyStore",
        "NoStore",
    ),
    "opening": ("open_store",),
    "secret": ("SecretText",),
    "signer": ("Ed25519Signer", "ensure_signer", "load_signer", "rotate_signer"),
    "virustotal": (
        "KeyStatus",
        "VirusTotalKey",
        "child_environment",
        "delete_virustotal_key",
        "key_status",
        "set_virustotal_key",
        "virustotal_key",
    ),
}


if not TYPE_CHECKING:  # mypy would take any misspelled name for something this function returns

    def __getattr__(name: str) -> Any:
        """Load the module that holds `name` (PEP 562)."""
        from importlib import import_module

        for module, names in _MODULES.items():
            if name in names:
                return getattr(import_module(f"{__name__}.{module}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
