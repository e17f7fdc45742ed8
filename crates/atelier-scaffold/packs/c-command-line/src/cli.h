/* The program without its process. */

#ifndef CLI_H
#define CLI_H

#include <stdio.h>

#define PROGRAM_NAME "{{name}}"
#define PROGRAM_VERSION "0.1.0"
#define PROGRAM_SUMMARY {{summary_string}}

/* Exit codes. */
enum { SUCCESS = 0, FAILURE = 1, USAGE_ERROR = 2 };

/* Does what the arguments after the program's name ask for; returns the exit code. */
int run(int count, const char *const *arguments, FILE *output, FILE *messages);

/* Reports a mistake in the arguments; `argument` may be null. Returns the exit code. */
int usage_error(FILE *messages, const char *mistake, const char *argument);

/* The commands: each gets the arguments after its name. */
int about(int count, const char *const *arguments, FILE *output, FILE *messages);

#endif
