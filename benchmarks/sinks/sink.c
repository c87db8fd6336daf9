/* A server that takes uploads and keeps nothing, as cheaply as can be: a thread a connection.
 *
 *     sink CERTIFICATE.pem [chunk_size=BYTES] [latency_ms=N] [cap=BYTES_PER_SECOND] [cuts=N]
 *
 * Prints its two ports as JSON and ends with standard input. `GET /__stats` returns what came since
 * `POST /__reset?chunk_size=...&latency_ms=...&cap=...&cuts=...`, whose query sets what the words set.
 */
#define _GNU_SOURCE
#include "platform.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define ETAG "d41d8cd98f00b204e9800998ecf8427e"

/* Every PUT's, for nothing is hashed here: who compares them sends the same bytes again and again. */
static char proof[64] = "ETag: \"" ETAG "\"\r\n";

/* `taken`: bytes of chunks and of files in one request. */
static atomic_long connections, requests, puts_done, taken;

/* How many of the next files in one request are cut off halfway. */
static atomic_long cuts;

/* A socket that listens, or one that was accepted, and the TLS that it speaks; NULL: none. */
typedef struct {
    int fd;
    SSL_CTX *context;
} Socket;

static void set(const char *text) {
    char name[32];
    double value;
    if (!strncmp(text, "etag=", 5)) snprintf(proof, sizeof proof, "ETag: \"%.32s\"\r\n", text + 5);
    if (sscanf(text, "%31[a-z_]=%lf", name, &value) != 2) return;
    if (!strcmp(name, "chunk_size")) settings.chunk_size = (long)value;
    if (!strcmp(name, "latency_ms")) settings.latency = value / 1e3;
    if (!strcmp(name, "cap")) settings.bytes_per_second = value;
    if (!strcmp(name, "cuts")) cuts = (long)value;
}

static bool reset(Request *request) {
    char *rest = strchr(request->target, '?');
    if (skip_body(request) < 0) return false;
    platform_reset();
    set("etag=" ETAG);
    for (char *word = rest ? strsep(&rest, "?") : NULL; (word = strsep(&rest, "&"));) set(word);
    connections = requests = puts_done = taken = 0;
    return answer(request, 200, "", "");
}

static bool send_stats(Request *request) {
    char text[256];
    struct rusage use;
    if (skip_body(request) < 0) return false;
    getrusage(RUSAGE_SELF, &use);
    snprintf(text, sizeof text,
             "{\"connections\": %ld, \"requests\": %ld, \"puts\": %ld, \"bytes\": %ld, "
             "\"cpu_s\": %ld.%06ld}",
             connections, requests, puts_done, taken,
             use.ru_utime.tv_sec + use.ru_stime.tv_sec +
                 (use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1000000,
             (use.ru_utime.tv_usec + use.ru_stime.tv_usec) % 1000000);
    return answer(request, 200, "Content-Type: application/json\r\n", text);
}

static bool take_put(Request *request) {
    long got = skip_body(request);
    if (got < 0) return false;
    char headers[128];
    /* As every store: without a number, one ETag for all would look like one answer sent twice. */
    snprintf(headers, sizeof headers, "%sx-amz-request-id: %ld\r\n", proof, (long)++puts_done);
    taken += got;
    pause_until(now() + settings.latency);
    return answer(request, 200, headers, "");
}

/* Take a file in one request: a form, of which only the bytes are counted. */
static bool take_file(Request *request) {
    if (!request->chunked && cuts > 0) {
        cuts--;
        request->length /= 2;
        skip_body(request);
        return false;
    }
    long got = skip_body(request);
    if (got < 0) return false;
    taken += got;
    return answer_created(request);
}

static bool serve(Request *request, bool tls) {
    if (!strncmp(request->target, "/__reset", 8)) return reset(request);
    if (!strcmp(request->target, "/__stats")) return send_stats(request);
    requests++;
    request->wire->bytes_per_second = settings.bytes_per_second;
    if (!strcmp(request->method, "PUT")) return take_put(request);
    if (is_file(request)) return take_file(request);
    return answer_control(request, tls);
}

static void *converse(void *given) {
    Socket caller = *(Socket *)given;
    Wire *wire = malloc(sizeof *wire);
    Request *request = malloc(sizeof *request);
    free(given);
    bool counted = false;
    bool going = wire && request && wire_open(wire, caller.fd, caller.context, true);
    while (going && read_head(wire, request)) {
        /* A connection that only asks for the counters is not one of the client's. */
        if (!counted && strncmp(request->target, "/__", 3)) counted = true, connections++;
        going = serve(request, caller.context != NULL);
    }
    if (wire) wire_close(wire);
    free(wire);
    free(request);
    return NULL;
}

static void *listen_on(void *given) {
    Socket *listener = given;
    for (;;) {
        int fd = accept(listener->fd, NULL, NULL);
        if (fd < 0) continue;
        pthread_t thread;
        Socket *caller = malloc(sizeof *caller);
        if (!caller) abort();
        *caller = (Socket){fd, listener->context};
        if (pthread_create(&thread, NULL, converse, caller)) abort();
        pthread_detach(thread);
    }
    return NULL;
}

/* Listen on a free port of the loopback and return it. */
static int start_listener(Socket *listener, SSL_CTX *used) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    pthread_t thread;
    *listener = (Socket){socket(AF_INET, SOCK_STREAM, 0), used};
    if (bind(listener->fd, (struct sockaddr *)&address, length) || listen(listener->fd, 1024))
        exit(1);
    getsockname(listener->fd, (struct sockaddr *)&address, &length);
    pthread_create(&thread, NULL, listen_on, listener);
    return ntohs(address.sin_port);
}

/* TLS 1.3 with the cipher that S3 chooses, so that every client is measured with the same one. */
static SSL_CTX *make_context(const char *certificate) {
    SSL_CTX *made = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_min_proto_version(made, TLS1_3_VERSION);
    SSL_CTX_set_ciphersuites(made, "TLS_AES_128_GCM_SHA256");
    SSL_CTX_set_num_tickets(made, 0);
    SSL_CTX_set_read_ahead(made, 1);
    SSL_CTX_set_default_read_buffer_len(made, WIRE_BUFFER);
    if (SSL_CTX_use_certificate_chain_file(made, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(made, certificate, SSL_FILETYPE_PEM) != 1)
        exit(1);
    return made;
}

int main(int count, char **words) {
    static Socket plain, tls;
    if (count < 2) return fputs("CERTIFICATE.pem [name=value ...]\n", stderr), 2;
    signal(SIGPIPE, SIG_IGN);
    for (int i = 2; i < count; i++) set(words[i]);
    SSL_CTX *context = make_context(words[1]);
    int plain_port = start_listener(&plain, NULL), tls_port = start_listener(&tls, context);
    printf("{\"plain\": %d, \"tls\": %d}\n", plain_port, tls_port);
    fflush(stdout);
    while (getchar() != EOF) {}
    return 0;
}
