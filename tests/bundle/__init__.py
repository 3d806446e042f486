"""What is shipped to Lambda, run as Lambda runs it: by AWS's own runtime client, from the bundle alone."""
