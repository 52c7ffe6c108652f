"""Pages that come whole from this package and ask nobody else.

Their files stand below a name that changes with them, so that browsers may keep them for good.
"""

import hashlib
from importlib.resources import files

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
# Besides what server/security.py says for every page: no program of a page makes markup of text.
_NO_MARKUP = "require-trusted-types-for 'script'; trusted-types 'none'"


class Page:
    """index.html and the files that it names as `web/VERSION/NAME`.

    Args:
        folders: of this package; a file of a later one stands for one of the same name before it.
    """

    def __init__(self, *folders: str):
        found: dict[str, bytes] = {}
        for folder in folders:
            place = files("codegem.server") / folder
            shown = [file for file in place.iterdir() if file.name.rpartition(".")[2] in _TYPES]
            found |= {file.name: file.read_bytes() for file in shown}
        digest = hashlib.sha256()
        for name in sorted(found):
            digest.update(name.encode() + b"\0" + hashlib.sha256(found[name]).digest())
        self._files, self._version = found, digest.hexdigest()[:16]

    def index(self) -> Response:
        """The page itself."""
        headers = {"Cache-Control": "no-cache", "Content-Security-Policy": _NO_MARKUP, "Vary": "Accept"}
        content = self._files["index.html"].replace(b"VERSION", self._version.encode())
        return Response(content, 200, headers, _TYPES["html"])

    def route(self) -> Route:
        """Its files."""

        async def file(request: Request) -> Response:
            name = request.path_params["name"]
            if request.path_params["version"] != self._version or name not in self._files:
                raise HTTPException(404)
            headers = {"Cache-Control": "public, max-age=31536000, immutable"}
            return Response(self._files[name], 200, headers, _TYPES[name.rpartition(".")[2]])

        return Route("/web/{version}/{name}", file)
