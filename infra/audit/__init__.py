"""The operator's audit: whether what is stored holds what the service promises.

command      the options, the exit codes, and what to do when it cannot be done
stacks       the stack that is audited, on this machine or on AWS
auditing     the story: read, check, look a second time, open seals
reading      table and bucket → records
records      what is remembered of an item, as little as the checks need
checks, object_checks
records → findings: pure, no AWS
opening      do sealed parts open under their labels?
findings     rules, findings, and the report of them
presenting   the report in a terminal and as JSON, and the progress
"""
