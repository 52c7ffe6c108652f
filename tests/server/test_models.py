"""Which model is served."""

import pytest

from .serving import Served

openai = pytest.importorskip("openai", reason="the openai package is not installed")


def test_the_list_and_the_model(nano: Served):
    with openai.OpenAI(base_url=f"{nano.url}/v1", api_key="any") as client:
        (model,) = client.models.list().data
        assert (model.id, model.object, model.owned_by) == ("nano", "model", "codegem") and model.created > 10**9
        assert client.models.retrieve("nano").id == "nano"
        with pytest.raises(openai.NotFoundError, match="nano"):
            client.models.retrieve("google/codegemma-2b")
    row = nano.client.get("/v1/models").json()["data"][0]
    assert row["context_length"] == nano.service.context_length and row["can_chat"] is False
