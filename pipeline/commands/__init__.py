"""The command line, a file for each group. Heavy modules are imported inside commands, so that help is quick."""
