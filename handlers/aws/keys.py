"""The keys of every item in the one table: `pk` and `sk`, each a text that says what kind of item it is.

RUN#{run}               RUN                     a run; in its partition, too:
                        NOTES                   its long texts, where they would make it too large
                        SEALED#{part}           parameters, overrides
                        SEALED#outcome#{id}     what came of one of its executions
                        OBJECT#{part}           an object in the bucket, and when to look whether it has expired
                        RERUN#{time}#{run}      a re-run of its lineage, on the original
                        ERASURE                 its content is being erased, and must not come back
EXPERIMENT#{id}         the same                an experiment on a run
BATCH#{id}              the same                a batch of re-runs; in its partition, too:
                        SOURCES                 the runs that it names
                        SEALED#overrides        what is laid over their parameters
GROUP#{ws}#{id}         the same                failures of one kind
FUNCTION#{id}           the same                a compute function
TRIGGER#{id}            the same                a function trigger
NAME#{ws}#{kind}#{name} the same                keeps a name one thing's alone
PATH#{ws}#{path}        the same                keeps a webhook's path one trigger's alone
CAPTURE#{Lambda}        WORKSPACE#{ws}          which functions capture the failures of a Lambda
REQUEST#{ws}#{digest}   the same                an idempotency key
SLOTS#{ws}              SLOT#{number}           a leased slot
SECRET#{purpose}        the same                a secret of the installation
AUDIT#{ws}#{s}          {time}#{act}            what somebody did
"""

Key = dict[str, str]

RUN, NOTES, SEALED, OBJECT, RERUN, ERASURE = "RUN", "NOTES", "SEALED#", "OBJECT#", "RERUN#", "ERASURE"
SOURCES = "SOURCES"
WORKSPACE, SLOT = "WORKSPACE#", "SLOT#"


def run(run_id: str) -> Key:
    return of_run(run_id, RUN)


def of_run(run_id: str, sort: str) -> Key:
    """Any item in a run's partition."""
    return {"pk": f"RUN#{run_id}", "sk": sort}


def part(run_id: str, part: str) -> Key:
    return of_run(run_id, f"{SEALED}{part}")


def object_entry(run_id: str, part: str) -> Key:
    return of_run(run_id, f"{OBJECT}{part}")


def erasure(run_id: str) -> Key:
    return of_run(run_id, ERASURE)


def edge(original_run_id: str, position: str) -> Key:
    return of_run(original_run_id, f"{RERUN}{position}")


def experiment(experiment_id: str) -> Key:
    return _alone(f"EXPERIMENT#{experiment_id}")


def batch(batch_id: str) -> Key:
    return _alone(f"BATCH#{batch_id}")


def of_batch(batch_id: str, sort: str) -> Key:
    """Another item in a batch's partition."""
    return {"pk": f"BATCH#{batch_id}", "sk": sort}


def error_group(workspace: str, group_id: str) -> Key:
    return _alone(f"GROUP#{workspace}#{group_id}")


def registered(kind: str, id_: str) -> Key:
    return _alone(f"{kind.upper()}#{id_}")


def name(workspace: str, kind: str, name: str) -> Key:
    return _alone(f"NAME#{workspace}#{kind}#{name}")


def path(workspace: str, path: str) -> Key:
    return _alone(f"PATH#{workspace}#{path}")


def capture(base_function_arn: str, workspace: str) -> Key:
    return {"pk": f"CAPTURE#{base_function_arn}", "sk": f"{WORKSPACE}{workspace}"}


def request(workspace: str, digest: str) -> Key:
    return _alone(f"REQUEST#{workspace}#{digest}")


def slot(workspace: str, number: int) -> Key:
    return {"pk": f"SLOTS#{workspace}", "sk": f"{SLOT}{number:04}"}


def secret(purpose: str) -> Key:
    return _alone(f"SECRET#{purpose}")


def act(workspace: str, shard: int, position: str) -> Key:
    return {"pk": f"AUDIT#{workspace}#{shard}", "sk": position}


def pair(key: Key) -> tuple[str, str]:
    """A key as `Table.get_many` names what it has found."""
    return key["pk"], key["sk"]


def _alone(name: str) -> Key:
    return {"pk": name, "sk": name}
