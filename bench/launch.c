/* Runs one contestant in a network namespace and tells what the whole of it cost, as the kernel counted it.
 * usage: launch NAMESPACE REPORT COMMAND…   (both descriptors); writes {"wall": ns, "peak": KiB} to REPORT.
 * The peak is that of the largest process of the contestant. This program is small, so that it is not taken for one:
 * between fork and exec a child counts as large as its parent. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  int netns = atoi(argv[1]), report = atoi(argv[2]), status;
  if (setns(netns, CLONE_NEWNET) < 0) return perror("setns"), 1;
  close(netns);
  struct timespec begin, end;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  pid_t pid = fork();
  if (pid < 0) return perror("fork"), 1;
  if (pid == 0) {
    close(report);
    execvp(argv[3], argv + 3);
    perror(argv[3]);
    _exit(127);
  }
  struct rusage usage;
  if (wait4(pid, &status, 0, &usage) < 0) return perror("wait4"), 1;
  clock_gettime(CLOCK_MONOTONIC, &end);
  long long wall = (end.tv_sec - begin.tv_sec) * 1000000000LL + end.tv_nsec - begin.tv_nsec;
  dprintf(report, "{\"wall\": %lld, \"peak\": %ld}\n", wall, usage.ru_maxrss);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
