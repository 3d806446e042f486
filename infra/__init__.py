"""Where the service runs: the CDK stack. `infra.local` puts the same stack on a laptop."""
