"""What the domain's ports promise, held by the fake that most tests use and by the adapter of AWS alike.

Each test runs twice, over the fake and over the real adapter on the emulator, and asserts what the port's docstrings say.
What only the adapter has (the shape of items and requests, paging of AWS's answers, parallel callers) is in tests/aws.
"""
