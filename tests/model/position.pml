/*
 * position.pml
 *		The protocol of positions, for Spin: PostgreSQL's slot, wallet_bridge, two partitions of the
 *		event topic, the progress topic. docs/model.md explains it; history.pml is the other half.
 *
 * Three commits have an event in each partition. Two bridges run; each may be killed anywhere, cut off
 * from the slot without noticing (a zombie), or be late; the server may restart and forget the newest
 * confirmation.
 *
 * This is delivery=idempotent; transactional.pml has the other.
 *
 *		-DMISTAKE=n			a mistake of the protocol that must be found; model.t lists them
 */
#define COMMITS 3
#define PARTITIONS 2
#define BRIDGES 2
#ifndef DEATHS
#define DEATHS 1		/* of a bridge */
#endif
#ifndef CUTS
#define CUTS 1			/* of the connection between slot and bridge */
#endif
#ifndef RESTARTS
#define RESTARTS 1		/* of the server */
#endif
#define FORGERIES 1		/* of a progress record */
#ifndef FAULTS
#define FAULTS 3		/* of all these at most so many in one run */
#endif
#define NOBODY 255
#ifndef MISTAKE
#define MISTAKE 0
#endif

#define max(a, b) ((a) > (b) -> (a) : (b))
#define min(a, b) ((a) < (b) -> (a) : (b))

typedef Pair { byte at[PARTITIONS] };

byte committed;					/* commits in the WAL */
byte confirmed, confirmed_on_disk;	/* of the slot */
byte owner = NOBODY;			/* the bridge that the walsender serves */
byte newest[PARTITIONS];		/* commit that a read_committed reader sees in the topic */
byte progress;					/* newest progress record: its position and its bridge's generation */
byte progress_generation;
byte generation;				/* handed out so far */
byte deaths, cuts, restarts, forgeries, faults;

/* INV-7: per partition in order, nothing left out. */
inline append(p, c)
{
	assert(c <= newest[p] + 1);
	newest[p] = max(newest[p], c)
}

proctype Bridge(byte me)
{
	byte received, recorded, found, mine, p;
	Pair sent;

term:
	/* Standby until the slot is free; then the start position and, in Kafka, a new generation. */
	if
	:: atomic { owner == NOBODY && confirmed_on_disk < COMMITS -> owner = me }
	:: confirmed_on_disk == COMMITS -> goto done
	fi;
	atomic {
		generation++;
		mine = generation
	}
	atomic {
#if MISTAKE == 1
		received = max(progress, confirmed);	/* whoever writes to the progress topic is believed */
		sent.at[0] = received;
		sent.at[1] = received;
#elif MISTAKE == 2
		received = committed;					/* starts where the WAL ends */
		sent.at[0] = received;
		sent.at[1] = received;
#else
		/* INV-14: the slot is the truth. Up to the record an event is left out only where its own
		 * partition has it, or a later one, already. */
		received = confirmed;
		sent.at[0] = max(min(progress, newest[0]), confirmed);
		sent.at[1] = max(min(progress, newest[1]), confirmed);
#endif
		found = (progress > received -> progress : 0);
		recorded = received
	}
stream:
	do
	/* A transaction is received whole; the server begins behind what is confirmed. */
	:: atomic { owner == me && received < committed ->
		if
		:: received < confirmed ->
			/* Another bridge went further while this one was cut off: from there. */
			received = confirmed;
			p = 0;
			do
			:: p < PARTITIONS ->
				sent.at[p] = max(sent.at[p], confirmed);
				p++
			:: else -> break
			od;
			p = 0;
			recorded = max(recorded, confirmed)
		:: else -> received++
		fi }
	:: atomic { sent.at[0] < received -> sent.at[0] = sent.at[0] + 1; append(0, sent.at[0]) }
	:: atomic { sent.at[1] < received -> sent.at[1] = sent.at[1] + 1; append(1, sent.at[1]) }
	/* Acknowledged in both partitions, known at any later time, in steps of any size; then recorded.
	 * The record of an older generation does not count. */
#if MISTAKE == 4
	:: atomic { min(received, max(sent.at[0], sent.at[1])) > recorded ->
		recorded = min(received, max(sent.at[0], sent.at[1]));
#elif MISTAKE == 5
	:: atomic { received > recorded -> recorded = received;
#else
	:: atomic { min(received, min(sent.at[0], sent.at[1])) > recorded ->
		recorded++;
#endif
		if
		/* Not behind what was found: a record that went back would send more copies. */
		:: mine >= progress_generation ->
			progress = max(found, recorded);
			progress_generation = mine;
			found = (found > recorded -> found : 0)
		:: else -> skip
		fi }
	/* INV-8: what is confirmed is in Kafka, and the bridge does not move it back. */
	:: atomic { owner == me && recorded > confirmed ->
		confirmed = recorded;
		assert(newest[0] >= confirmed && newest[1] >= confirmed) }
	/* Killed: what was in memory is gone, the server notices. */
	:: atomic { deaths < DEATHS && faults < FAULTS ->
		deaths++;
		faults++;
		if
		:: owner == me -> owner = NOBODY
		:: else -> skip
		fi;
		goto forget }
	/* Cut off and back within the process: goes on behind what it received. */
	:: atomic { owner == NOBODY && confirmed_on_disk < COMMITS -> owner = me }
	:: atomic { owner != me && owner != NOBODY && sent.at[0] >= received && sent.at[1] >= received &&
		recorded == received -> goto forget }
	:: confirmed_on_disk == COMMITS && recorded == received && sent.at[0] >= received &&
		sent.at[1] >= received -> break
	od;
	atomic {
		if
		:: owner == me -> owner = NOBODY
		:: else -> skip
		fi
	}
	goto done;
forget:
	atomic { received = 0; recorded = 0; found = 0; mine = 0; sent.at[0] = 0; sent.at[1] = 0 }
	goto term;
done:
	skip
}

/* Commits, cuts, checkpoints and restarts happen whenever they like. */
proctype Server()
{
	do
	:: committed < COMMITS -> committed++
	:: atomic { owner != NOBODY && cuts < CUTS && faults < FAULTS -> cuts++; faults++; owner = NOBODY }
	:: atomic { confirmed_on_disk < confirmed -> confirmed_on_disk = confirmed }
	/* Somebody else writes a record that is ahead of everything. */
	:: atomic { forgeries < FORGERIES && faults < FAULTS -> forgeries++; faults++; progress = COMMITS; progress_generation = generation }
	:: atomic { restarts < RESTARTS && faults < FAULTS -> restarts++; faults++; owner = NOBODY; confirmed = confirmed_on_disk }
	:: committed == COMMITS && confirmed == COMMITS && confirmed_on_disk == COMMITS -> break
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
