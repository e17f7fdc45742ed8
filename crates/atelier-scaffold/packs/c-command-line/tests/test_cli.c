/* How arguments are understood and what the program answers. */

#include "cli.h"

#include "check.h"

enum { TEXT_MAX = 4096 };

/* What one invocation leaves behind. */
static struct {
    int code;
    char output[TEXT_MAX];
    char messages[TEXT_MAX];
} outcome;

static FILE *open_stream(void)
{
    FILE *stream = tmpfile();
    CHECK(stream != NULL);
    return stream;
}

static void read_stream(FILE *stream, char *text)
{
    rewind(stream);
    text[fread(text, 1, TEXT_MAX - 1, stream)] = '\0';
    fclose(stream);
}

static void invoke(int count, const char *const *arguments)
{
    FILE *output = open_stream();
    FILE *messages = open_stream();
    outcome.code = run(count, arguments, output, messages);
    read_stream(output, outcome.output);
    read_stream(messages, outcome.messages);
}

#define INVOKE(...)                                                            \
    invoke((int)(sizeof(const char *[]){__VA_ARGS__} / sizeof(const char *)),  \
           (const char *[]){__VA_ARGS__})

static void succeeded(const char *expected)
{
    CHECK(outcome.code == SUCCESS);
    CHECK(strcmp(outcome.output, expected) == 0);
    CHECK(outcome.messages[0] == '\0');
}

static void refused(const char *mentions)
{
    CHECK(outcome.code == USAGE_ERROR);
    CHECK(outcome.output[0] == '\0');
    CHECK(strstr(outcome.messages, mentions) != NULL);
    CHECK(strstr(outcome.messages, "--help") != NULL);
}

static void help(void)
{
    INVOKE("--help");
    CHECK(outcome.code == SUCCESS);
    CHECK(strstr(outcome.output, "Usage: " PROGRAM_NAME " ") != NULL);
    CHECK(strstr(outcome.output, "about") != NULL);
    INVOKE("-h");
    CHECK(outcome.code == SUCCESS);
}

static void version(void)
{
    INVOKE("--version");
    succeeded(PROGRAM_NAME " " PROGRAM_VERSION "\n");
    INVOKE("-V");
    succeeded(PROGRAM_NAME " " PROGRAM_VERSION "\n");
}

static void unknown_option(void)
{
    INVOKE("--colour");
    refused("`--colour`");
    INVOKE("about", "--colour");
    refused("`--colour`");
}

static void unknown_command(void)
{
    INVOKE("abuot");
    refused("`abuot`");
    INVOKE("about [--json]");
    refused("`about [--json]`");
    INVOKE("");
    refused("``");
}

static void missing_command(void)
{
    invoke(0, NULL);
    refused("a command is missing");
}

static void about_text(void)
{
    INVOKE("about");
    succeeded(PROGRAM_NAME " " PROGRAM_VERSION "\n" PROGRAM_SUMMARY ".\n");
}

static void about_json(void)
{
    INVOKE("about", "--json");
    succeeded("{\"name\": \"" PROGRAM_NAME "\", \"version\": \"" PROGRAM_VERSION
              "\", \"summary\": \"" PROGRAM_SUMMARY "\"}\n");
}

static void argument_too_many(void)
{
    INVOKE("about", "now");
    refused("`now`");
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"help", help},
        {"version", version},
        {"unknown-option", unknown_option},
        {"unknown-command", unknown_command},
        {"missing-command", missing_command},
        {"about", about_text},
        {"about-json", about_json},
        {"argument-too-many", argument_too_many},
    };
    const char *name = argc == 2 ? argv[1] : NULL;
    return run_test(tests, sizeof tests / sizeof tests[0], name);
}
