/*
 * secret.h
 *		Finds passwords in texts that are about to be shown, and hides them. Pure.
 *
 * Hidden are: the password of any scheme://user:password@host, and the value after a name that
 * ends in password, passwd, secret or token, written name=value, name='value' or name: value.
 * What was hidden reads "***".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define SECRET_MASK "***"

/*
 * Copies text into masked (bytes > 0, always ends in NUL, cut if too short) with every secret
 * hidden. The result of a second call on its own output is the same.
 */
void secret_text_mask(const char *text, char *masked, size_t bytes);

/* Whether an option or property of this name holds a secret (sasl.password, ssl.key.pem ...). */
bool secret_name_check(const char *name);
