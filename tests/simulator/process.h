/*
 * process.h
 *		The bridges: started, asked to stop, killed, and started again by a supervisor.
 */
#pragma once

/* Both, if there are two, at about the same time. */
void processes_begin(int count);

void process_crash(void);
void process_freeze(void);
void process_ask_to_stop(void);
