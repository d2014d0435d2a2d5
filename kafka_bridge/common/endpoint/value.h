/*
 * value.h
 *		The kinds of parameters of endpoints. Pure; see EndpointParse for what they return.
 *
 * They are strict where PostgreSQL is lenient ("1e5" or "0x10" as an amount, "tomorrow" as a time):
 * what a client may send must not depend on the server's version.
 */
#pragma once

#include "endpoint/endpoint.h"

/* A string. */
const char *endpoint_text_parse(const EndpointInput *input, char **values);
/* A string without control characters: a header's, which someone will log. */
const char *endpoint_key_parse(const EndpointInput *input, char **values);
/* A string of the form 8-4-4-4-12 hexadecimal digits; the value has small letters. */
const char *endpoint_uuid_parse(const EndpointInput *input, char **values);
/*
 * A decimal number, as a string ("100.00") or as a JSON integer. Refused is a JSON number with a
 * fraction or an exponent: a client that keeps amounts in floating point may have lost money
 * already.
 */
const char *endpoint_amount_parse(const EndpointInput *input, char **values);
/* A duration as PostgreSQL reads it, where each number has a unit: "15" would be 15 seconds. */
const char *endpoint_interval_parse(const EndpointInput *input, char **values);
const char *endpoint_boolean_parse(const EndpointInput *input, char **values);
/* A JSON object, passed on byte by byte. */
const char *endpoint_object_parse(const EndpointInput *input, char **values);
/* An entity tag of ours, "<version>", or * for any. */
const char *endpoint_if_match_parse(const EndpointInput *input, char **values);
/* A number of a version: 1 to 18 digits. */
const char *endpoint_version_parse(const EndpointInput *input, char **values);
/* 1 to 10 of A-Z and 0-9. */
const char *endpoint_currency_parse(const EndpointInput *input, char **values);
/* Words of A-Z and _, separated by commas; the value is an array literal. */
const char *endpoint_words_parse(const EndpointInput *input, char **values);
/* 1 to 1000; the value is one more, which tells whether there is a next page. */
const char *endpoint_limit_parse(const EndpointInput *input, char **values);
/* A moment of RFC 3339, or a day (its midnight in UTC). */
const char *endpoint_time_parse(const EndpointInput *input, char **values);
