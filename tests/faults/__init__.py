"""Fault injection: what can go wrong with a call, in one table, and where it is injected.

kinds          the kinds of fault, and AWS's error codes for them by service
answers        AWS's error answers in their exact shapes
client         into a botocore client of the test's own process: the nth call to an operation, or the next answers
wire, proxy    between the deployed Lambdas and the emulator: rules for a proxy, by operation and share of its calls
ports          into the fakes of the domain's ports
"""
