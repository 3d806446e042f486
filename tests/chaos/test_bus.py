import json
from pathlib import Path
from uuid import uuid4

from infra.local.local_stack import LocalStack
from tests.chaos.bus import delivered_twice
from tests.stack.driver import TeamFunction, until

NOTES = "def handler(event, context):\n    open(event['detail']['file'], 'a').write('x')\n"


def test_an_event_of_the_lifecycle_bus_can_be_delivered_twice(local_stack: LocalStack, tmp_path: Path) -> None:
    events, bus, rule_name = (
        local_stack.client("events"),
        local_stack.outputs["LifecycleBusName"],
        f"notes-{uuid4().hex[:8]}",
    )
    function, file = TeamFunction(local_stack).deploy(NOTES), tmp_path / "deliveries"
    events.put_rule(Name=rule_name, EventBusName=bus, EventPattern=json.dumps({"source": [rule_name]}))
    events.put_targets(Rule=rule_name, EventBusName=bus, Targets=[{"Id": "notes", "Arn": function.arn}])
    before = events.list_rules(EventBusName=bus)["Rules"]
    event = {"EventBusName": bus, "Source": rule_name, "DetailType": "Note", "Detail": json.dumps({"file": str(file)})}

    with delivered_twice(local_stack) as twins:
        assert twins == len(before)
        events.put_events(Entries=[event])
        until(lambda: file.exists() and file.read_text() == "xx")

    assert events.list_rules(EventBusName=bus)["Rules"] == before
    events.remove_targets(Rule=rule_name, EventBusName=bus, Ids=["notes"])
    events.delete_rule(Name=rule_name, EventBusName=bus)
