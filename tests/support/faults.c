/* Below Python, SQLite and DuckDB alike: the n-th call that changes what is under a folder kills, tears or fails.

   Loaded with LD_PRELOAD; armed with fault_arm(folder, n, how), how being one of
     0 count only   1 SIGKILL before the call   2 a write of half its bytes, then SIGKILL
     3 ENOSPC from then on, in calls that need room   4 EIO, once   5 EIO from then on, in writes and syncs
     6 the clock goes back an hour   7 the clock goes on by a year   (the monotonic one does not) */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { COUNT, KILL, TEAR, FULL, BAD_ONCE, BAD, BACK, ON };
enum { GROWS, SYNCS, NAMES };

static char folder[4096];
static long calls, wanted;
static int how = COUNT, armed;

void fault_arm(const char *under, long n, int what) {
    snprintf(folder, sizeof folder, "%s", under);
    calls = 0, wanted = n, how = what, armed = 1;
}

long fault_calls(void) { return calls; }

static int inside(const char *path) {
    return armed && path && strncmp(path, folder, strlen(folder)) == 0;
}

static int inside_fd(int fd) {
    char link[64], path[4096];
    if (!armed || fd < 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return inside(path);
}

/* whether the call is to fail; errno is set then. Tearing is left to who writes. */
static int hit(int kind) {
    long n = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
    if (how == COUNT || wanted <= 0 || n < wanted) return 0;
    if (n == wanted && (how == KILL || (how == TEAR && kind != GROWS))) { raise(SIGKILL); }
    if (how == FULL && kind == GROWS) { errno = ENOSPC; return 1; }
    if (how == BAD_ONCE && n == wanted) { errno = EIO; return 1; }
    if (how == BAD && kind != NAMES) { errno = EIO; return 1; }
    return 0;
}

/* seconds that the clock is off */
static long off(void) {
    if (!armed || (how != BACK && how != ON) || calls < wanted) return 0;
    return how == BACK ? -3600 : 366L * 86400;
}

static int tears(void) { return how == TEAR && calls == wanted; }

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__)) dlsym(RTLD_NEXT, name)

ssize_t write(int fd, const void *data, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    if (inside_fd(fd)) {
        if (hit(GROWS)) return -1;
        if (tears()) { real(fd, data, size / 2); raise(SIGKILL); }
    }
    return real(fd, data, size);
}

#define PWRITE(name, offset_type) \
    ssize_t name(int fd, const void *data, size_t size, offset_type offset) { \
        REAL(ssize_t, #name, int, const void *, size_t, offset_type); \
        if (inside_fd(fd)) { \
            if (hit(GROWS)) return -1; \
            if (tears()) { real(fd, data, size / 2, offset); raise(SIGKILL); } \
        } \
        return real(fd, data, size, offset); \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    if (inside_fd(fd)) {
        if (hit(GROWS)) return -1;
        if (tears()) raise(SIGKILL);
    }
    return real(fd, parts, count);
}

#define ON_FD(name, kind) \
    int name(int fd) { \
        REAL(int, #name, int); \
        return inside_fd(fd) && hit(kind) ? -1 : real(fd); \
    }
ON_FD(fsync, SYNCS)
ON_FD(fdatasync, SYNCS)

#define TRUNCATE(name, offset_type) \
    int name(int fd, offset_type length) { \
        REAL(int, #name, int, offset_type); \
        return inside_fd(fd) && hit(NAMES) ? -1 : real(fd, length); \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

int posix_fallocate64(int fd, off64_t offset, off64_t length) {
    REAL(int, "posix_fallocate64", int, off64_t, off64_t);
    return inside_fd(fd) && hit(GROWS) ? errno : real(fd, offset, length);
}

#define ON_PATH(name, kind) \
    int name(const char *path) { \
        REAL(int, #name, const char *); \
        return inside(path) && hit(kind) ? -1 : real(path); \
    }
ON_PATH(unlink, NAMES)
ON_PATH(rmdir, NAMES)

int mkdir(const char *path, mode_t mode) {
    REAL(int, "mkdir", const char *, mode_t);
    return inside(path) && hit(GROWS) ? -1 : real(path, mode);
}

#define ON_TWO(name) \
    int name(const char *old, const char *new) { \
        REAL(int, #name, const char *, const char *); \
        return inside(new) && hit(NAMES) ? -1 : real(old, new); \
    }
ON_TWO(rename)
ON_TWO(link)

/* only what may make or empty a file */
#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, #name, const char *, int, ...); \
        mode_t mode = 0; \
        if (flags & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); } \
        return (flags & (O_CREAT | O_TRUNC)) && inside(path) && hit(GROWS) ? -1 : real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

int clock_gettime(clockid_t clock, struct timespec *now) {
    REAL(int, "clock_gettime", clockid_t, struct timespec *);
    int result = real(clock, now);
    if (clock == CLOCK_REALTIME) now->tv_sec += off();
    return result;
}

int gettimeofday(struct timeval *now, void *zone) {
    REAL(int, "gettimeofday", struct timeval *, void *);
    int result = real(now, zone);
    if (result == 0) now->tv_sec += off();
    return result;
}

time_t time(time_t *where) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (where) *where = now.tv_sec;
    return now.tv_sec;
}
