/*
 * transits.pml
 *		Transfers between two shards, for Spin: each shard's database, its bridge, its wallet_settle, and
 *		the topic between them. docs/model.md explains it.
 *
 * Three transfers cross, two from one shard and one from the other. The topic keeps no order and may hold
 * a message twice. Bridges and settlers die at any step; what a database has committed stays. No step
 * looks at the tables of two shards (INV-19), but for what an answer says.
 *
 *		-DMISTAKE=n			a mistake of the protocol that must be found; model.t lists them
 */
#define TRANSFERS 3
#define MESSAGES 9				/* send, cancel and answer of each transfer */
#define MONEY 3					/* on each shard at the start */
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef MISTAKE
#define MISTAKE 0
#endif

#define send(t) (t)
#define cancel(t) (TRANSFERS + (t))
#define answer(t) (2 * TRANSFERS + (t))
#define transfer_of(m) ((m) % TRANSFERS)
#define source(t) ((t) == 2)
#define destination(t) (1 - source(t))
/* The shard whose bridge publishes a message, and the one whose settler reads it. */
#define writer(m) ((m) >= answer(0) -> destination(transfer_of(m)) : source(transfer_of(m)))
#define reader(m) (1 - writer(m))

/* What a bridge may take: committed rows. Confirmed rows are not read again after a death. */
mtype:place = { ABSENT, COMMITTED, CONFIRMED };
/* wallet_transits at the source. */
mtype:state = { NONE, SENT, CANCELLING, SETTLED, RETURNED };
/* wallet_transits_received at the destination. */
mtype:outcome = { NOTHING, CREDITED, REFUSED, CANCELLED };

mtype:place row[MESSAGES] = ABSENT;
byte in_topic[MESSAGES];
mtype:state transit[TRANSFERS] = NONE;
mtype:outcome received[TRANSFERS] = NOTHING;
byte balance[2] = MONEY;
byte credits[TRANSFERS], returns[TRANSFERS];
byte crashes;

#define commit_row(m) row[m] = COMMITTED

#define in_flight(t) (transit[t] != NONE && credits[t] == 0 && returns[t] == 0 -> 1 : 0)

inline check_money(t)
{
	/* INV-16, INV-17. */
	assert(credits[t] <= 1 && returns[t] <= 1 && !(credits[t] == 1 && returns[t] == 1));
	assert(balance[0] + balance[1] + in_flight(0) + in_flight(1) + in_flight(2) == 2 * MONEY)
}

inline publish(m)
{
	in_topic[m]++
}

/* wallet_transfer at the payer's shard: debit, transit and message are one commit. */
inline pay(t)
{
	balance[source(t)]--;
	transit[t] = SENT;
	commit_row(send(t));
	check_money(t)
}

inline return_money(t)
{
	balance[source(t)]++;
	returns[t]++;
	transit[t] = RETURNED;
	check_money(t)
}

/* wallet_transit_cancel: it only asks. */
inline ask_to_cancel(t)
{
	commit_row(cancel(t));
#if MISTAKE == 3
	return_money(t)
#else
	transit[t] = CANCELLING
#endif
}

inline record_outcome(t, what)
{
	received[t] = what;
#if MISTAKE == 5
	/* The answer is produced after the commit, beside the WAL: a death in between loses it. */
	if
	:: crashes < CRASHES -> crashes++
	:: publish(answer(t))
	fi
#else
	commit_row(answer(t))
#endif
}

inline credit(t)
{
	balance[destination(t)]++;
	credits[t]++;
	record_outcome(t, CREDITED);
	check_money(t)
}

#if MISTAKE == 1
#define may_receive(t) true
#elif MISTAKE == 8
#define may_receive(t) (received[t] == NOTHING || received[t] == CANCELLED)
#else
#define may_receive(t) (received[t] == NOTHING)
#endif

/* wallet_receive: whatever is there already stands. What can't be credited is recorded. */
inline receive(t)
{
	if
	:: may_receive(t) ->
		if
		:: credit(t)
#if MISTAKE == 9
		:: skip
#else
		:: record_outcome(t, REFUSED)
#endif
		fi
	:: else
	fi
}

/* wallet_receive_cancel: the tombstone. */
inline receive_cancel(t)
{
	if
#if MISTAKE == 4
	:: received[t] != CANCELLED -> record_outcome(t, CANCELLED)
#else
	:: received[t] == NOTHING -> record_outcome(t, CANCELLED)
#endif
	:: else
	fi
}

#if MISTAKE == 2
#define is_open(t) true
#else
#define is_open(t) (transit[t] == SENT || transit[t] == CANCELLING)
#endif

/* wallet_transit_close. The answer says what the destination's row said: it never changes. */
inline close_transit(t)
{
	if
	:: is_open(t) && received[t] == CREDITED -> transit[t] = SETTLED
	:: is_open(t) && received[t] != CREDITED -> return_money(t)
	:: else
	fi
}

inline settle(m)
{
	if
	:: m < cancel(0) -> receive(transfer_of(m))
	:: m >= cancel(0) && m < answer(0) -> receive_cancel(transfer_of(m))
	:: m >= answer(0) -> close_transit(transfer_of(m))
	fi
}

#define to_publish(m) (writer(m) == shard && row[m] == COMMITTED)
#define to_settle(m) (reader(m) == shard && in_topic[m] > 0)

/* Any of them; waits for one. */
inline choose_to_publish()
{
	if
	:: to_publish(0) -> m = 0
	:: to_publish(1) -> m = 1
	:: to_publish(2) -> m = 2
	:: to_publish(3) -> m = 3
	:: to_publish(4) -> m = 4
	:: to_publish(5) -> m = 5
	:: to_publish(6) -> m = 6
	:: to_publish(7) -> m = 7
	:: to_publish(8) -> m = 8
	fi
}

inline choose_to_settle()
{
	if
	:: to_settle(0) -> m = 0
	:: to_settle(1) -> m = 1
	:: to_settle(2) -> m = 2
	:: to_settle(3) -> m = 3
	:: to_settle(4) -> m = 4
	:: to_settle(5) -> m = 5
	:: to_settle(6) -> m = 6
	:: to_settle(7) -> m = 7
	:: to_settle(8) -> m = 8
	fi
}

/* The callers: a transfer may never be asked for, and be cancelled or not, at any time. */
proctype Caller(byte t)
{
	if
	:: true ->
#if MISTAKE == 10
		/* The message is produced first, beside the WAL: the transaction may still fail. */
		atomic { publish(send(t)) };
		if
		:: atomic { crashes < CRASHES -> crashes++ }; goto ended
		:: true
		fi;
#endif
		atomic { pay(t) }
	:: goto ended
	fi;
	if
	:: atomic { transit[t] == SENT -> ask_to_cancel(t) }
	:: true
	fi;
ended:
	skip
}

/*
 * A bridge: a row is published, then confirmed. A death in between makes it publish the row again; a death
 * elsewhere changes nothing that can be seen.
 */
proctype Bridge(byte shard)
{
	byte m;

end:
	do
	:: atomic {
		choose_to_publish();
		if
#if MISTAKE == 6
		:: crashes < CRASHES -> crashes++; row[m] = CONFIRMED
#else
		:: crashes < CRASHES -> crashes++; publish(m)
#endif
		:: publish(m); row[m] = CONFIRMED
		fi;
		m = 0 }
	od
}

/* A settler: effect and position are one commit. A death before it leaves the message where it is. */
proctype Settle(byte shard)
{
	byte m;

end:
	do
	:: atomic {
		choose_to_settle();
		in_topic[m]--;
		if
#if MISTAKE == 7
		/* The position is committed before the effect. */
		:: crashes < CRASHES -> crashes++
#endif
		:: settle(m)
		fi;
		m = 0 }
	od
}

#define ended(t) (transit[t] == NONE || (transit[t] == SETTLED && received[t] == CREDITED) \
	|| (transit[t] == RETURNED && (received[t] == REFUSED || received[t] == CANCELLED)))

init
{
	atomic {
		run Caller(0); run Caller(1); run Caller(2);
		run Bridge(0); run Bridge(1);
		run Settle(0); run Settle(1)
	}
	/* INV-18: when nothing can move any more, every transit has ended. */
	timeout -> assert(ended(0) && ended(1) && ended(2))
}
