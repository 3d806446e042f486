"""GET /openapi.json of the deployed stack: what a tool needs that knows the URL only."""

from openapi_spec_validator import validate

from tests.stack.driver import Workspace


def test_anybody_may_read_the_description_and_learns_where_to_log_in(workspace: Workspace) -> None:
    local_stack = workspace.local_stack
    response = workspace.connection.get(f"{local_stack.api_url}/openapi.json")
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "public, max-age=300"
    document = response.json()
    validate(document)
    assert document["servers"] == [{"url": local_stack.outputs["ApiUrl"]}] == [{"url": local_stack.api_url}]
    login = document["components"]["securitySchemes"]["accessToken"]
    assert login["x-client-id"] == local_stack.outputs["UserPoolClientId"]
    assert login["x-issuer"].endswith(local_stack.outputs["UserPoolId"])
