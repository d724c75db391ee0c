"""Where the mappings are kept: a document in the configuration folder."""

from __future__ import annotations

from pathlib import Path

from server.midi.mappings.map_file import FILE_NAME, KIND, book_of, document_of
from server.midi.mappings.mapping_table import MappingTable
from server.system.callbacks import Then
from server.system.file_worker import FileWorker
from server.system.json_document import JsonDocument


class MappingStore:
    """Reads once at the start; writes each change, in the thread of ``errands``."""

    def __init__(self, folder: Path | None, errands: FileWorker) -> None:
        """Without a ``folder`` mappings end with the program."""
        self._document = JsonDocument(folder / FILE_NAME, KIND) if folder else None
        self._errands = errands

    def read(self) -> MappingTable:
        """What was learned before; nothing where that cannot be understood, which is kept aside."""
        return (self._document and self._document.read(book_of)) or MappingTable()

    def write(self, book: MappingTable, then: Then) -> None:
        """Keep ``book``; ``then`` is told when it lies on the disk, or why not."""
        if self._document is None:
            then(None)
            return
        document, content = self._document, document_of(book)
        self._errands.do(
            lambda: document.write(content),
            lambda _: then(None),
            lambda why: then(f"in force, but not kept: {why}"),
        )
