/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stands in for libFuzzer where a fuzz target runs as an ordinary test: every file of the named directories
 * (or the named files) goes through the target once, and so does each of its beginnings, since most bugs are
 * found at an end of input that nobody expected.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SEED_MAX = 1 << 20, PREFIXES_MAX = 512 };

static void feed(const uint8_t *data, size_t size)
{
    /* a copy of its own, so that a sanitizer sees every byte read behind it */
    uint8_t *exact = malloc(size ? size : 1);

    if (!exact)
        abort();
    if (size)
        memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static int feed_file(int fd)
{
    static uint8_t seed[SEED_MAX];
    ssize_t size = read(fd, seed, sizeof(seed));

    close(fd);
    if (size < 0)
        return -1;
    for (size_t length = 0; length < (size_t)size && length < PREFIXES_MAX; length++)
        feed(seed, length);
    feed(seed, (size_t)size);
    return 0;
}

static unsigned feed_path(int at, const char *name)
{
    int fd = openat(at, name, O_RDONLY | O_CLOEXEC);
    unsigned count = 0;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0) {
        perror(name);
        exit(EXIT_FAILURE);
    }
    if (S_ISDIR(st.st_mode)) {
        DIR *directory = fdopendir(fd);

        for (struct dirent *entry; directory && (entry = readdir(directory));)
            if (entry->d_name[0] != '.')
                count += feed_path(fd, entry->d_name);
        closedir(directory);
        return count;
    }
    if (feed_file(fd) < 0) {
        perror(name);
        exit(EXIT_FAILURE);
    }
    return 1;
}

int main(int argc, char **argv)
{
    unsigned count = 0;

    for (int i = 1; i < argc; i++)
        count += feed_path(AT_FDCWD, argv[i]);
    printf("%u seeds\n", count);
    return count ? EXIT_SUCCESS : EXIT_FAILURE;
}
