"""The CDK stack. `infra.aws` deploys it to AWS, `infra.local` to an emulator on this machine."""
