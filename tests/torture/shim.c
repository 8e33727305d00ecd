/* Preloaded into pare: at the n-th call of one of the functions below, the call fails, is cut short, or kills the
 * process. Set by the environment:
 *   TORTURE_CALL   name of the function ("write", "malloc", ...), or "any" for all that touch files
 *   TORTURE_AT     which call, from 1
 *   TORTURE_KIND   "fail" (with TORTURE_ERRNO), "short" (write and pwrite transfer half), "kill" (SIGKILL)
 *   TORTURE_COUNT  descriptor number: instead, the number of calls is written there at the end of the process
 * Calls count from main() on (whose first call opens /dev/null), in this process only, not in programs that it starts.
 * An allocation of 4 KiB and more fails for good; a smaller one fails once and is granted when it is asked for again,
 * after the program has given memory back. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum Kind { kNone, kFail, kShort, kKill };

static const char* target = "";
static enum Kind kind = kNone;
static long at = 0;
static int code = EIO;
static atomic_long calls;
static atomic_int ready;

__attribute__((constructor)) static void start(void) {
  const char* call = getenv("TORTURE_CALL");
  const char* name = getenv("TORTURE_KIND");
  const char* number = getenv("TORTURE_AT");
  const char* error = getenv("TORTURE_ERRNO");
  if (call == NULL || name == NULL) return;
  target = strdup(call);
  kind = strcmp(name, "fail") == 0 ? kFail : strcmp(name, "short") == 0 ? kShort : strcmp(name, "kill") == 0 ? kKill : kNone;
  if (number != NULL) at = atol(number);
  if (error != NULL) code = atoi(error);
  unsetenv("LD_PRELOAD");
  unsetenv("TORTURE_CALL");
}

__attribute__((destructor)) static void report(void) {
  const char* descriptor = getenv("TORTURE_COUNT");
  atomic_store(&ready, 0);
  if (descriptor == NULL) return;
  char text[32];
  const int length = snprintf(text, sizeof text, "%ld\n", atomic_load(&calls));
  if (write(atoi(descriptor), text, (size_t)length) < 0) return;
}

/* Whether this call is the one; kills if so asked. */
static enum Kind hit(const char* name) {
  if (!atomic_load_explicit(&ready, memory_order_relaxed)) return kNone;
  const int any = strcmp(target, "any") == 0 && strcmp(name, "malloc") != 0;
  if (!any && strcmp(target, name) != 0) return kNone;
  if (atomic_fetch_add(&calls, 1) + 1 != at) return kNone;
  if (kind == kKill) kill(getpid(), SIGKILL);
  return kind;
}

#define REAL(type, name, ...)                                         \
  static type (*real)(__VA_ARGS__);                                   \
  if (real == NULL) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

#define FAIL_INT(name)           \
  if (hit(name) == kFail) {      \
    errno = code;                \
    return -1;                   \
  }

ssize_t write(int fd, const void* data, size_t size) {
  REAL(ssize_t, "write", int, const void*, size_t);
  const enum Kind what = hit("write");
  if (what == kFail) return errno = code, -1;
  return real(fd, data, what == kShort && size > 1 ? size / 2 : size);
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  REAL(ssize_t, "pwrite", int, const void*, size_t, off_t);
  const enum Kind what = hit("pwrite");
  if (what == kFail) return errno = code, -1;
  return real(fd, data, what == kShort && size > 1 ? size / 2 : size, offset);
}

ssize_t pwrite64(int fd, const void* data, size_t size, off_t offset) { return pwrite(fd, data, size, offset); }

int fsync(int fd) {
  REAL(int, "fsync", int);
  FAIL_INT("fsync");
  return real(fd);
}

int syncfs(int fd) {
  REAL(int, "syncfs", int);
  FAIL_INT("syncfs");
  return real(fd);
}

int rename(const char* from, const char* to) {
  REAL(int, "rename", const char*, const char*);
  FAIL_INT("rename");
  return real(from, to);
}

int renameat2(int from_fd, const char* from, int to_fd, const char* to, unsigned flags) {
  REAL(int, "renameat2", int, const char*, int, const char*, unsigned);
  FAIL_INT("renameat2");
  return real(from_fd, from, to_fd, to, flags);
}

int link(const char* from, const char* to) {
  REAL(int, "link", const char*, const char*);
  FAIL_INT("link");
  return real(from, to);
}

int unlinkat(int fd, const char* path, int flags) {
  REAL(int, "unlinkat", int, const char*, int);
  if (kind == kKill) hit("unlinkat");
  return real(fd, path, flags);
}

int mkdir(const char* path, mode_t mode) {
  REAL(int, "mkdir", const char*, mode_t);
  FAIL_INT("mkdir");
  return real(path, mode);
}

int stat(const char* path, struct stat* status) {
  REAL(int, "stat", const char*, struct stat*);
  FAIL_INT("stat");
  return real(path, status);
}

int lstat(const char* path, struct stat* status) {
  REAL(int, "lstat", const char*, struct stat*);
  FAIL_INT("stat");
  return real(path, status);
}

int fstat(int fd, struct stat* status) {
  REAL(int, "fstat", int, struct stat*);
  FAIL_INT("stat");
  return real(fd, status);
}

int posix_fallocate(int fd, off_t offset, off_t size) {
  REAL(int, "posix_fallocate", int, off_t, off_t);
  if (hit("posix_fallocate") == kFail) return code;
  return real(fd, offset, size);
}

int posix_fallocate64(int fd, off_t offset, off_t size) { return posix_fallocate(fd, offset, size); }

int open(const char* path, int flags, ...) {
  REAL(int, "open", const char*, int, ...);
  mode_t mode = 0;
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  if (kind != kNone || *target != 0)
    if (strcmp(path, "/dev/null") == 0) atomic_store(&ready, 1);
  FAIL_INT("open");
  return real(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  return open(path, flags, mode);
}

void* mmap(void* address, size_t size, int protection, int flags, int fd, off_t offset) {
  REAL(void*, "mmap", void*, size_t, int, int, int, off_t);
  if (fd >= 0 && hit("mmap") == kFail) return errno = code, MAP_FAILED;
  return real(address, size, protection, flags, fd, offset);
}

void* mmap64(void* address, size_t size, int protection, int flags, int fd, off_t offset) {
  return mmap(address, size, protection, flags, fd, offset);
}

void* __libc_malloc(size_t size);

static _Thread_local int fails_again;

void* malloc(size_t size) {
  const int again = fails_again;
  fails_again = 0;
  if (!again && hit("malloc") == kFail) {
    fails_again = size >= 4096;
    return errno = ENOMEM, NULL;
  }
  if (again) return errno = ENOMEM, NULL;
  return __libc_malloc(size);
}
