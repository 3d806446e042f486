from infra.local.emulator.process import Emulator
from infra.local.log_stream import LogStream
from tests.infra.local.functions import MakeFunction


def test_the_log_stream_gives_every_line_once(emulator: Emulator, a_function: MakeFunction) -> None:
    function = a_function("def handler(event, context):\n    print(event)\n    print(event)\n")
    name = function.arn.rsplit(":", 1)[1]
    stream = LogStream(emulator.client("logs"), emulator.client("lambda"))
    for word in ("first", "second"):
        function.invoke(word)
        lines = [line for logged_by, line in stream.unread() if logged_by == name]
        assert [line for line in lines if line in {"first", "second"}] == [word, word]
    assert [function for function, _ in stream.unread() if function == name] == []
