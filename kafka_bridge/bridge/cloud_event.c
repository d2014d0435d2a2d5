/*
 * cloud_event.c
 *		The texts of CloudEvents headers: time and sequence. Pure.
 *
 * Written digit by digit: this runs for every event, and printf would cost more than the producer.
 */
#include "cloud_event.h"

#include <stdlib.h>
#include <string.h>

#define US_PER_SECOND 1000000
#define US_PER_DAY	  (86400LL * US_PER_SECOND)

static void
digits_write(char *at, int count, uint32_t value)
{
	while (count-- > 0)
	{
		at[count] = (char) ('0' + value % 10);
		value /= 10;
	}
}

static void
hexadecimal_write(char *at, int count, uint64_t value)
{
	while (count-- > 0)
	{
		at[count] = "0123456789ABCDEF"[value & 15];
		value >>= 4;
	}
}

/* Days since 1970-01-01 to a date of the Gregorian calendar, counted from 0000-03-01. */
static void
date_write(char *at, int64_t days)
{
	days += 719468;

	uint32_t era = (uint32_t) (days / 146097); /* 400 years each */
	uint32_t day_of_era = (uint32_t) (days % 146097);
	uint32_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	uint32_t month_from_march = (5 * day_of_year + 2) / 153;
	uint32_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;

	digits_write(at, 4, year_of_era + era * 400 + (month <= 2));
	at[4] = '-';
	digits_write(at + 5, 2, month);
	at[7] = '-';
	digits_write(at + 8, 2, day_of_year - (153 * month_from_march + 2) / 5 + 1);
}

void
cloud_event_time_write(int64_t time, char text[CLOUD_EVENT_TIME_BYTES])
{
	int64_t days = time / US_PER_DAY;
	int64_t of_day = time % US_PER_DAY;

	if (of_day < 0)
	{
		of_day += US_PER_DAY;
		days--;
	}

	uint32_t seconds = (uint32_t) (of_day / US_PER_SECOND);

	memcpy(text, "0000-00-00T00:00:00.000000Z", CLOUD_EVENT_TIME_BYTES);
	date_write(text, days);
	digits_write(text + 11, 2, seconds / 3600);
	digits_write(text + 14, 2, seconds / 60 % 60);
	digits_write(text + 17, 2, seconds % 60);
	digits_write(text + 20, 6, (uint32_t) (of_day % US_PER_SECOND));
}

void
cloud_event_sequence_write(uint64_t end_lsn, uint32_t ordinal,
						   char text[CLOUD_EVENT_SEQUENCE_BYTES])
{
	hexadecimal_write(text, 16, end_lsn);
	text[16] = '-';
	hexadecimal_write(text + 17, 8, ordinal);
	text[25] = '\0';
}

bool
cloud_event_sequence_read(const char *text, uint64_t *end_lsn, uint32_t *ordinal)
{
	static const char *const digits = "0123456789ABCDEF";

	if (strlen(text) != CLOUD_EVENT_SEQUENCE_BYTES - 1 || strspn(text, digits) != 16 ||
		text[16] != '-' || strspn(text + 17, digits) != 8)
		return false;
	*end_lsn = strtoull(text, NULL, 16);
	*ordinal = (uint32_t) strtoul(text + 17, NULL, 16);
	return true;
}
