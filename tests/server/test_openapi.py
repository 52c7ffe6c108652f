"""The OpenAPI document and its page: whole, valid, and true to what the server does."""

import re

import jsonschema
import pytest
from starlette.routing import Route

from .serving import Served


def test_every_route_of_every_surface_is_in_it(fake: Served) -> None:
    document = fake.client.get("/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    asked = {
        "/v1/completions", "/v1/chat/completions", "/v1/models", "/infill", "/api/generate", "/api/chat", "/api/tags",
        "/api/show", "/api/version", "/api/ps", "/v1/fim/completions", "/v1/events", "/v1/health",
        "/v1beta/server_setting", "/metrics", "/health", "/openapi.json",
    }  # fmt: skip
    assert asked <= set(document["paths"])
    ids = [one["operationId"] for methods in document["paths"].values() for one in methods.values()]
    assert len(ids) == len(set(ids))


def test_it_is_openapi(fake: Served) -> None:
    validator = pytest.importorskip("openapi_spec_validator", reason="openapi-spec-validator is not installed")
    validator.validate(fake.client.get("/openapi.json").json())


def test_its_schemas_are_json_schema(fake: Served) -> None:
    paths = fake.client.get("/openapi.json").json()["paths"]
    bodies = [one["requestBody"] for methods in paths.values() for one in methods.values() if "requestBody" in one]
    assert len(bodies) > 8
    for body in bodies:
        jsonschema.Draft202012Validator.check_schema(body["content"]["application/json"]["schema"])


def test_the_page_works_offline_and_names_every_path(fake: Served) -> None:
    page = fake.client.get("/docs").text
    for path in fake.client.get("/openapi.json").json()["paths"]:
        assert path in page
    assert "segments.prefix" in page and "echo" in page  # both bodies of one path
    links = re.findall(r'(?:href|src)="([^"]*)"', page)
    assert links and all(link.startswith("/") and not link.startswith("//") for link in links)
    assert "<script" not in page and "style=" not in page
    assert fake.client.get("/docs/style.css").headers["content-type"].startswith("text/css")


def test_tabbys_body_is_told_beside_openais(fake: Served) -> None:
    body = fake.client.get("/openapi.json").json()["paths"]["/v1/completions"]["post"]["requestBody"]
    fields = [set(one["properties"]) for one in body["content"]["application/json"]["schema"]["anyOf"]]
    assert any("prompt" in one for one in fields) and any("segments" in one for one in fields)


def test_routes_without_a_declaration_are_left_out() -> None:
    from codegem.server.openapi import described, document

    @described("One", "x")
    async def one(request: object) -> None: ...

    async def other(request: object) -> None: ...

    found = document([Route("/one/{name:path}", one), Route("/other", other)], "1")
    assert list(found["paths"]) == ["/one/{name}"]
    assert found["paths"]["/one/{name}"]["get"]["parameters"][0]["name"] == "name"
