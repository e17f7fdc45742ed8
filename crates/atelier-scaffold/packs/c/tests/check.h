/* A test is a function that checks; the program runs the one its argument names. */

#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends the test as failed unless the condition holds. */
#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition)) {                                                    \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);    \
            exit(EXIT_FAILURE);                                                \
        }                                                                      \
    } while (0)

struct test {
    const char *name;
    void (*run)(void);
};

/* Runs the test of that name; 2 says that there is none. */
static inline int run_test(const struct test *tests, size_t count, const char *name)
{
    for (size_t i = 0; name != NULL && i < count; i++) {
        if (strcmp(tests[i].name, name) == 0) {
            tests[i].run();
            return EXIT_SUCCESS;
        }
    }
    fprintf(stderr, "there is no test `%s`\n", name == NULL ? "" : name);
    return 2;
}

#endif
