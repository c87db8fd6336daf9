/* The platform's control plane and a little of S3, as far as uploads need them. */
#ifndef PLATFORM_H
#define PLATFORM_H

#include "http.h"

/* What the next sessions are like; set at start and by a reset. */
typedef struct {
    long chunk_size;
    double latency;          /* seconds before each answer */
    double bytes_per_second; /* of each connection's bodies; 0: no cap */
} Settings;

extern Settings settings;

void platform_reset(void);

/* Answer a request that is no PUT; false: the connection ends. */
bool answer_control(Request *request, bool tls);

/* Whether it carries a whole file: POST /assets. */
bool is_file(Request *request);

/* Answer such a request, whose body was read, with an asset. */
bool answer_created(Request *request);

#endif
