/*
 * transactional.pml
 *		position.pml with delivery=transactional, step by step: Kafka transactions that are begun, filled,
 *		committed, lost or fenced, in the middle of a commit too. docs/model.md explains it.
 *
 * Three commits have an event in each partition, the one in partition 0 first. Two bridges run; each may be
 * killed anywhere, cut off from the slot without noticing (a zombie), or be late; the answer to a commit
 * may be lost, and the request may come late; the server may restart and forget the newest confirmation.
 *
 *		-DMISTAKE=n		a mistake of the protocol that must be found; model.t lists them
 */
#define COMMITS 3
#define PARTITIONS 2
#define DEATHS 1		/* of a bridge */
#define CUTS 1			/* of the connection between slot and bridge */
#define RESTARTS 1		/* of the server */
#define FORGERIES 1		/* of a progress record */
#define DOUBTS 1		/* answers of the coordinator that are lost */
#ifndef FAULTS
#define FAULTS 2		/* of all these at most so many in one run */
#endif
#define NOBODY 255
#ifndef MISTAKE
#define MISTAKE 0
#endif

#define max(a, b) ((a) > (b) -> (a) : (b))
#define min(a, b) ((a) < (b) -> (a) : (b))

/* A position: that many whole commits, and whether the first event of the next one too. */
typedef Place { byte whole; bit inside };

byte committed;					/* commits in the WAL */
byte confirmed, confirmed_on_disk;	/* of the slot */
byte owner = NOBODY;			/* the bridge that the walsender serves */
byte newest[PARTITIONS];		/* commit that a read_committed reader sees in the topic */
Place progress;					/* newest progress record that such a reader sees */
byte holder = NOBODY;			/* whose producer has the id: no other one can do anything */

/* The open transaction of that producer. */
byte pending_first[PARTITIONS], pending_last[PARTITIONS];
Place pending_record;
bit has_record;
bit late;						/* a request to commit of it is still under way */

byte deaths, cuts, restarts, forgeries, doubts, faults;

/* INV-7: per partition in order, nothing left out, no copy. Events and record at once. */
inline make_visible()
{
	if
	:: pending_last[0] > 0 -> assert(pending_first[0] == newest[0] + 1); newest[0] = pending_last[0]
	:: else -> skip
	fi;
	if
	:: pending_last[1] > 0 -> assert(pending_first[1] == newest[1] + 1); newest[1] = pending_last[1]
	:: else -> skip
	fi;
	if
	:: has_record -> progress.whole = pending_record.whole; progress.inside = pending_record.inside
	:: else -> skip
	fi;
	forget_pending()
}

inline forget_pending()
{
	pending_first[0] = 0; pending_first[1] = 0; pending_last[0] = 0; pending_last[1] = 0;
	pending_record.whole = 0; pending_record.inside = 0; has_record = 0
}

inline produce(p)
{
	sent[p] = sent[p] + 1;
	if
	:: pending_first[p] == 0 -> pending_first[p] = sent[p]
	:: else -> skip
	fi;
	pending_last[p] = sent[p]
}

/* INV-14: the slot is the truth. Up to the record an event is left out only where its own partition has it. */
inline position_read()
{
	found.whole = progress.whole;
	found.inside = progress.inside;
#if MISTAKE == 1
	received = max(progress.whole, confirmed);	/* whoever writes to the progress topic is believed */
	sent[0] = received;
	sent[1] = received;
#elif MISTAKE == 2
	received = committed;						/* starts where the WAL ends */
	sent[0] = received;
	sent[1] = received;
#else
	received = confirmed;
#if MISTAKE == 7
	sent[0] = max(min(found.whole, newest[0]), confirmed);	/* the place in the commit is not looked at */
#else
	sent[0] = max(min(found.whole + found.inside, newest[0]), confirmed);
#endif
	sent[1] = max(min(found.whole, newest[1]), confirmed);
#endif
	recorded = received
}

/* Another producer takes the id: what the older one has open is aborted, what it sent late is refused. */
inline id_take()
{
	holder = me;
	mine = 1;
	late = 0;
	forget_pending()
}

/* How far the stream was handed over, and never behind what was recorded. */
inline record_make()
{
	handed = min(received, min(sent[0], sent[1]));
	pending_record.whole = handed;
	pending_record.inside = (sent[0] > sent[1] && handed == sent[1] && handed < received -> 1 : 0);
#if MISTAKE != 4
	if
	:: found.whole > pending_record.whole || (found.whole == pending_record.whole && found.inside) ->
		pending_record.whole = found.whole;
		pending_record.inside = found.inside
	:: else -> found.whole = pending_record.whole; found.inside = pending_record.inside
	fi;
#endif
	has_record = 1
}

#if MISTAKE == 5
#define may_write 1				/* a zombie is not fenced */
#else
#define may_write (holder == me)
#endif
#define handed_now min(received, min(sent[0], sent[1]))
#define has_pending (pending_last[0] > 0 || pending_last[1] > 0)
#define all_done (recorded == received && sent[0] >= received && sent[1] >= received)

proctype Bridge(byte me)
{
	byte received, recorded, handed;
	bit mine;								/* has a producer */
	byte sent[PARTITIONS];
	Place found;

term:
	/* Standby until the slot is free. */
	if
	:: owner == NOBODY && confirmed_on_disk < COMMITS -> skip
	:: confirmed_on_disk == COMMITS -> goto done
	fi;
#if MISTAKE == 6
	atomic { position_read() }					/* what is read first may be old when the id is taken */
	atomic { id_take() }
#elif MISTAKE == 8
	atomic {									/* after a doubt the same producer goes on */
		if
		:: mine == 0 -> id_take()
		:: else -> forget_pending()
		fi
	}
	atomic { position_read() }
#else
	atomic { id_take() }
	atomic { position_read() }
#endif
	do
	/* Gets the slot, also again after it was cut off. */
	:: atomic { owner == NOBODY && confirmed_on_disk < COMMITS -> owner = me }
	:: atomic { owner != me && owner != NOBODY && all_done -> goto forget }
	/* A transaction is received whole; the server begins behind what is confirmed. */
	:: atomic { owner == me && received < committed ->
		if
		:: received < confirmed ->
			received = confirmed;
			sent[0] = max(sent[0], confirmed);
			sent[1] = max(sent[1], confirmed);
			recorded = max(recorded, confirmed)
		:: else -> received++
		fi }
	/* In the order of the stream; what the topic has is passed over. */
	:: atomic { may_write && sent[0] < received && sent[1] >= sent[0] -> produce(0) }
	:: atomic { may_write && sent[1] < received && sent[0] > sent[1] -> produce(1) }
	:: holder != me && MISTAKE != 5 -> goto forget
	/* The record goes into the transaction, which is then committed, at any place of the stream. */
	:: atomic { may_write && (has_pending || handed_now > recorded) ->
#if MISTAKE == 3
		make_visible();							/* the record is left for later */
		recorded = handed_now
#else
		record_make();
		if
		:: make_visible(); recorded = max(recorded, handed)
		/* Visible, and nobody is told; or later, or never: another producer finds out. */
		:: doubts < DOUBTS && faults < FAULTS -> doubts++; faults++; make_visible(); goto forget
		:: doubts < DOUBTS && faults < FAULTS -> doubts++; faults++; late = 1; goto forget
		fi;
		handed = 0
#endif
		}
#if MISTAKE == 3
	:: atomic { may_write && recorded > progress.whole -> progress.whole = recorded; progress.inside = 0 }
#endif
	/* INV-8: what is confirmed is in Kafka, and the bridge does not move it back. */
	:: atomic { owner == me && recorded > confirmed ->
		confirmed = recorded;
		assert(newest[0] >= confirmed && newest[1] >= confirmed) }
	/* Killed: what was in memory is gone. */
	:: atomic { deaths < DEATHS && faults < FAULTS -> deaths++; faults++; mine = 0; goto forget }
	:: confirmed_on_disk == COMMITS && all_done -> break
	od;
	atomic {
		if
		:: owner == me -> owner = NOBODY
		:: else -> skip
		fi
	}
	goto done;
forget:
	atomic {
		if
		:: owner == me -> owner = NOBODY
		:: else -> skip
		fi;
		received = 0; recorded = 0; handed = 0; sent[0] = 0; sent[1] = 0; found.whole = 0; found.inside = 0;
#if MISTAKE != 8
		mine = 0
#endif
	}
	goto term;
done:
	skip
}

/* Commits, cuts, checkpoints, restarts and late requests happen whenever they like. */
proctype Server()
{
	do
	:: committed < COMMITS -> committed++
	:: atomic { owner != NOBODY && cuts < CUTS && faults < FAULTS -> cuts++; faults++; owner = NOBODY }
	:: atomic { confirmed_on_disk < confirmed -> confirmed_on_disk = confirmed }
	/* Somebody else writes a record that is ahead of everything. */
	:: atomic { forgeries < FORGERIES && faults < FAULTS -> forgeries++; faults++; progress.whole = COMMITS; progress.inside = 0 }
	:: atomic { restarts < RESTARTS && faults < FAULTS -> restarts++; faults++; owner = NOBODY; confirmed = confirmed_on_disk }
	/* The late request meets what its producer has open; a fenced one's is refused. */
	:: atomic { late -> make_visible(); late = 0 }
	:: atomic { committed == COMMITS && confirmed == COMMITS && confirmed_on_disk == COMMITS -> break }
	od
}

init
{
	atomic {
		run Server();
		run Bridge(0);
		run Bridge(1)
	}
	/* INV-7: when nothing can move any more, everything has arrived. */
	timeout -> assert(newest[0] == COMMITS && newest[1] == COMMITS && confirmed == COMMITS)
}
