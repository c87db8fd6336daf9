/* One TCP connection, plain or TLS, read through a buffer. Shared by the sink and the limit. */
#ifndef WIRE_H
#define WIRE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

enum { WIRE_BUFFER = 256 * 1024 };

/* What was read and not yet used is buffer[start..end). */
typedef struct {
    int fd;
    SSL *tls; /* NULL: plain */
    double bytes_per_second; /* 0: as fast as it goes */
    double due;              /* when what was taken so far may be over */
    size_t start, end;
    char buffer[WIRE_BUFFER];
} Wire;

double now(void); /* monotonic seconds */
void pause_until(double when);

bool wire_open(Wire *wire, int fd, SSL_CTX *context, bool server);
void wire_close(Wire *wire);
bool wire_send(Wire *wire, const char *bytes, size_t count);

/* Read more into the buffer; false: the peer has ended, or the buffer is full. */
bool wire_fill(Wire *wire);

/* Move past the next `count` bytes, whether they are in the buffer or yet to come. */
bool wire_skip(Wire *wire, size_t count);

/* Wait until the buffer holds `mark`; return what stands before it, ended by NUL, and move past
 * it. NULL: the peer has ended. */
char *wire_until(Wire *wire, const char *mark);

#endif
