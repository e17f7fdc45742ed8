/* Arguments become one command, or a usage error that names the argument. */

#include "cli.h"

#include <stddef.h>
#include <string.h>

struct command {
    const char *name;
    const char *summary;
    int (*run)(int count, const char *const *arguments, FILE *output, FILE *messages);
};

/* Every command, in the order of the help text. */
static const struct command COMMANDS[] = {
    {"about [--json]", "Say what this program is", about},
};

#define COMMANDS_COUNT (sizeof COMMANDS / sizeof COMMANDS[0])

int usage_error(FILE *messages, const char *mistake, const char *argument)
{
    fprintf(messages, "%s: %s", PROGRAM_NAME, mistake);
    if (argument != NULL)
        fprintf(messages, " `%s`", argument);
    fprintf(messages, "\nTry `%s --help`.\n", PROGRAM_NAME);
    return USAGE_ERROR;
}

static int print_help(FILE *output)
{
    fprintf(output, "%s.\n\nUsage: %s [OPTIONS] COMMAND\n\nCommands:\n", PROGRAM_SUMMARY,
            PROGRAM_NAME);
    for (size_t i = 0; i < COMMANDS_COUNT; i++)
        fprintf(output, "  %-16s %s\n", COMMANDS[i].name, COMMANDS[i].summary);
    fputs("\nOptions:\n"
          "  -h, --help       Print this text\n"
          "  -V, --version    Print the version\n",
          output);
    return SUCCESS;
}

/* Whether a command has this name; what follows the first blank is its usage. */
static int is_named(const struct command *command, const char *name)
{
    size_t length = strcspn(command->name, " ");
    return strlen(name) == length && strncmp(command->name, name, length) == 0;
}

static int dispatch(int count, const char *const *arguments, FILE *output, FILE *messages)
{
    if (count == 0)
        return usage_error(messages, "a command is missing", NULL);
    const char *first = arguments[0];
    if (strcmp(first, "-h") == 0 || strcmp(first, "--help") == 0)
        return print_help(output);
    if (strcmp(first, "-V") == 0 || strcmp(first, "--version") == 0) {
        fprintf(output, "%s %s\n", PROGRAM_NAME, PROGRAM_VERSION);
        return SUCCESS;
    }
    if (first[0] == '-' && first[1] != '\0')
        return usage_error(messages, "there is no option", first);
    for (size_t i = 0; i < COMMANDS_COUNT; i++) {
        if (is_named(&COMMANDS[i], first))
            return COMMANDS[i].run(count - 1, arguments + 1, output, messages);
    }
    return usage_error(messages, "there is no command", first);
}

int run(int count, const char *const *arguments, FILE *output, FILE *messages)
{
    int code = dispatch(count, arguments, output, messages);
    if (fflush(output) != 0 || ferror(output)) {
        fprintf(messages, "%s: the output cannot be written\n", PROGRAM_NAME);
        return FAILURE;
    }
    return code;
}
