/*
 * linger.c
 *		Whether records wait for company before they are sent. Pure.
 */
#include "linger.h"

#define WINDOW_US	 20000
#define TIMES_SELDOM 10 /* in two windows: about 250 a second */

bool
linger_is_over(Linger *linger, int64_t now_us)
{
	int64_t window = now_us / WINDOW_US;

	if (window != linger->window)
	{
		linger->before = window == linger->window + 1 ? linger->here : 0;
		linger->here = 0;
		linger->window = window;
	}
	linger->here++;
	return linger->here + linger->before <= TIMES_SELDOM;
}
