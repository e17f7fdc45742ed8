/* A label: a short text a person gave, checked once, when it is made. */

#include "{{module}}.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_control(char c)
{
    unsigned char byte = (unsigned char)c;
    return byte < 0x20 || byte == 0x7f;
}

enum {{module}}_status {{module}}_label_parse(struct {{module}}_label *label, const char *text)
{
    while (is_blank(*text))
        text++;
    size_t length = strlen(text);
    while (length > 0 && is_blank(text[length - 1]))
        length--;
    if (length == 0)
        return {{module}}_EMPTY;
    if (length > {{module}}_LENGTH_MAX)
        return {{module}}_TOO_LONG;
    for (size_t i = 0; i < length; i++) {
        if (is_control(text[i]))
            return {{module}}_CONTROL;
    }
    memcpy(label->text, text, length);
    label->text[length] = '\0';
    return {{module}}_OK;
}

const char *{{module}}_status_text(enum {{module}}_status status)
{
    switch (status) {
    case {{module}}_OK:
        return "the text is a label";
    case {{module}}_EMPTY:
        return "a label must not be empty";
    case {{module}}_TOO_LONG:
        return "a label has at most 80 bytes";
    case {{module}}_CONTROL:
        return "a label is one line of visible text";
    }
    return "this status does not exist";
}
