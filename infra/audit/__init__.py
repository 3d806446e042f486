"""The operator's audit: whether what is stored holds what the service promises.

command      the options, the exit codes, and what to do when it cannot be done
stacks       the stack that is audited, on this machine or on AWS
auditing     its steps: read, check, look a second time, open sealed parts
reading      table and bucket → records
records      what is kept of an item: as little as the checks need
checks, batch_checks, object_checks
records → findings: pure, no AWS
opening      can the sealed parts be opened?
findings     rules, findings, and the report of them
presenting   the report in a terminal and as JSON, and the progress
"""
