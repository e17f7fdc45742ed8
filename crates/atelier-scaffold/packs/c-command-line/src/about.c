/* The command `about`. */

#include "cli.h"

#include <string.h>

int about(int count, const char *const *arguments, FILE *output, FILE *messages)
{
    int json = 0;
    for (int i = 0; i < count; i++) {
        if (strcmp(arguments[i], "--json") == 0)
            json = 1;
        else if (arguments[i][0] == '-' && arguments[i][1] != '\0')
            return usage_error(messages, "there is no option", arguments[i]);
        else
            return usage_error(messages, "unexpected argument", arguments[i]);
    }
    /* None of the three texts has a character that JSON escapes. */
    const char *form = json ? "{\"name\": \"%s\", \"version\": \"%s\", \"summary\": \"%s\"}\n"
                            : "%s %s\n%s.\n";
    fprintf(output, form, PROGRAM_NAME, PROGRAM_VERSION, PROGRAM_SUMMARY);
    return SUCCESS;
}
