// SPDX-License-Identifier: GPL-2.0
/*
 * The terminal: its size, single keys, and how it was before
 *
 * Text goes to the alternate screen, so that what was there comes back in the end,
 * however that end comes: by a key, by a signal, or by being stopped for a while.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "swiotlb-top.h"

static struct termios cooked;
static bool has_keys, entered;
static volatile sig_atomic_t last_signal;

static void on_signal(int signal)
{
	last_signal = signal;
}

static void set_up(void)
{
	struct termios raw;

	if (has_keys) {
		raw = cooked;
		raw.c_lflag &= ~(ICANON | ECHO);
		raw.c_cc[VMIN] = 1;
		raw.c_cc[VTIME] = 0;
		tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	}
	/* Alternate screen, no cursor */
	fputs("\033[?1049h\033[?25l", stdout);
	fflush(stdout);
	entered = true;
}

/**
 * terminal_leave() - as it was before
 *
 * May be called at any time, more than once.
 */
void terminal_leave(void)
{
	if (!entered)
		return;
	entered = false;
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	if (has_keys)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &cooked);
}

/**
 * terminal_enter() - take the terminal
 * @screen: told that it is one, and its size
 *
 * Return: false if standard output is no terminal that knows escape sequences.
 */
bool terminal_enter(struct screen *screen)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP };
	struct sigaction action = { .sa_handler = on_signal };
	const char *kind = getenv("TERM");
	unsigned int i;

	if (!isatty(STDOUT_FILENO) || !kind || !strcmp(kind, "dumb"))
		return false;
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, NULL);
	has_keys = isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &cooked);
	atexit(terminal_leave);
	set_up();
	screen->terminal = true;
	terminal_size(screen);
	return true;
}

/**
 * terminal_size() - how large it is now
 * @screen: filled in; 80 times 24 if the terminal does not say
 */
void terminal_size(struct screen *screen)
{
	struct winsize size;

	screen->columns = 80;
	screen->rows = 24;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col || !size.ws_row)
		return;
	screen->columns = size.ws_col;
	screen->rows = size.ws_row;
}

/* Stop, as the user wished, and take the terminal again when that is over */
static void stop(void)
{
	terminal_leave();
	raise(SIGSTOP);
	set_up();
}

/**
 * terminal_wait() - wait for a key or for time to pass
 * @seconds: how long at most
 *
 * Return: the key; 0 if time has passed, or the screen has to be drawn anew; 'q' if
 * a signal or the end of input says that this is the end.
 */
int terminal_wait(double seconds)
{
	struct pollfd keys = { .fd = has_keys ? STDIN_FILENO : -1, .events = POLLIN };
	struct timespec wait;
	sigset_t all, old;
	int signal, ready;

	wait.tv_sec = seconds;
	wait.tv_nsec = (seconds - wait.tv_sec) * 1e9;

	/* A signal that came before is not slept through */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	ready = last_signal ? 0 : ppoll(&keys, 1, &wait, &old);
	signal = last_signal;
	last_signal = 0;
	sigprocmask(SIG_SETMASK, &old, NULL);

	if (signal == SIGTSTP)
		stop();
	else if (signal && signal != SIGWINCH)
		return 'q';
	if (ready > 0) {
		char key;

		if (read(STDIN_FILENO, &key, 1) == 1)
			return key;
		return errno == EINTR ? 0 : 'q';
	}
	return 0;
}
