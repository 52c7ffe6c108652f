"""What of an answer stands in the corpus of the server's index, for clients that ask with `trace`.

`trace` and `copies` are fields of ours, and an answer has the second only where a request has the first, so that no
client is sent what it does not know. Which index it is says whoever starts the server, and no request.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from codegem.assist.attribution import copies_in, record
from codegem.assist.completion import Plan
from codegem.errors import UserError
from codegem.generate import Chunk, Request
from codegem.server import schema
from codegem.server.filling import in_thread
from codegem.server.live import Drafted
from codegem.server.state import ServerState

TRACE = schema.flag("Tell in `copies` what of the answer stands in the corpus of the server's index.", default=False)
COPIES = {
    "copies": schema.items(
        schema.record(
            {
                "start": schema.whole(0, None, "Characters of the answer."), "end": schema.whole(0),
                "tokens": schema.whole(1, None, "Of the answer, as the index counts them."),
                "repository": schema.text(), "path": schema.text(), "licence": schema.text(),
                "language": schema.text(), "last_line": schema.whole(1),
                "line": schema.whole(1, None, "Of the file, where the run begins, which may be before the cursor."),
                "others": schema.whole(0, None, "Files besides this one that hold it or a part of it."),
            }
        ),
        "Where `trace` was asked for: in the answer, or the last part of a stream.",
    )
}  # fmt: skip


class Tracing:
    """The texts of one answer, looked up as they end.

    Args:
        body: of the request.
        jobs: what the texts are asked for by.

    Raises:
        UserError: `trace` is asked for, and there is no index.
    """

    def __init__(self, state: ServerState, body: Mapping[str, Any], jobs: Sequence[Request | Plan | Drafted]):
        self._index = state.index if body["trace"] else None
        self._metrics = state.metrics
        self._prompts = [(job if isinstance(job, Request) else job.request).prompt for job in jobs]
        self._texts = [""] * len(jobs)
        if body["trace"] and not state.index:
            raise UserError(
                "trace is asked for, and this server has no index of a corpus; start it with --trace FOLDER."
            )

    async def fields(self, chunk: Chunk) -> dict[str, Any]:
        """What an answer's last part has besides, once all parts of the text were told of here; else nothing."""
        if self._index is None:
            return {}
        self._texts[chunk.index] += chunk.text
        if chunk.stop_reason is None:
            return {}
        text = self._texts[chunk.index]
        copies = await in_thread(len(text), copies_in, text, self._index, self._prompts[chunk.index])
        if self._metrics:
            self._metrics.traced(bool(copies))
        return {"copies": record(copies)}
