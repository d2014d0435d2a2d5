/*
 * event_credible.h
 *		Whether a well-formed event can be of a ledger of ours. Pure.
 */
#pragma once

#include "event_reader.h"

/*
 * The id must follow from wallet and version, the type be one of the ledger's, the user id no
 * longer than the ledger allows, and the time not far ahead of now_us. Else false, with the reason
 * in *fault.
 */
bool event_is_credible(const Event *event, int64_t now_us, EventFault *fault);
