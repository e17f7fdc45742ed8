"""{{title}}: an HTTP service on the standard library."""

NAME = "{{name}}"
VERSION = "0.1.0"
SUMMARY = {{summary_string}}
