"""The command line: converts arguments and prints results, nothing else."""
