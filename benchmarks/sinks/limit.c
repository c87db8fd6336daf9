/* The physical limit: PUT a file's chunks over N kept connections, with nothing in the way.
 *
 *     limit HOST PORT tls|plain FILE CHUNK_BYTES WORKERS
 *
 * Each thread reads a piece of the page-cached file and writes it, nothing else: no control calls,
 * no URLs, no checks. Prints what it cost as JSON, in the words of the other clients.
 */
#define _GNU_SOURCE
#include "wire.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 256 * 1024 };

static struct sockaddr_in server;
static SSL_CTX *context;
static int file;
static long file_size, chunk_size;
static atomic_long next_chunk;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static bool send_body(Wire *wire, char *piece, long offset, long left) {
    while (left > 0) {
        ssize_t got = pread(file, piece, (size_t)(left < PIECE ? left : PIECE), offset);
        if (got <= 0 || !wire_send(wire, piece, (size_t)got)) return false;
        offset += got;
        left -= got;
    }
    return true;
}

static bool put(Wire *wire, char *piece, long chunk) {
    char head[256];
    long offset = chunk * chunk_size;
    long size = file_size - offset < chunk_size ? file_size - offset : chunk_size;
    int length = snprintf(head, sizeof head,
                          "PUT /store/limit/%ld HTTP/1.1\r\nHost: localhost\r\n"
                          "Content-Length: %ld\r\n\r\n",
                          chunk + 1, size);
    if (!wire_send(wire, head, (size_t)length) || !send_body(wire, piece, offset, size))
        return false;
    char *answer = wire_until(wire, "\r\n\r\n"); /* a PUT's answer has no body */
    return answer && strstr(answer, " 200 ") != NULL;
}

static void *work(void *nothing) {
    (void)nothing;
    Wire *wire = malloc(sizeof *wire);
    char *piece = malloc(PIECE);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (!wire || !piece || connect(fd, (struct sockaddr *)&server, sizeof server))
        fail("connect");
    if (!wire_open(wire, fd, context, false)) fail("TLS");
    long chunk;
    while ((chunk = atomic_fetch_add(&next_chunk, 1)) * chunk_size < file_size)
        if (!put(wire, piece, chunk)) fail("PUT");
    wire_close(wire);
    return NULL;
}

static double cpu_seconds(void) {
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

/* The most resident memory so far, in MB. */
static double peak(void) {
    const char *name = "VmHWM:";
    char line[256];
    long kilobytes = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, name, strlen(name)) == 0) kilobytes = atol(line + strlen(name));
    if (status) fclose(status);
    return (double)kilobytes * 1024 / 1e6;
}

static void run(int workers) {
    pthread_t threads[workers];
    for (int i = 0; i < workers; i++) pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < workers; i++) pthread_join(threads[i], NULL);
}

int main(int count, char **words) {
    if (count != 7) return fputs("HOST PORT tls|plain FILE CHUNK_BYTES WORKERS\n", stderr), 2;
    struct stat status;
    server.sin_family = AF_INET;
    server.sin_port = htons((unsigned short)atoi(words[2]));
    inet_pton(AF_INET, words[1], &server.sin_addr);
    if (strcmp(words[3], "tls") == 0) context = SSL_CTX_new(TLS_client_method());
    file = open(words[4], O_RDONLY);
    if (file < 0 || fstat(file, &status)) fail(words[4]);
    file_size = status.st_size;
    chunk_size = atol(words[5]);
    double before = peak(), cpu = cpu_seconds(), began = now();
    run(atoi(words[6]));
    printf("{\"wall_s\": %.6f, \"cpu_s\": %.6f, \"rss_before_mb\": %.3f, \"peak_rss_mb\": %.3f, "
           "\"disk_mb\": 0}\n",
           now() - began, cpu_seconds() - cpu, before, peak());
    return 0;
}
