"""Where the service runs: the CDK stack. `infra.aws` deploys it to AWS, `infra.local` to an emulator on a laptop."""
