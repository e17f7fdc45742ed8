/* What is a label and what is none. */

#include "{{module}}.h"

#include "check.h"

static enum {{module}}_status parse(const char *text)
{
    struct {{module}}_label label;
    return {{module}}_label_parse(&label, text);
}

static void accepts(const char *text, const char *expected)
{
    struct {{module}}_label label;
    CHECK({{module}}_label_parse(&label, text) == {{module}}_OK);
    CHECK(strcmp(label.text, expected) == 0);
}

static void trims(void)
{
    accepts("  Shopping list\n", "Shopping list");
    accepts("x", "x");
}

static void accepts_scripts(void)
{
    accepts("Eink\xc3\xa4ufe", "Eink\xc3\xa4ufe");
    accepts("\xe8\xb2\xb7\xe3\x81\x84", "\xe8\xb2\xb7\xe3\x81\x84");
}

static void refuses_nothing(void)
{
    CHECK(parse("") == {{module}}_EMPTY);
    CHECK(parse(" ") == {{module}}_EMPTY);
    CHECK(parse("\t\r\n") == {{module}}_EMPTY);
}

static void length_limit(void)
{
    char text[{{module}}_LENGTH_MAX + 2];
    memset(text, 'x', sizeof text);
    text[{{module}}_LENGTH_MAX] = '\0';
    accepts(text, text);
    text[{{module}}_LENGTH_MAX] = 'x';
    text[{{module}}_LENGTH_MAX + 1] = '\0';
    CHECK(parse(text) == {{module}}_TOO_LONG);
}

static void refuses_control(void)
{
    CHECK(parse("two\nlines") == {{module}}_CONTROL);
    CHECK(parse("a\x1b[31mb") == {{module}}_CONTROL);
    CHECK(parse("a\x7f") == {{module}}_CONTROL);
}

static void failure_keeps_label(void)
{
    struct {{module}}_label label = {"before"};
    CHECK({{module}}_label_parse(&label, "") == {{module}}_EMPTY);
    CHECK(strcmp(label.text, "before") == 0);
}

static void explains(void)
{
    CHECK(strcmp({{module}}_status_text({{module}}_EMPTY), "a label must not be empty") == 0);
    CHECK(strstr({{module}}_status_text({{module}}_TOO_LONG), "80") != NULL);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"trims", trims},
        {"accepts-scripts", accepts_scripts},
        {"refuses-nothing", refuses_nothing},
        {"length-limit", length_limit},
        {"refuses-control", refuses_control},
        {"failure-keeps-label", failure_keeps_label},
        {"explains", explains},
    };
    const char *name = argc == 2 ? argv[1] : NULL;
    return run_test(tests, sizeof tests / sizeof tests[0], name);
}
