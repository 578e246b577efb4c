"""What can be said of a spec before anything is sent: reach, verification, tests and differences. Pure."""
