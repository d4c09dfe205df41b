// SPDX-License-Identifier: MIT
/* Forked workers: the parent sends indexes down a socket and gets answers up it; end of file means the worker died. */
#define _GNU_SOURCE
#include "worker.h"
#include "cli.h"
#include "os.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { IDLE = -1, MAX_PROCESSES = 64, TAIL = 1500 };

typedef struct worker {
  pid_t pid; /* 0: not started */
  int socket;
  FILE *log; /* the worker's stderr, or NULL */
  ptrdiff_t job;
  double since;
} worker;

typedef struct answer {
  uint32_t state;  /* 1 good, 0 bad, 2 could not start */
  uint32_t length; /* of the text that follows */
  double seconds;
} answer;

static bool read_all(int fd, void *p, size_t size) {
  for (char *at = p; size;) {
    ssize_t n = read(fd, at, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n, size -= (size_t)n;
  }
  return true;
}

static bool write_all(int fd, const void *p, size_t size) {
  for (const char *at = p; size;) {
    ssize_t n = send(fd, at, size, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n, size -= (size_t)n;
  }
  return true;
}

static void worker_main(const worker_jobs *jobs, int fd) {
  uint64_t index;
  bool started = jobs->start(jobs->context);
  while (read_all(fd, &index, sizeof index)) {
    char *why = started ? NULL : cli_text("%s", cli_failure_text());
    double start = os_seconds();
    answer a = {.state = 2};
    if (started) a.state = jobs->job(jobs->context, (size_t)index, &why);
    a.seconds = os_seconds() - start;
    a.length = why ? (uint32_t)strlen(why) : 0;
    if (!write_all(fd, &a, sizeof a) || !write_all(fd, why, a.length)) break;
    free(why);
  }
  fflush(NULL);
  _exit(0); /* the library's own threads and exit handlers have nothing left to do */
}

static bool spawn(const worker_jobs *jobs, worker *w, worker *all, int count) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) return cli_fail(CLI_BROKEN, "no socket pair: %s", strerror(errno));
  w->log = jobs->keep_stderr ? NULL : tmpfile();
  fflush(NULL);
  w->pid = fork();
  if (w->pid < 0) return w->pid = 0, cli_fail(CLI_BROKEN, "no process: %s", strerror(errno));
  if (!w->pid) {
    close(pair[0]);
    for (int i = 0; i < count; i++)
      if (&all[i] != w && all[i].pid) close(all[i].socket);
    if (w->log) dup2(fileno(w->log), STDERR_FILENO);
    worker_main(jobs, pair[1]);
  }
  close(pair[1]);
  w->socket = pair[0];
  w->job = IDLE;
  return true;
}

/* The end of what the worker wrote to stderr, as fresh text. */
static char *log_tail(worker *w) {
  if (!w->log || fseek(w->log, 0, SEEK_END)) return cli_text("%s", "");
  long size = ftell(w->log), from = size > TAIL ? size - TAIL : 0;
  char *text = cli_alloc(TAIL + 2);
  fseek(w->log, from, SEEK_SET);
  if (size > 0) text[0] = '\n', text[1 + fread(text + 1, 1, TAIL, w->log)] = 0;
  return text;
}

/* Collects a dead worker and returns what became of it. */
static char *bury(worker *w, bool killed, double timeout) {
  int status = 0;
  close(w->socket);
  while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR) continue;
  char *tail = log_tail(w), *text;
  if (killed)
    text = cli_text("no answer after %g s%s", timeout, tail);
  else if (WIFSIGNALED(status))
    text = cli_text("died of signal %d (%s)%s", WTERMSIG(status), strsignal(WTERMSIG(status)), tail);
  else
    text = cli_text("ended with exit code %d%s", WEXITSTATUS(status), tail);
  free(tail);
  if (w->log) fclose(w->log);
  memset(w, 0, sizeof *w);
  w->job = IDLE;
  return text;
}

static bool give(const worker_jobs *jobs, worker *w, size_t *next) {
  uint64_t index = *next;
  if (*next >= jobs->count) return true;
  if (w->log && !ftruncate(fileno(w->log), 0)) lseek(fileno(w->log), 0, SEEK_SET);
  w->job = (ptrdiff_t)(*next)++;
  w->since = os_seconds();
  return write_all(w->socket, &index, sizeof index) || cli_fail(CLI_BROKEN, "a worker process does not listen");
}

/* Takes an answer, or the death of the worker; false with a recorded failure when the library cannot be opened at all. */
static bool take(const worker_jobs *jobs, worker *w, bool killed) {
  answer a;
  size_t index = (size_t)w->job;
  char *why = NULL;
  bool alive = !killed && read_all(w->socket, &a, sizeof a);
  if (alive) {
    why = cli_alloc((size_t)a.length + 1);
    alive = read_all(w->socket, why, a.length);
  }
  w->job = IDLE;
  if (alive && a.state == 2) {
    cli_fail(CLI_BROKEN, "%s", why);
    free(why);
    return false;
  }
  if (alive) {
    jobs->done(jobs->context, index, a.state == 1, a.seconds, a.state == 1 ? NULL : why);
  } else {
    free(why);
    double seconds = os_seconds() - w->since;
    why = bury(w, killed, jobs->timeout);
    jobs->done(jobs->context, index, false, seconds, why);
  }
  free(why);
  return true;
}

/* Waits until a worker has something to say or has run out of time, and hears those that have. */
static bool listen_once(const worker_jobs *jobs, worker *w, int count) {
  struct pollfd fds[MAX_PROCESSES];
  double now = os_seconds(), wait = jobs->timeout;
  for (int i = 0; i < count; i++) {
    fds[i] = (struct pollfd){.fd = w[i].job == IDLE ? -1 : w[i].socket, .events = POLLIN};
    if (w[i].job != IDLE && w[i].since + jobs->timeout - now < wait) wait = w[i].since + jobs->timeout - now;
  }
  if (poll(fds, (nfds_t)count, wait > 0 ? (int)(wait * 1000) + 1 : 0) < 0 && errno != EINTR)
    return cli_fail(CLI_BROKEN, "poll: %s", strerror(errno));
  for (int i = 0; i < count; i++) {
    if (w[i].job == IDLE) continue;
    bool late = !fds[i].revents && os_seconds() - w[i].since > jobs->timeout;
    if (late) kill(w[i].pid, SIGKILL);
    if ((late || fds[i].revents) && !take(jobs, &w[i], late)) return false;
  }
  return true;
}

bool worker_run(const worker_jobs *jobs) {
  worker workers[MAX_PROCESSES] = {{0}};
  int count = jobs->processes < 1 ? 1 : jobs->processes > MAX_PROCESSES ? MAX_PROCESSES : jobs->processes;
  size_t next = 0;
  bool ok = true, busy = true;
  for (int i = 0; i < count; i++) workers[i].job = IDLE;
  while (ok && busy) {
    busy = false;
    for (int i = 0; i < count && ok; i++) {
      worker *w = &workers[i];
      if (w->job == IDLE && next < jobs->count) ok = (w->pid || spawn(jobs, w, workers, count)) && give(jobs, w, &next);
      busy = busy || w->job != IDLE;
    }
    if (ok && busy) ok = listen_once(jobs, workers, count);
  }
  for (int i = 0; i < count; i++) {
    if (!workers[i].pid) continue;
    if (workers[i].job != IDLE) kill(workers[i].pid, SIGKILL);
    shutdown(workers[i].socket, SHUT_RDWR);
    free(bury(&workers[i], false, 0));
  }
  return ok;
}
