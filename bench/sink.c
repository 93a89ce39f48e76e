/* A recording SMTP sink that answers each reply a fixed time after its request arrived: a model of a round trip.
 *
 *   sink PORT DELAY_MILLISECONDS RECORD
 *
 * One thread, epoll. A line "Message-ID<TAB>octets" is written to RECORD before a mail's 250 is due, so that the
 * record holds every mail that a client was told of. PIPELINING is offered [RFC 2920]: replies to what came in one
 * read leave in one write, DELAY later. The delay is the same for all, so that a queue in order of arrival is
 * enough. Ends at SIGTERM. Loopback only.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LINES = 1024, ROOM = 262144, FILES = 4096 };

struct line {
    char *buffer;      /* what came and was not understood yet */
    size_t filled;
    int in_body;
    size_t octets;     /* of the body so far */
    char identity[128];
    uint64_t life;     /* a descriptor is used again; answers of its last life are dropped */
};

struct answer {
    struct answer *next;
    uint64_t due, life;
    int descriptor;
    size_t length;
    char text[];
};

static struct line lines[FILES];
static struct answer *first, *last;
static uint64_t delay, lives;
static FILE *record;
static volatile sig_atomic_t ended;

static void end(int number) { (void)number; ended = 1; }

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000u + (uint64_t)time.tv_nsec / 1000u;
}

static void say(int descriptor, uint64_t life, const char *text, size_t length, uint64_t arrived) {
    struct answer *answer = malloc(sizeof *answer + length);
    if (answer == NULL) exit(1);
    *answer = (struct answer){NULL, arrived + delay, life, descriptor, length};
    memcpy(answer->text, text, length);
    if (last == NULL) first = answer; else last->next = answer;
    last = answer;
}

static void hang_up(int descriptor) {
    lines[descriptor].life = 0;
    close(descriptor);
}

/* Keep the Message-ID of a head that begins at `body`. */
static void identify(struct line *line, const char *body, size_t length) {
    static const char name[] = "Message-ID:";
    const char *at = body, *stop = body + length;
    line->identity[0] = '-';
    line->identity[1] = 0;
    while (at < stop) {
        const char *eol = memchr(at, '\n', (size_t)(stop - at));
        if (eol == NULL || eol - at <= 1) return;
        if ((size_t)(eol - at) > sizeof name && strncasecmp(at, name, sizeof name - 1) == 0) {
            const char *open = memchr(at, '<', (size_t)(eol - at));
            const char *shut = open ? memchr(open, '>', (size_t)(eol - open)) : NULL;
            if (shut != NULL && (size_t)(shut - open) < sizeof line->identity) {
                memcpy(line->identity, open + 1, (size_t)(shut - open) - 1);
                line->identity[shut - open - 1] = 0;
            }
            return;
        }
        at = eol + 1;
    }
}

static const char *reply_to(struct line *line, const char *command) {
    if (strncasecmp(command, "EHLO", 4) == 0)
        return "250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n";
    if (strncasecmp(command, "DATA", 4) == 0) {
        line->in_body = 1;
        line->octets = 0;
        line->identity[0] = 0;
        return "354 go on\r\n";
    }
    if (strncasecmp(command, "QUIT", 4) == 0) return "221 2.0.0 goodbye\r\n";
    return "250 2.0.0 good\r\n";
}

/* Understand what there is; `out` takes the replies of this read. */
static size_t take(struct line *line, char *out) {
    char *at = line->buffer, *stop = at + line->filled;
    size_t said = 0;
    while (at < stop) {
        const char *reply;
        if (line->in_body) {
            char *dot = stop - at >= 3 && line->octets == 0 && memcmp(at, ".\r\n", 3) == 0
                ? at - 2 : memmem(at, (size_t)(stop - at), "\r\n.\r\n", 5);
            if (line->identity[0] == 0 && (dot != NULL || stop - at >= 2048))
                identify(line, at, (size_t)(stop - at));
            if (dot == NULL) {
                /* The last four octets may begin the end. */
                if (line->identity[0] == 0 || stop - at <= 4) break;
                line->octets += (size_t)(stop - at) - 4;
                at = stop - 4;
                break;
            }
            line->octets += (size_t)(dot + 2 - at);
            fprintf(record, "%s\t%zu\n", line->identity, line->octets);
            line->in_body = 0;
            at = dot + 5;
            reply = "250 2.0.0 kept\r\n";
        } else {
            char *eol = memchr(at, '\n', (size_t)(stop - at));
            if (eol == NULL) break;
            reply = reply_to(line, at);
            at = eol + 1;
        }
        size_t length = strlen(reply);
        if (said + length > LINES * 64) exit(2);
        memcpy(out + said, reply, length);
        said += length;
    }
    line->filled = (size_t)(stop - at);
    memmove(line->buffer, at, line->filled);
    return said;
}

static void listen_to(int descriptor) {
    static char out[LINES * 64];
    struct line *line = &lines[descriptor];
    ssize_t got = read(descriptor, line->buffer + line->filled, ROOM - line->filled);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN) hang_up(descriptor);
        return;
    }
    uint64_t arrived = now();
    line->filled += (size_t)got;
    size_t said = take(line, out);
    if (said) say(descriptor, line->life, out, said, arrived);
}

static void answer_what_is_due(void) {
    /* What is on record must be there before the 250 is. */
    fflush(record);
    while (first != NULL && first->due <= now()) {
        struct answer *answer = first;
        if (lines[answer->descriptor].life == answer->life &&
            write(answer->descriptor, answer->text, answer->length) != (ssize_t)answer->length)
            hang_up(answer->descriptor);
        first = answer->next;
        if (first == NULL) last = NULL;
        free(answer);
    }
}

static void welcome(int door, int poll) {
    int descriptor, one = 1;
    while ((descriptor = accept4(door, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        if (descriptor >= FILES) { close(descriptor); continue; }
        struct line *line = &lines[descriptor];
        struct epoll_event event = {EPOLLIN, {.fd = descriptor}};
        char *buffer = line->buffer ? line->buffer : malloc(ROOM);
        if (buffer == NULL) exit(1);
        *line = (struct line){.buffer = buffer, .life = ++lives};
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event);
        say(descriptor, line->life, "220 sink.example ESMTP\r\n", 24, now());
    }
}

int main(int count, char **words) {
    if (count != 4) return 64;
    struct sockaddr_in here = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(words[1])),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    delay = (uint64_t)(atof(words[2]) * 1000);
    record = fopen(words[3], "a");
    int one = 1, poll = epoll_create1(0), door = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (record == NULL || bind(door, (struct sockaddr *)&here, sizeof here) || listen(door, 512))
        return 1;
    struct epoll_event event = {EPOLLIN, {.fd = door}}, found[256];
    epoll_ctl(poll, EPOLL_CTL_ADD, door, &event);
    signal(SIGTERM, end);
    signal(SIGPIPE, SIG_IGN);
    while (!ended) {
        struct timespec wait = {1, 0};
        if (first != NULL) {
            uint64_t moment = now();
            uint64_t left = first->due > moment ? first->due - moment : 0;
            wait = (struct timespec){(time_t)(left / 1000000), (long)(left % 1000000) * 1000};
        }
        int events = epoll_pwait2(poll, found, 256, &wait, NULL);
        for (int at = 0; at < events; at++) {
            if (found[at].data.fd == door) welcome(door, poll);
            else if (lines[found[at].data.fd].life) listen_to(found[at].data.fd);
        }
        answer_what_is_due();
    }
    fclose(record);
    return 0;
}
