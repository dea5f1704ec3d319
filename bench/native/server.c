/* The server that every benchmark's probers ask: HTTP (and bare TCP) and DNS over UDP on one port of 127.0.0.0/8.
 *
 *   server PORT    prints "ready" when it listens; ends when its standard input does
 *
 * It never sleeps: a prober that has to wake its server on a virtual machine's idle core is charged for that, up to
 * half of what a probe costs, and no server that is probed over a network is woken by its prober's core.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static const char BODY[] = "<!doctype html><html lang=vi><title>Một cửa</title><h1>Một cửa</h1></html>\n";
static char answer[512];
static int answer_size;

static int listening(int kind, int port) {
    int fd = socket(AF_INET, kind | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    int room = 8 << 20;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    inet_pton(AF_INET, "0.0.0.0", &any.sin_addr);
    if (bind(fd, (struct sockaddr *)&any, sizeof any) < 0 || (kind == SOCK_STREAM && listen(fd, 4096) < 0)) {
        perror("server");
        exit(1);
    }
    return fd;
}

/* An answer has to come from the address that was asked: the probers ask many, so the kernel is asked which it was. */
static void answer_names(int fd) {
    unsigned char wire[512];
    char control[CMSG_SPACE(sizeof(struct in_pktinfo))];
    struct sockaddr_in peer;
    for (;;) {
        struct iovec part = {wire, sizeof wire - 16};
        struct msghdr message = {.msg_name = &peer, .msg_namelen = sizeof peer, .msg_iov = &part, .msg_iovlen = 1,
                                 .msg_control = control, .msg_controllen = sizeof control};
        ssize_t got = recvmsg(fd, &message, 0), end = 12;
        if (got <= 16) return;
        while (end < got && wire[end]) end += wire[end] + 1;
        end += 5;
        static const unsigned char RECORD[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 127, 0, 0, 1};
        wire[2] = 0x81, wire[3] = 0x80;
        memcpy(wire + 6, "\0\1\0\0\0\0", 6);
        memcpy(wire + end, RECORD, sizeof RECORD);
        part.iov_len = (size_t)end + sizeof RECORD;
        struct in_pktinfo *asked = (struct in_pktinfo *)CMSG_DATA(CMSG_FIRSTHDR(&message));
        asked->ipi_spec_dst = asked->ipi_addr;
        asked->ipi_ifindex = 0;
        sendmsg(fd, &message, 0);
    }
}

int main(int count, char **words) {
    if (count != 2) {
        fprintf(stderr, "usage: server PORT\n");
        return 2;
    }
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    answer_size = snprintf(answer, sizeof answer,
                           "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %zu\r\n"
                           "Connection: close\r\n\r\n%s", sizeof BODY - 1, BODY);
    int streams = listening(SOCK_STREAM, atoi(words[1])), names = listening(SOCK_DGRAM, atoi(words[1])), one = 1;
    setsockopt(names, IPPROTO_IP, IP_PKTINFO, &one, sizeof one);
    int queue = epoll_create1(0);
    int watched[] = {streams, names, 0};
    for (int i = 0; i < 3; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = watched[i]};
        epoll_ctl(queue, EPOLL_CTL_ADD, watched[i], &event);
    }
    puts("ready");
    fflush(stdout);
    struct epoll_event events[512];
    for (;;) {
        int ready = epoll_wait(queue, events, 512, 0);
        if (!ready) sched_yield();
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            char request[4096];
            if (fd == 0) {
                if (read(0, request, sizeof request) <= 0) return 0;
            } else if (fd == names) {
                answer_names(fd);
            } else if (fd == streams) {
                int accepted;
                while ((accepted = accept4(streams, 0, 0, SOCK_NONBLOCK)) >= 0) {
                    struct epoll_event event = {.events = EPOLLIN, .data.fd = accepted};
                    epoll_ctl(queue, EPOLL_CTL_ADD, accepted, &event);
                }
            } else {
                if (recv(fd, request, sizeof request, 0) > 0) send(fd, answer, (size_t)answer_size, MSG_NOSIGNAL);
                close(fd);
            }
        }
    }
}
