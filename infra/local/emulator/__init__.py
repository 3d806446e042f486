"""The emulator of AWS. `process` starts it; all else here runs inside it (`python -m infra.local.emulator`).

corrections/        its defects that the product would notice, a file for each emulated service
scheduler, cron     when EventBridge Scheduler fires, and what it hands over
worker              the emulator's side of one execution environment of a Lambda function
worker_script       the function's side: what its process lacks of AWS's runtime
forking/            starts such processes by fork, which spares them their imports
"""
