/*
 * tokens.c
 *		The file of tokens, and a header that is looked for in them. Input: the header, a byte of
 *		zero, the file.
 */
#include "fuzz_input.h"
#include "http/token_list.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FuzzInput input = {(const char *) data, size};
	char *header = fuzz_take_text(&input);
	char *file = fuzz_take_text(&input);
	HttpTokens *tokens = calloc(1, sizeof(*tokens));
	HttpCaller caller;

	FUZZ_CHECK(tokens != NULL);
	if (http_token_list_parse(tokens, file).class == STATUS_OK)
		for (size_t i = 0; i < tokens->count; i++)
			FUZZ_CHECK(tokens->items[i].caller.scopes != 0);
	(void) http_tokens_find(tokens, header, &caller);
	http_tokens_free(tokens);
	free(file);
	free(header);
	return 0;
}
