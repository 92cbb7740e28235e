"""Root of a Merkle tree (RFC 6962, section 2.1) over a stream of entries; memory grows with log n."""

from hashlib import sha256

_LEAF, _NODE = b"\x00", b"\x01"


class MerkleTree:
    """A Merkle tree: add entries in order, then get the root."""

    def __init__(self) -> None:
        self.entries = 0
        # roots of complete trees of 2^k entries, the larger first: one for each bit of `entries`
        self._whole: list[bytes] = []

    def add(self, entry: bytes) -> None:
        node = sha256(_LEAF + entry).digest()
        self.entries += 1
        size = self.entries
        while size % 2 == 0:
            node = sha256(_NODE + self._whole.pop() + node).digest()
            size //= 2
        self._whole.append(node)

    def root(self) -> bytes:
        """Return the root over what was added so far, 32 bytes; without entries it is the SHA-256 of nothing."""
        if not self._whole:
            return sha256().digest()
        *larger, root = self._whole
        for node in reversed(larger):
            root = sha256(_NODE + node + root).digest()
        return root
