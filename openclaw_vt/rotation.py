"""A new signing key: what people said is signed anew, what VirusTotal said is asked again."""

from __future__ import annotations

from openclaw_vt.assembly import Assembly
from openclaw_vt.errors import KeyStoreError
from openclaw_vt.store import keys
from openclaw_vt.store.cache import Cache


def rotate(assembly: Assembly) -> int:
    """Make a new key and carry the cache over to it; returns how many records were signed anew. Raises GateError.

    A crash between the two steps costs the records, not the protection: under the new key none of the old ones counts.
    """
    store, old = assembly.key_store(), assembly.public()
    if not store.writable:
        raise KeyStoreError("There is no key store that could keep a new key.", remedy="See `openclaw-vt doctor`.")
    before = Cache(assembly.config.state_dir, public=old, clock=assembly.clock)
    signer = keys.rotate_signer(store, assembly.config.state_dir)
    if old is None:
        return 0
    return before.rekey(signer, vault=keys.open_head_vault(store)).appended
