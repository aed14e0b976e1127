// SPDX-License-Identifier: GPL-2.0
/*
 * PID 1 of a test guest: run one job, hand its verdict to the host, power off.
 *
 * The verdict never travels over the console, where any printk could fake or
 * garble it. Two named virtio-serial ports carry everything:
 *
 *   swiotlb.results   one JSON object per line, "type" says which; see emit_*()
 *   swiotlb.log       standard output and error of the job, as they come
 *
 * A confidential guest has no such ports, for they would bounce: its devices
 * must be the only ones that do, and the verdict must come through when there
 * is no memory to bounce with. There, each of the two is an I/O port of a device
 * that takes bytes (RESULTS_IO= and LOG_IO= of /job/env), written by /dev/port.
 *
 * The host takes a guest for failed unless the last line on the results port
 * is an "end" object that says "pass". So whatever kills this program, or
 * keeps it from running, fails the test by itself.
 *
 * The job is the program /job/bin/job if there is one, or else the shell script
 * /job/run. /job/env holds NAME=VALUE lines for its environment and the limit in
 * seconds (LIMIT=). The job talks back through:
 *
 *   $RESULTS      a file of "key=value" lines: numbers or words for the report
 *   $ATTACH       a directory: every file in it is forwarded whole
 *   exit status   0 is a pass, anything else a failure
 *
 * A kernel that counts what is reached has the counters in debugfs. GCOV_FILES= says
 * which of these files are forwarded as well.
 */

#define _GNU_SOURCE	/* basename() that leaves its argument alone */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RESULTS_PORT		"swiotlb.results"
#define LOG_PORT		"swiotlb.log"
#define RESULTS_FILE		"/tmp/results"
#define ATTACH_DIR		"/tmp/attach"
#define BACKEND_FILE		"/sys/kernel/swiotlb/backend"
#define PORT_WAIT_MS		20000
#define DEFAULT_LIMIT_S		60
#define LOG_POLL_MS		50
#define MAX_ATTACH_BYTES	(8u << 20)
#define MAX_LINE		4096

static FILE *results;
static int io_fd = -1;		/* /dev/port, where the host is reached that way */
static int log_pipe = -1;	/* what the job prints, on its way there */
static long log_io;
static char failure[256];	/* the first reason to fail; "" while all is well */

static void poweroff(void)
{
	if (results)
		fflush(results);
	sync();
	reboot(RB_POWER_OFF);
	/* Without ACPI there is no power off: a reset ends -no-reboot as well. */
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

/* Only the first failure is kept: later ones are mostly its consequences. */
static void fail(const char *fmt, ...)
{
	va_list ap;

	if (failure[0])
		return;
	va_start(ap, fmt);
	vsnprintf(failure, sizeof(failure), fmt, ap);
	va_end(ap);
}

/* Nothing works without the results port, so say it where a human may look. */
static void die(const char *what)
{
	fprintf(stderr, "init: %s: %s\n", what, strerror(errno));
	poweroff();
}

static void emit_string(const char *s, size_t bytes)
{
	putc('"', results);
	for (size_t i = 0; i < bytes; i++) {
		unsigned char c = s[i];

		if (c == '"' || c == '\\')
			fprintf(results, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			fprintf(results, "\\u%04x", c);
		else
			putc(c, results);
	}
	putc('"', results);
}

static void emit_field(const char *name, const char *value)
{
	fprintf(results, ", \"%s\": ", name);
	if (value)
		emit_string(value, strlen(value));
	else
		fputs("null", results);
}

/* Close the object and send it now: what a later crash cannot take back. */
static void emit_done(void)
{
	fputs("}\n", results);
	if (fflush(results))
		die("write to results port");
}

/* First line of a small file without its newline; NULL when there is none. */
static char *read_line(const char *path)
{
	static char line[MAX_LINE];
	FILE *file = fopen(path, "r");
	char *ret;

	if (!file)
		return NULL;
	ret = fgets(line, sizeof(line), file);
	fclose(file);
	if (ret)
		line[strcspn(line, "\n")] = '\0';
	return ret;
}

static void mount_one(const char *type, const char *where)
{
	mkdir(where, 0755);
	if (mount("none", where, type, 0, NULL))
		die(where);
}

static void mount_all(void)
{
	mount_one("devtmpfs", "/dev");
	mount_one("proc", "/proc");
	mount_one("sysfs", "/sys");
	mount_one("tmpfs", "/tmp");
	mount_one("debugfs", "/sys/kernel/debug");
	mount_one("tracefs", "/sys/kernel/tracing");
}

/* Device of the port that the host gave this name; -1 while there is none. */
static int try_port(const char *name)
{
	glob_t ports = { 0 };
	int fd = -1;

	glob("/sys/class/virtio-ports/*", 0, NULL, &ports);
	for (size_t i = 0; i < ports.gl_pathc && fd < 0; i++) {
		char path[PATH_MAX], *line;

		snprintf(path, sizeof(path), "%s/name", ports.gl_pathv[i]);
		line = read_line(path);
		if (!line || strcmp(line, name))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", basename(ports.gl_pathv[i]));
		fd = open(path, O_WRONLY | O_CLOEXEC);
	}
	globfree(&ports);
	return fd;
}

/* Ports get their names in a message from the host, some time after probe. */
static int open_port(const char *name)
{
	for (int waited_ms = 0; waited_ms < PORT_WAIT_MS; waited_ms += 10) {
		int fd = try_port(name);

		if (fd >= 0)
			return fd;
		usleep(10 * 1000);
	}
	errno = ENODEV;
	die(name);
	return -1;
}

/* One byte at a time: the next one would go to the next port. */
static int write_io(long port, const char *bytes, size_t nr_bytes)
{
	for (size_t i = 0; i < nr_bytes; i++) {
		if (pwrite(io_fd, bytes + i, 1, port) != 1)
			return -1;
	}
	return 0;
}

static ssize_t write_results(void *cookie, const char *bytes, size_t nr_bytes)
{
	return write_io((long)cookie, bytes, nr_bytes) ? 0 : nr_bytes;
}

static FILE *open_results(void)
{
	cookie_io_functions_t functions = { .write = write_results };
	char *port = getenv("RESULTS_IO");

	if (!port)
		return fdopen(open_port(RESULTS_PORT), "w");
	io_fd = open("/dev/port", O_WRONLY | O_CLOEXEC);
	if (io_fd < 0)
		die("/dev/port");
	return fopencookie((void *)strtol(port, NULL, 0), "w", functions);
}

/* Where the job writes what it has to say. */
static int open_log(void)
{
	char *port = getenv("LOG_IO");
	int ends[2];

	if (!port)
		return open_port(LOG_PORT);
	log_io = strtol(port, NULL, 0);
	if (pipe2(ends, O_CLOEXEC) || fcntl(ends[0], F_SETFL, O_NONBLOCK))
		die("pipe");
	log_pipe = ends[0];
	return ends[1];
}

/* Pass on what the job has printed so far. */
static void forward_log(void)
{
	char bytes[4096];
	ssize_t got;

	while ((got = read(log_pipe, bytes, sizeof(bytes))) > 0)
		write_io(log_io, bytes, got);
}

static void emit_hello(void)
{
	struct utsname uts;

	uname(&uts);
	fputs("{\"type\": \"hello\"", results);
	emit_field("release", uts.release);
	emit_field("cmdline", read_line("/proc/cmdline"));
	emit_field("backend", read_line(BACKEND_FILE));
	emit_done();
}

/* CPU times so far, as the kernel words them; the host does the arithmetic. */
static void emit_cpu(const char *when)
{
	fputs("{\"type\": \"cpu\"", results);
	emit_field("when", when);
	emit_field("stat", read_line("/proc/stat"));
	emit_done();
}

static void emit_metric(char *line)
{
	char *value = strchr(line, '=');
	size_t key_bytes;

	line[strcspn(line, "\n")] = '\0';
	if (!*line)
		return;
	key_bytes = value ? value - line : 0;
	if (!key_bytes || strspn(line, "abcdefghijklmnopqrstuvwxyz0123456789_.") != key_bytes) {
		fail("the job wrote a bad result line: %s", line);
		return;
	}
	*value++ = '\0';
	fprintf(results, "{\"type\": \"metric\", \"key\": \"%s\"", line);
	emit_field("value", value);
	emit_done();
}

static void emit_metrics(void)
{
	FILE *file = fopen(RESULTS_FILE, "r");
	char line[MAX_LINE];

	if (!file)
		return;
	while (fgets(line, sizeof(line), file))
		emit_metric(line);
	fclose(file);
}

static void emit_file(const char *name, const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = malloc(MAX_ATTACH_BYTES + 1);
	size_t bytes;

	if (!file || !text)
		die(path);
	bytes = fread(text, 1, MAX_ATTACH_BYTES + 1, file);
	fclose(file);
	if (bytes > MAX_ATTACH_BYTES) {
		fail("attachment %s is larger than %u bytes", name, MAX_ATTACH_BYTES);
	} else {
		fputs("{\"type\": \"file\"", results);
		emit_field("name", name);
		fputs(", \"text\": ", results);
		emit_string(text, bytes);
		emit_done();
	}
	free(text);
}

static void emit_files(const char *pattern)
{
	glob_t files = { 0 };

	glob(pattern, 0, NULL, &files);
	for (size_t i = 0; i < files.gl_pathc; i++)
		emit_file(basename(files.gl_pathv[i]), files.gl_pathv[i]);
	globfree(&files);
}

static void emit_pool_file(const char *key)
{
	char line[MAX_LINE], path[PATH_MAX], *value;

	snprintf(path, sizeof(path), "/sys/kernel/debug/swiotlb/%s", key);
	value = read_line(path);
	if (!value)
		return;
	snprintf(line, sizeof(line), "%s=%s", key, value);
	emit_metric(line);
}

static void emit_end(void)
{
	fputs("{\"type\": \"end\"", results);
	emit_field("verdict", failure[0] ? "fail" : "pass");
	emit_field("reason", failure[0] ? failure : NULL);
	emit_field("backend", read_line(BACKEND_FILE));
	emit_done();
}

/* Put the lines of /job/env into the environment; return the time limit. */
static unsigned int load_env(void)
{
	FILE *file = fopen("/job/env", "r");
	char line[MAX_LINE], *value;

	setenv("PATH", "/job/bin:/bin", 1);
	setenv("RESULTS", RESULTS_FILE, 1);
	setenv("ATTACH", ATTACH_DIR, 1);
	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		value = strchr(line, '=');
		if (!value)
			continue;
		*value++ = '\0';
		setenv(line, value, 1);
	}
	if (file)
		fclose(file);
	value = getenv("LIMIT");
	return value ? strtoul(value, NULL, 10) : DEFAULT_LIMIT_S;
}

static pid_t start_job(int log_fd)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	setsid();
	dup2(log_fd, STDOUT_FILENO);
	dup2(log_fd, STDERR_FILENO);
	sigprocmask(SIG_SETMASK, &(sigset_t){ 0 }, NULL);
	/* Where there is no shell, the job is a program of that name. */
	execl("/job/bin/job", "job", NULL);
	execl("/bin/sh", "sh", "/job/run", NULL);
	_exit(127);
}

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Until a child ends, but no longer than this. */
static void wait_child(double left_s, const sigset_t *child)
{
	struct timespec left = { .tv_sec = left_s };
	struct pollfd log = { .fd = log_pipe, .events = POLLIN };

	if (log_pipe >= 0) {
		poll(&log, 1, LOG_POLL_MS);
		forward_log();
		return;
	}
	left.tv_nsec = (left_s - left.tv_sec) * 1e9;
	sigtimedwait(child, NULL, &left);
}

/* Wait for the job, reaping orphans as PID 1 must, and judge how it ended. */
static void wait_job(pid_t job, unsigned int limit_s)
{
	double deadline_s = now_s() + limit_s;
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	for (;;) {
		double left_s = deadline_s - now_s();
		int status;
		pid_t pid;

		while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
			if (pid != job)
				continue;
			if (WIFSIGNALED(status))
				fail("the job was killed by signal %d", WTERMSIG(status));
			else if (WEXITSTATUS(status))
				fail("the job exited with status %d", WEXITSTATUS(status));
			return;
		}
		if (left_s <= 0) {
			fail("the job ran into its time limit of %u s", limit_s);
			kill(-job, SIGKILL);
			return;
		}
		wait_child(left_s, &child);
	}
}

int main(void)
{
	unsigned int limit_s;
	sigset_t child;
	int log_fd;

	mount_all();
	limit_s = load_env();
	results = open_results();
	if (!results)
		die(RESULTS_PORT);
	log_fd = open_log();
	mkdir(ATTACH_DIR, 0755);
	emit_hello();

	/* Blocked, so that sigtimedwait() sees it however early it comes. */
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);

	emit_cpu("before");
	wait_job(start_job(log_fd), limit_s);
	emit_cpu("after");
	if (log_pipe >= 0)
		forward_log();

	emit_metrics();
	emit_pool_file("io_tlb_nslabs");
	emit_pool_file("io_tlb_used");
	emit_pool_file("io_tlb_used_hiwater");
	emit_pool_file("io_tlb_transient_nslabs");
	emit_files(ATTACH_DIR "/*");
	if (getenv("GCOV_FILES"))
		emit_files(getenv("GCOV_FILES"));
	emit_end();
	poweroff();
}
