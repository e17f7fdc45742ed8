/* The front door: what is not declared here is private. */

#ifndef INCLUDED_{{module}}_H
#define INCLUDED_{{module}}_H

#ifdef __cplusplus
extern "C" {
#endif

/* The most bytes a label may have, without the zero at its end. */
#define {{module}}_LENGTH_MAX 80

/* A label: one line of visible text without blanks around it, neither empty nor too long. */
struct {{module}}_label {
    char text[{{module}}_LENGTH_MAX + 1];
};

/* Why a text is no label; zero is success. */
enum {{module}}_status {
    {{module}}_OK = 0,
    {{module}}_EMPTY,
    {{module}}_TOO_LONG,
    {{module}}_CONTROL
};

/* Makes a label of a text that ends with a zero byte; blanks around it are dropped.
   A label that cannot be made stays as it was. */
enum {{module}}_status {{module}}_label_parse(struct {{module}}_label *label, const char *text);

/* What a status means, for people. */
const char *{{module}}_status_text(enum {{module}}_status status);

#ifdef __cplusplus
}
#endif

#endif
