/* The process: arguments in, output and an exit code out. */

#include "cli.h"

int main(int argc, char **argv)
{
    int count = argc > 0 ? argc - 1 : 0;
    return run(count, (const char *const *)argv + (argc > 0), stdout, stderr);
}
