"""{{title}}: the program without its process."""

NAME = "{{name}}"
VERSION = "0.1.0"
SUMMARY = {{summary_string}}
