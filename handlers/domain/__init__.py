"""What the service does, without AWS: each story names the ports it needs beside itself."""
