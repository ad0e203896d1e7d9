"""What mongomock lacks of the driver: documents as bytes, and replacements that share a call."""

from typing import Any

from bson import decode, encode
from bson.raw_bson import RawBSONDocument
from mongomock import collection as mongomock_collection


class MockedDatabase:
    """A database of mongomock's whose collections also take documents as bytes, and give them."""

    def __init__(self, database: Any) -> None:
        self._database = database

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def __getitem__(self, name: str) -> Any:
        return self._database[name]

    def get_collection(self, name: str, codec_options: Any, **options: Any) -> Any:
        collection = _Collection(self._database.get_collection(name, **options))
        gives_bytes = issubclass(codec_options.document_class, RawBSONDocument)
        return _CollectionOfBytes(collection) if gives_bytes else collection


class _Collection:
    def __init__(self, collection: Any) -> None:
        self._collection = collection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._collection, name)

    async def replace_one(self, only_if: Any, document: Any, **options: Any) -> Any:
        return await self._collection.replace_one(only_if, _decoded(document), **options)


class _CollectionOfBytes:
    def __init__(self, collection: Any) -> None:
        self._collection = collection

    def find(self, query: Any) -> "_CursorOfBytes":
        return _CursorOfBytes(self._collection.find(query))


class _CursorOfBytes:
    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    async def to_list(self, length: int | None) -> list[RawBSONDocument]:
        return [RawBSONDocument(encode(one)) for one in await self._cursor.to_list(length)]


class _Bulk(mongomock_collection.BulkOperationBuilder):
    """What mongomock puts a bulk together by; newer drivers pass an argument more."""

    def add_replace(
        self,
        selector: Any,
        doc: Any,
        upsert: Any,
        collation: Any = None,
        hint: Any = None,
        sort: None = None,
    ) -> None:
        super().add_replace(selector, _decoded(doc), upsert, collation, hint)


# Collections find what puts their bulks together by this name alone.
vars(mongomock_collection)["BulkOperationBuilder"] = _Bulk


def _decoded(document: Any) -> Any:
    return decode(document.raw) if isinstance(document, RawBSONDocument) else document
