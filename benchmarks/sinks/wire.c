/* One TCP connection: the cheapest way to read and write it that we know. */
#define _GNU_SOURCE
#include "wire.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Seconds that a capped connection may be ahead before it sleeps: a sleep is never exact. */
static const double SLACK = 0.002;
/* Seconds of silence that a capped connection may make up for. */
static const double CATCH_UP = 0.05;

/* Bytes that have to come before a thread that wastes them is woken. To wake it is charged to whoever
 * sends, and costs more than the bytes where processors are virtual; over a network it would be
 * another machine's affair. (Whoever has a send buffer smaller than this waits for delayed ACKs:
 * none of our clients sets one.) */
enum { NAP = 1024 * 1024 };

double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

void pause_until(double when) {
    double left = when - now();
    if (left <= 0) return;
    struct timespec time = {(time_t)left, (long)((left - (double)(time_t)left) * 1e9)};
    nanosleep(&time, NULL);
}

/* Keep to the cap after `count` bytes were taken. */
static void pace(Wire *wire, size_t count) {
    if (wire->bytes_per_second <= 0) return;
    double time = now();
    if (wire->due < time - CATCH_UP) wire->due = time - CATCH_UP;
    wire->due += (double)count / wire->bytes_per_second;
    if (wire->due > time + SLACK) pause_until(wire->due);
}

bool wire_open(Wire *wire, int fd, SSL_CTX *context, bool server) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    wire->fd = fd;
    wire->tls = NULL;
    wire->bytes_per_second = wire->due = 0;
    wire->start = wire->end = 0;
    if (context == NULL) return true;
    wire->tls = SSL_new(context);
    SSL_set_fd(wire->tls, fd);
    return (server ? SSL_accept(wire->tls) : SSL_connect(wire->tls)) == 1;
}

void wire_close(Wire *wire) {
    if (wire->tls) SSL_free(wire->tls);
    close(wire->fd);
}

bool wire_send(Wire *wire, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t sent = wire->tls ? SSL_write(wire->tls, bytes, (int)count)
                                 : send(wire->fd, bytes, count, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes += sent;
        count -= (size_t)sent;
    }
    return true;
}

static ssize_t take(Wire *wire, char *into, size_t room) {
    return wire->tls ? SSL_read(wire->tls, into, (int)room) : recv(wire->fd, into, room, 0);
}

bool wire_fill(Wire *wire) {
    if (wire->start > 0) {
        memmove(wire->buffer, wire->buffer + wire->start, wire->end - wire->start);
        wire->end -= wire->start;
        wire->start = 0;
    }
    if (wire->end == WIRE_BUFFER) return false;
    ssize_t got = take(wire, wire->buffer + wire->end, WIRE_BUFFER - wire->end);
    if (got <= 0) return false;
    wire->end += (size_t)got;
    return true;
}

/* Take bytes that nobody wants: with TCP alone the kernel need not even copy them. */
static ssize_t waste(Wire *wire, size_t count) {
    if (count > WIRE_BUFFER) count = WIRE_BUFFER;
#ifdef __linux__
    if (!wire->tls) return recv(wire->fd, NULL, count, MSG_TRUNC);
#endif
    return take(wire, wire->buffer, count);
}

static void wake_at(Wire *wire, int bytes) {
    setsockopt(wire->fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
}

bool wire_skip(Wire *wire, size_t count) {
    size_t held = wire->end - wire->start;
    size_t used = count < held ? count : held;
    wire->start += used;
    count -= used;
    pace(wire, used);
    /* What the TLS library has read ahead will not come again: there must be that much more. */
    const size_t least = NAP + WIRE_BUFFER;
    bool napping = wire->bytes_per_second <= 0 && count > 2 * least;
    if (napping) wake_at(wire, NAP);
    while (count > 0) {
        ssize_t got = waste(wire, count);
        if (got <= 0) return false;
        count -= (size_t)got;
        pace(wire, (size_t)got);
        if (napping && count <= least) wake_at(wire, 1), napping = false;
    }
    return true;
}

char *wire_until(Wire *wire, const char *mark) {
    size_t length = strlen(mark);
    for (;;) {
        char *begin = wire->buffer + wire->start;
        char *found = memmem(begin, wire->end - wire->start, mark, length);
        if (found) {
            *found = '\0';
            wire->start = (size_t)(found - wire->buffer) + length;
            return begin;
        }
        if (!wire_fill(wire)) return NULL;
    }
}
