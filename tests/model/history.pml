/*
 * history.pml
 *		The other half of the protocol of positions, for Spin: partitions of the event topic as position.pml
 *		leaves them (in order, copies possible), and consumers that store rows and positions.
 *
 * A consumer may be a zombie: it goes on with a partition that another one took over. The database may
 * fail any transaction. docs/model.md explains it.
 *
 *		-DMISTAKE=n			a mistake of the protocol that must be found; model.t lists them
 */
#define COMMITS 3
#define PARTITIONS 2
#define CONSUMERS 2
#define TAKEOVERS 3		/* of a partition by a consumer */
#define COPIES 1		/* later copies of an event, after a crash of the bridge */
#define FAILURES 1		/* of the database */
#define ROOM 4			/* records of a partition */
#ifndef MISTAKE
#define MISTAKE 0
#endif

#define max(a, b) ((a) > (b) -> (a) : (b))

typedef Partition { byte commit[ROOM]; byte length; byte newest; byte copies };

Partition topic[PARTITIONS];
byte takeovers, failures;
byte bridges = PARTITIONS;		/* that still write */

/* The history's tables: the newest version stored, position and fence of a partition, one database. */
byte stored[PARTITIONS];
byte next_offset[PARTITIONS];
byte fence[PARTITIONS];

/* What position.pml asserts of every append, and no more. */
inline append(p, c)
{
	assert(c <= topic[p].newest + 1);
	topic[p].commit[topic[p].length] = c;
	topic[p].length++;
	topic[p].newest = max(topic[p].newest, c)
}

#define at_end(q) (my_fence[q] != fence[q] || my_fence[q] == 0 || my_offset[q] == topic[q].length)

/* INV-9: nothing left out, nothing twice: a copy is passed over. */
inline store()
{
	assert(my_offset[p] == next_offset[p]);
	assert(c <= stored[p] + 1);
#if MISTAKE == 2
	assert(c == stored[p] + 1);
#endif
#if MISTAKE == 3
	stored[p] = c;
#else
	stored[p] = max(stored[p], c);
#endif
	my_offset[p]++;
	next_offset[p] = my_offset[p]
}

proctype Bridge(byte p)
{
	byte c;

	do
	:: atomic { topic[p].newest < COMMITS -> append(p, topic[p].newest + 1) }
	/* A bridge that began again sends once more what it did not know to be there. */
	:: atomic { topic[p].newest > 0 && topic[p].copies < COPIES ->
		topic[p].copies++;
		if
		:: c = topic[p].newest
		:: topic[p].newest > 1 -> c = topic[p].newest - 1
		fi;
		append(p, c);
		c = 0 }
	:: atomic { topic[p].newest == COMMITS -> bridges-- ; break }
	od
}

proctype Consumer()
{
	byte my_fence[PARTITIONS], my_offset[PARTITIONS], p, c;

	do
	/* A partition comes: the fence is moved and the position read in one statement. */
	:: atomic { takeovers < TAKEOVERS ->
		takeovers++;
		if
		:: p = 0
		:: p = 1
		fi;
		fence[p]++;
		my_fence[p] = fence[p];
		my_offset[p] = next_offset[p];
		p = 0 }
	/* A batch is read from Kafka, and stored later, in one transaction with the position. */
	:: atomic {
		if
		:: my_fence[0] > 0 && my_offset[0] < topic[0].length -> p = 0
		:: my_fence[1] > 0 && my_offset[1] < topic[1].length -> p = 1
		fi;
		c = topic[p].commit[my_offset[p]] };
		atomic {
			if
			/* The database fails: nothing is stored, the position is as before. */
			:: failures < FAILURES -> failures++;
#if MISTAKE == 4
				my_offset[p]++
#else
				my_offset[p] = next_offset[p]
#endif
#if MISTAKE == 1
			:: true -> store()
#else
			:: my_fence[p] == fence[p] && my_offset[p] == next_offset[p] -> store()
			:: !(my_fence[p] == fence[p] && my_offset[p] == next_offset[p]) -> my_fence[p] = 0; my_offset[p] = 0
#endif
			fi;
			c = 0;
			p = 0
		}
	/* The newest owner of a partition stays until it is read to its end. */
	:: takeovers == TAKEOVERS && bridges == 0 && at_end(0) && at_end(1) -> break
	od
}

init
{
	atomic { run Bridge(0); run Bridge(1); run Consumer(); run Consumer() }
	timeout -> assert((fence[0] == 0 || stored[0] == COMMITS) && (fence[1] == 0 || stored[1] == COMMITS))
}
