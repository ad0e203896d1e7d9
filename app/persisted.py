"""Documents by their SHA-256: those that clients register, or only those that a file lists.

A client sends `extensions: {persistedQuery: {version: 1, sha256Hash}}` in place of the document,
and, where the hash is not known, both of them once.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from app.answers import Refused

REGISTERED_CHARACTERS: Final = 4 << 20
"""How much text clients may register; what was asked for longest ago goes first."""


class Documents:
    """What stands behind hashes.

    Attributes:
        trusted: The only documents that are executed, by hash; None if any is.
    """

    def __init__(self, trusted: Mapping[str, str] | None = None) -> None:
        self.trusted = trusted
        self._texts = frozenset(trusted.values()) if trusted is not None else frozenset()
        self._registered: OrderedDict[str, str] = OrderedDict()
        self._characters = 0

    def document(self, query: str | None, extensions: Mapping[str, Any] | None) -> str | None:
        """Return the document that a request means; None if it names none.

        Raises:
            Refused: nobody knows the hash, it is another document's, or the document is not listed.
        """
        digest = _digest(extensions)
        if self.trusted is not None:
            return self._trusted(query, digest)
        if digest is None:
            return query
        if not query:
            return self._known(digest)
        if hashlib.sha256(query.encode()).hexdigest() != digest:
            raise Refused(400, "The `sha256Hash` is not that of the `query`.")
        self._register(digest, query)
        return query

    def _trusted(self, query: str | None, digest: str | None) -> str | None:
        if not query and digest is not None:
            return (self.trusted or {}).get(digest) or _unknown()
        if query and query not in self._texts:
            message = "Only documents that this service lists are executed."
            raise Refused(403, message, {"code": "FORBIDDEN"})
        return query

    def _known(self, digest: str) -> str:
        if digest not in self._registered:
            return _unknown()
        self._registered.move_to_end(digest)
        return self._registered[digest]

    def _register(self, digest: str, query: str) -> None:
        if digest not in self._registered and len(query) <= REGISTERED_CHARACTERS:
            self._registered[digest] = query
            self._characters += len(query)
        while self._characters > REGISTERED_CHARACTERS:
            _, forgotten = self._registered.popitem(last=False)
            self._characters -= len(forgotten)


def _digest(extensions: Mapping[str, Any] | None) -> str | None:
    match (extensions or {}).get("persistedQuery"):
        case None:
            return None
        case {"version": 1, "sha256Hash": str(digest)}:
            return digest
        case _:
            raise Refused(400, "The `persistedQuery` is no `{version: 1, sha256Hash}`.")


def _unknown() -> str:
    # Apollo's clients look for these words, and give up for good on another status.
    raise Refused(200, "PersistedQueryNotFound", {"code": "PERSISTED_QUERY_NOT_FOUND"})


def read_documents(path: Path) -> Mapping[str, str]:
    """Return the documents that a file lists, or all files of a folder, by hash.

    A `.graphql` file is one document. A `.json` file is a manifest: an object of hash to document,
    or what Apollo's tools write, `{"operations": [{"id", "body"}]}`.

    Raises:
        ValueError: there is nothing, or something else.
    """
    if path.is_dir():
        files = [p for p in sorted(path.iterdir()) if p.suffix in (".json", ".graphql", ".gql")]
    else:
        files = [path]
    documents = {digest: text for file in files for digest, text in _read(file)}
    if not documents:
        raise ValueError(f"{path} lists no document")
    return documents


def _read(file: Path) -> Iterator[tuple[str, str]]:
    try:
        content = file.read_bytes()
    except OSError as fault:
        raise ValueError(f"{file} cannot be read: {fault.strerror}") from None
    if file.suffix != ".json":
        yield hashlib.sha256(content).hexdigest(), content.decode()
        return
    try:
        manifest = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise ValueError(f"{file} is no JSON") from None
    match manifest:
        case {"operations": [*operations]}:
            entries = [(_of(operation, "id"), _of(operation, "body")) for operation in operations]
        case dict():
            entries = list(manifest.items())
        case _:
            entries = [(None, None)]
    for digest, text in entries:
        if not (isinstance(digest, str) and isinstance(text, str) and text):
            raise ValueError(f"{file} is no manifest of documents by hash")
        yield digest, text


def _of(operation: object, key: str) -> object:
    return operation.get(key) if isinstance(operation, dict) else None
