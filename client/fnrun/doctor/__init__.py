"""What `fnrun doctor` looks at."""
