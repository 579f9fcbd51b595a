// The boost plugin; appends a byte to a file each time it is loaded.

#include "../../plugins/boost/boost.c"

#include <stdio.h>

__attribute__((constructor)) static void count(void) {
    FILE *file = fopen(COUNTED_IN, "a");
    if (file) {
        fputc('1', file);
        fclose(file);
    }
}
