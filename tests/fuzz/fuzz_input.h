/*
 * fuzz_input.h
 *		What libFuzzer gives, taken apart: fields that end with a byte of zero, and the rest.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What does not hold ends the run, and libFuzzer keeps the input. */
#define FUZZ_CHECK(condition)                                                       \
	do                                                                              \
	{                                                                               \
		if (!(condition))                                                           \
		{                                                                           \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                \
		}                                                                           \
	} while (0)

typedef struct FuzzInput
{
	const char *at;
	size_t left;
} FuzzInput;

/* The next field as a text from malloc(); "" where there is none. */
static inline char *
fuzz_take_text(FuzzInput *input)
{
	const char *end = input->left > 0 ? memchr(input->at, '\0', input->left) : NULL;
	size_t bytes = end != NULL ? (size_t) (end - input->at) : input->left;
	char *text = malloc(bytes + 1);

	FUZZ_CHECK(text != NULL);
	if (bytes > 0)
		memcpy(text, input->at, bytes);
	text[bytes] = '\0';
	input->at += bytes + (end != NULL);
	input->left -= bytes + (end != NULL);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
