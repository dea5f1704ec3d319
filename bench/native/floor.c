/* The floor: what one probe costs a small C program on epoll, for `python -m bench.probes`.
 *
 *   floor http ADDRESS PORT COUNT CONCURRENCY    connect, GET /, look for "200" and "Một cửa", close
 *   floor tcp  ADDRESS PORT COUNT CONCURRENCY    connect, close
 *
 * Prints {"probes": COUNT, "failed": N, "cpu_seconds": user + system}.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

struct probe {
    int fd, sent;
    size_t got;
    char answer[4096];
};

static const char REQUEST[] =
    "GET / HTTP/1.1\r\nHost: floor.example\r\nUser-Agent: floor\r\nAccept: */*\r\nConnection: close\r\n\r\n";
static struct sockaddr_in peer;
static int queue, speaks_http;
static long started, ended, failed, total;

static void end(struct probe *probe, int good) {
    close(probe->fd);
    ended++;
    failed += !good;
}

static void begin(struct probe *probe) {
    probe->sent = 0;
    probe->got = 0;
    started++;
    probe->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe->fd < 0) {
        perror("socket");
        exit(1);
    }
    if (connect(probe->fd, (struct sockaddr *)&peer, sizeof peer) < 0 && errno != EINPROGRESS) {
        perror("connect");
        exit(1);
    }
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = probe};
    epoll_ctl(queue, EPOLL_CTL_ADD, probe->fd, &event);
}

/* Returns whether the probe has ended. */
static int advance(struct probe *probe) {
    if (!probe->sent) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(probe->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error || !speaks_http) {
            end(probe, !error);
            return 1;
        }
        if (send(probe->fd, REQUEST, sizeof REQUEST - 1, MSG_NOSIGNAL) != (ssize_t)(sizeof REQUEST - 1)) {
            end(probe, 0);
            return 1;
        }
        probe->sent = 1;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = probe};
        epoll_ctl(queue, EPOLL_CTL_MOD, probe->fd, &event);
        return 0;
    }
    ssize_t size = recv(probe->fd, probe->answer + probe->got, sizeof probe->answer - 1 - probe->got, 0);
    if (size > 0) {
        probe->got += (size_t)size;
        return 0;
    }
    probe->answer[probe->got] = 0;
    end(probe, size == 0 && probe->got > 12 && !memcmp(probe->answer + 9, "200", 3) && strstr(probe->answer, "Một cửa"));
    return 1;
}

int main(int count, char **words) {
    if (count != 6) {
        fprintf(stderr, "usage: floor http|tcp ADDRESS PORT COUNT CONCURRENCY\n");
        return 2;
    }
    speaks_http = !strcmp(words[1], "http");
    peer.sin_family = AF_INET;
    inet_pton(AF_INET, words[2], &peer.sin_addr);
    peer.sin_port = htons((unsigned short)atoi(words[3]));
    total = atol(words[4]);
    int concurrency = atoi(words[5]);
    struct probe *probes = calloc((size_t)concurrency, sizeof *probes);
    queue = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < concurrency && started < total; i++) begin(&probes[i]);
    struct epoll_event events[256];
    while (ended < total) {
        int ready = epoll_wait(queue, events, 256, 5000);
        if (ready <= 0) {
            fprintf(stderr, "nothing happens\n");
            return 1;
        }
        for (int i = 0; i < ready; i++)
            if (advance(events[i].data.ptr) && started < total) begin(events[i].data.ptr);
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("{\"probes\": %ld, \"failed\": %ld, \"cpu_seconds\": %.6f}\n", total, failed, cpu);
    return 0;
}
