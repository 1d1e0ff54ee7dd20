/* Preloaded into the process of a tool, so that its limit of time is one of processor time: every
 * clock goes on from where it was as fast as the processor time of the process. Linux only.
 *
 *     cc -shared -fPIC -O2 -o processor_clock.so processor_clock.c
 */

#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define CLOCKS 16
#define NANO 1000000000L

static long nanoseconds(clockid_t clock) {
    struct timespec now;
    syscall(SYS_clock_gettime, clock, &now);
    return now.tv_sec * NANO + now.tv_nsec;
}

static int counts(clockid_t clock) {
    return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_RAW ||
           clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE ||
           clock == CLOCK_BOOTTIME;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static long started[CLOCKS];
    if (!counts(clock)) return (int)syscall(SYS_clock_gettime, clock, now);
    long used = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
    if (!started[clock]) started[clock] = nanoseconds(clock) - used;
    long value = started[clock] + used;
    now->tv_sec = value / NANO;
    now->tv_nsec = value % NANO;
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *where) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (where) *where = exact.tv_sec;
    return exact.tv_sec;
}
