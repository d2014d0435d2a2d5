/*
 * wake.h
 *		A descriptor that one thread makes readable to wake another one out of poll(2).
 */
#pragma once

/* Not readable at first; close(2) it. Negative where there is none to be had. */
int wake_new(void);

void wake_set(int wake_fd);

/* Unreadable until it is set again. */
void wake_take(int wake_fd);
