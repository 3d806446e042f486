"""The local stack: the product on this machine, on an emulator of AWS.

cli           the commands: python -m infra.local --help
local_stack   the stacks on the emulator, and the file that says where they are
deploy        CDK app → emulator, without the CDK's command line
tokens        access tokens as the user pool would issue them
log_stream    what the Lambdas log
samples/      functions to call, in a stack of their own
emulator/     the emulator: its process, and what is corrected in it
demo/         what `make demo` and `make demo-outage` show
interrupts, progress, waiting
              what a start that takes its time needs
"""
