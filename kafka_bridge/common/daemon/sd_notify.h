/*
 * sd_notify.h
 *		Tells the service manager how the process is doing: datagrams to $NOTIFY_SOCKET (a path or
 *		an abstract name), in systemd's protocol, without its library. Without the variable, and on
 *		errors, nothing happens.
 */
#pragma once

#include <stdint.h>

void sd_notify_ready(void);
void sd_notify_stopping(void);
void sd_notify_watchdog(void);
/* One line for "systemctl status"; cut to 256 bytes. */
void sd_notify_status(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* How often to call sd_notify_watchdog(), half of what the manager allows; 0: not at all. */
int64_t sd_notify_watchdog_ms(void);
