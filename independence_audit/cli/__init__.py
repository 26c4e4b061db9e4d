"""The command line: commands, progress, files, exit codes; no logic of its own."""
