/* As much of HTTP/1.1 as a sink needs: heads, bodies to keep or to skip, short answers. */
#ifndef HTTP_H
#define HTTP_H

#include "wire.h"

enum { LONGEST_BODY = 1024 * 1024 };

typedef struct {
    Wire *wire;
    char method[8];
    char target[4096]; /* path and query, as sent */
    char host[256];
    long length;        /* bytes of the body; 0 while it is chunked */
    bool chunked, expects, last; /* Transfer-Encoding, 100-continue, Connection: close */
} Request;

/* Read the next head; false: there is none. */
bool read_head(Wire *wire, Request *request);

/* Read the body, at most LONGEST_BODY of it, ended by NUL; NULL: it did not arrive. */
char *read_body(Request *request);

/* Move past the body; return its bytes, or -1 if it did not arrive. */
long skip_body(Request *request);

/* `headers` are whole lines, each ended by CRLF. */
bool answer(Request *request, int status, const char *headers, const char *body);

#endif
