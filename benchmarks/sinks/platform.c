/* The platform's control plane and a little of S3, as far as uploads need them.
 *
 * JSON is looked through for the few numbers that matter, not parsed: the clients are ours.
 */
#define _GNU_SOURCE
#include "platform.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FIRST_URLS = 10, MOST_URLS = 50, LONGEST_ANSWER = 64 * 1024 };

#define JSON "Content-Type: application/json\r\n"
#define XML "Content-Type: application/xml\r\n"
#define ASSETS "/v1.3/assets"
#define SESSIONS ASSETS "/multipart-uploads"

typedef struct Session {
    long id, size, chunk_size, chunks, completed;
    struct Session *older;
    bool reported[]; /* by chunk, from 1 */
} Session;

Settings settings = {16 * 1024 * 1024, 0, 0};
static Session *newest;
static long session_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void platform_reset(void) {
    pthread_mutex_lock(&lock);
    while (newest) {
        Session *gone = newest;
        newest = gone->older;
        free(gone);
    }
    pthread_mutex_unlock(&lock);
}

/* The number that follows `"name":` in `json`, and where the search may go on. */
static char *find_number(char *json, const char *name, long *number) {
    char key[64];
    snprintf(key, sizeof key, "\"%s\"", name);
    char *found = json ? strstr(json, key) : NULL;
    if (!found) return NULL;
    found += strlen(key);
    *number = strtol(found + strspn(found, " :"), &found, 10);
    return found;
}

static Session *open_session(long size) {
    long chunk_size = settings.chunk_size, chunks = (size + chunk_size - 1) / chunk_size;
    Session *session = calloc(1, sizeof *session + (size_t)chunks + 1);
    if (!session) return NULL;
    session->size = size;
    session->chunk_size = chunk_size;
    session->chunks = chunks;
    pthread_mutex_lock(&lock);
    session->id = ++session_count;
    session->older = newest;
    newest = session;
    pthread_mutex_unlock(&lock);
    return session;
}

static Session *find_session(long id) {
    pthread_mutex_lock(&lock);
    Session *found = newest;
    while (found && found->id != id) found = found->older;
    pthread_mutex_unlock(&lock);
    return found;
}

static void write_time(char text[32], long from_now) {
    time_t when = time(NULL) + from_now;
    struct tm parts;
    strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&when, &parts));
}

/* Write the URLs of chunks first..last as a JSON list: as long as those of S3 are. */
static void write_urls(FILE *out, Request *request, bool tls, Session *session, long first,
                       long last) {
    char until[32];
    write_time(until, 3600);
    if (last > session->chunks) last = session->chunks;
    fputc('[', out);
    for (long i = first; i <= last; i++)
        fprintf(out,
                "%s{\"chunk_index\": %ld, \"url\": \"http%s://%s/store/%ld/%ld?"
                "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%%2F20260101"
                "%%2Fus-east-1%%2Fs3%%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-Expires=3600"
                "&X-Amz-SignedHeaders=host&partNumber=%ld&X-Amz-Signature=%064ld\", "
                "\"expires_at\": \"%s\"}",
                i > first ? ", " : "", i, tls ? "s" : "", request->host, session->id, i, i, i,
                until);
    fputc(']', out);
}

static bool create(Request *request, bool tls, char *body, FILE *out) {
    long size = 0;
    Session *session = find_number(body, "total_size", &size) ? open_session(size) : NULL;
    if (!session) return false;
    fprintf(out,
            "{\"upload_id\": \"%ld\", \"asset_id\": \"%ld\", \"chunk_size\": %ld, "
            "\"total_chunks\": %ld, \"upload_headers\": "
            "{\"Content-Type\": \"application/octet-stream\"}, \"upload_urls\": ",
            session->id, session->id, session->chunk_size, session->chunks);
    write_urls(out, request, tls, session, 1, FIRST_URLS);
    fputs("}", out);
    return true;
}

static bool more_urls(Request *request, bool tls, Session *session, char *body, FILE *out) {
    char made[32];
    long start = 1, count = 1;
    if (!find_number(body, "start", &start) || !find_number(body, "count", &count)) return false;
    if (count > MOST_URLS) return false;
    write_time(made, 0);
    fprintf(out, "{\"generated_at\": \"%s\", \"start_index\": %ld, \"count\": %ld, ", made, start,
            count);
    fputs("\"upload_urls\": ", out);
    write_urls(out, request, tls, session, start, start + count - 1);
    fputs("}", out);
    return true;
}

static long note_reported(Session *session, char *body) {
    long index, fresh = 0;
    pthread_mutex_lock(&lock);
    while ((body = find_number(body, "chunk_index", &index))) {
        if (index < 1 || index > session->chunks || session->reported[index]) continue;
        session->reported[index] = true;
        fresh++;
    }
    session->completed += fresh;
    pthread_mutex_unlock(&lock);
    return fresh;
}

static bool report(Session *session, char *body, FILE *out) {
    long fresh = note_reported(session, body);
    fprintf(out, "{\"asset_id\": \"%ld\", \"processed_chunks\": %ld, \"total_completed\": %ld",
            session->id, fresh, session->completed);
    if (session->completed == session->chunks)
        fprintf(out, ", \"url\": \"https://store.example/%ld.mp4\"", session->id);
    fputs("}", out);
    return true;
}

static bool status(Session *session, FILE *out) {
    bool done = session->completed == session->chunks;
    fprintf(out,
            "{\"upload_id\": \"%ld\", \"status\": \"%s\", \"uploaded_chunks\": [], "
            "\"chunks_completed\": %ld, \"chunks_pending\": %ld, \"total_size\": %ld}",
            session->id, done ? "completed" : "active", session->completed,
            session->chunks - session->completed, session->size);
    return true;
}

static bool asset(long id, const char *method, FILE *out) {
    fprintf(out,
            "{\"_id\": \"%ld\", \"method\": \"%s\", \"status\": \"ready\", "
            "\"filename\": \"%ld.mp4\", \"file_type\": \"video/mp4\", "
            "\"created_at\": \"2026-01-01T00:00:00Z\"}",
            id, method, id);
    return true;
}

/* Write the answer to one of the platform's calls; false: there is no such call. */
static bool write_answer(Request *request, bool tls, char *body, FILE *out) {
    long id;
    bool post = request->method[0] == 'P';
    if (post && !strcmp(request->target, SESSIONS)) return create(request, tls, body, out);
    if (sscanf(request->target, SESSIONS "/%ld", &id) == 1) {
        Session *session = find_session(id);
        if (!session) return false;
        if (strstr(request->target, "/presigned-urls"))
            return more_urls(request, tls, session, body, out);
        return post ? report(session, body, out) : status(session, out);
    }
    return sscanf(request->target, ASSETS "/%ld", &id) == 1 && asset(id, "multipart", out);
}

static bool answer_platform(Request *request, bool tls) {
    char text[LONGEST_ANSWER] = "";
    char *body = read_body(request);
    if (!body) return false;
    FILE *out = fmemopen(text, sizeof text, "w");
    bool known = write_answer(request, tls, body, out);
    fclose(out);
    free(body);
    pause_until(now() + settings.latency);
    if (known) return answer(request, strcmp(request->target, SESSIONS) ? 200 : 201, JSON, text);
    return answer(request, 404, JSON, "{\"code\": \"resource_not_exist\", \"message\": \"no\"}");
}

bool is_file(Request *request) {
    return !strcmp(request->method, "POST") && !strcmp(request->target, ASSETS);
}

bool answer_created(Request *request) {
    static atomic_long made;
    char text[512] = "";
    FILE *out = fmemopen(text, sizeof text, "w");
    asset(++made, "direct", out);
    fclose(out);
    pause_until(now() + settings.latency);
    return answer(request, 201, JSON, text);
}

/* What S3 says to the calls around a multipart upload. */
static const char *s3_answer(Request *request) {
    if (request->method[0] == 'H') return "";
    if (request->method[0] == 'G') return "<ListBucketResult></ListBucketResult>";
    if (strstr(request->target, "uploadId="))
        return "<CompleteMultipartUploadResult><Bucket>bench</Bucket><Key>file</Key>"
               "<ETag>\"e-1\"</ETag></CompleteMultipartUploadResult>";
    return "<InitiateMultipartUploadResult><Bucket>bench</Bucket><Key>file</Key>"
           "<UploadId>1</UploadId></InitiateMultipartUploadResult>";
}

bool answer_control(Request *request, bool tls) {
    if (!strncmp(request->target, "/v1.3/", 6)) return answer_platform(request, tls);
    if (skip_body(request) < 0) return false;
    pause_until(now() + settings.latency);
    return answer(request, 200, XML, s3_answer(request));
}
