/* As much of HTTP/1.1 as a sink needs. Trusts its clients: they are ours. */
#define _GNU_SOURCE
#include "http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void read_header(Request *request, char *line) {
    char *value = strchr(line, ':');
    if (!value) return;
    *value++ = '\0';
    value += strspn(value, " ");
    if (!strcasecmp(line, "content-length")) request->length = atol(value);
    if (!strcasecmp(line, "transfer-encoding")) request->chunked = strcasestr(value, "chunked");
    if (!strcasecmp(line, "expect")) request->expects = strcasestr(value, "100-continue");
    if (!strcasecmp(line, "connection")) request->last = strcasestr(value, "close");
    if (!strcasecmp(line, "host")) snprintf(request->host, sizeof request->host, "%s", value);
}

bool read_head(Wire *wire, Request *request) {
    memset(request, 0, sizeof *request);
    request->wire = wire;
    char *rest = wire_until(wire, "\r\n\r\n");
    if (!rest) return false;
    char *line = strsep(&rest, "\r");
    if (sscanf(line, "%7s %4095s", request->method, request->target) != 2) return false;
    while ((line = strsep(&rest, "\r"))) read_header(request, line + 1);
    return true;
}

static bool welcome(Request *request) {
    const char *go = "HTTP/1.1 100 Continue\r\n\r\n";
    return !request->expects || wire_send(request->wire, go, strlen(go));
}

static long skip_chunks(Request *request) {
    long total = 0;
    for (;;) {
        char *line = wire_until(request->wire, "\r\n");
        if (!line) return -1;
        long size = strtol(line, NULL, 16);
        if (size == 0) break;
        if (!wire_skip(request->wire, (size_t)size + 2)) return -1;
        total += size;
    }
    for (char *trailer; (trailer = wire_until(request->wire, "\r\n"));)
        if (!*trailer) return total;
    return -1;
}

long skip_body(Request *request) {
    if (!welcome(request)) return -1;
    if (request->chunked) return skip_chunks(request);
    return wire_skip(request->wire, (size_t)request->length) ? request->length : -1;
}

char *read_body(Request *request) {
    Wire *wire = request->wire;
    if (request->chunked || request->length > LONGEST_BODY || !welcome(request)) return NULL;
    size_t length = (size_t)request->length, done = 0;
    char *body = malloc(length + 1);
    while (body && done < length) {
        if (wire->start == wire->end && !wire_fill(wire)) return free(body), NULL;
        size_t held = wire->end - wire->start, used = held < length - done ? held : length - done;
        memcpy(body + done, wire->buffer + wire->start, used);
        wire->start += used;
        done += used;
    }
    if (body) body[length] = '\0';
    return body;
}

bool answer(Request *request, int status, const char *headers, const char *body) {
    char *text = NULL;
    int length = asprintf(&text,
                          "HTTP/1.1 %d Done\r\n%sContent-Length: %zu\r\n%s\r\n%s", status, headers,
                          strlen(body), request->last ? "Connection: close\r\n" : "", body);
    bool sent = length >= 0 && wire_send(request->wire, text, (size_t)length);
    free(text);
    return sent && !request->last;
}
