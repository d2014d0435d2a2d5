// Moves money by many sessions at once, notes when each call was made and what it was told, and checks
// that the whole could have happened one call after the other.
//
// Where it says "please kill" on its output, who runs it kills the server, starts it again and answers
// with a line.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

const never = math.MaxInt64

// Run is a load and what was found in it.
type Run struct {
	uri        string
	groupCalls int
	began      time.Time
	wanted     int64 // calls
	calls      int64
	unknown    int64
	kinds      sync.Map // "transfer WL002" -> *int64

	mutex     sync.Mutex
	random    *rand.Rand
	active    []*Group
	groups    int
	failed    error
	completed chan *Group
	stopped   chan struct{}

	groupsChecked, porcupineCalls int
	checking                      time.Duration
}

func (r *Run) now() int64 { return time.Since(r.began).Nanoseconds() }

func (r *Run) failure() error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.failed
}

func (r *Run) fail(err error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.failed == nil {
		r.failed = err
		close(r.stopped)
	}
}

// await lets time go by, unless something has been found.
func (r *Run) await(span time.Duration) {
	select {
	case <-r.stopped:
	case <-time.After(span):
	}
}

// group gives one of the groups that are worked on; nil: there have been calls enough.
func (r *Run) group(random *rand.Rand) *Group {
	if atomic.LoadInt64(&r.calls) >= r.wanted {
		return nil
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	i := random.Intn(len(r.active))
	g := r.active[i]
	g.mutex.Lock()
	closed := g.closed
	g.mutex.Unlock()
	if closed {
		g = newGroup(r.groups, r.groupCalls, r.random)
		r.groups++
		r.active[i] = g
	}
	return g
}

func (r *Run) complete(g *Group) {
	g.mutex.Lock()
	first := !g.checked
	g.checked = true
	g.mutex.Unlock()
	if first {
		r.completed <- g
	}
}

func (r *Run) count(call *Call) {
	atomic.AddInt64(&r.calls, 1)
	code := call.Outcome.Code
	if call.Outcome.Unknown {
		atomic.AddInt64(&r.unknown, 1)
		code = "unknown"
	}
	counter, _ := r.kinds.LoadOrStore(call.Request.Kind.String()+" "+code, new(int64))
	atomic.AddInt64(counter.(*int64), 1)
}

// terminate ends a random session of the load now and then.
func (r *Run) terminate(ctx context.Context, every time.Duration, done chan struct{}) {
	for {
		select {
		case <-done:
			return
		case <-time.After(every):
		}
		connection, err := pgx.Connect(ctx, r.uri)
		if err != nil {
			continue
		}
		_, _ = connection.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active' ORDER BY random() LIMIT 1`)
		connection.Close(ctx)
	}
}

// kill asks for the death of the server as often as it is wanted, evenly over the calls.
func (r *Run) kill(kills int, done chan struct{}) {
	answers := bufio.NewReader(os.Stdin)
	for i := 1; i <= kills; i++ {
		for atomic.LoadInt64(&r.calls) < r.wanted*int64(i)/int64(kills+1) {
			select {
			case <-done:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
		fmt.Println("please kill")
		if _, err := answers.ReadString('\n'); err != nil {
			r.fail(fmt.Errorf("the server was not killed: %w", err))
		}
	}
}

// check judges the groups that are complete.
func (r *Run) check(ctx context.Context, usePorcupine bool) {
	for g := range r.completed {
		if r.failure() != nil {
			continue
		}
		begin := time.Now()
		ledger, err := readLedger(ctx, r, g)
		if err == nil {
			err = checkVersions(g, ledger)
		}
		if err == nil && usePorcupine && !g.Expires {
			err = checkPorcupine(g, ledger)
			r.porcupineCalls += len(g.calls)
		}
		r.checking += time.Since(begin)
		r.groupsChecked++
		if err != nil {
			r.fail(fmt.Errorf("group %d: %w", g.Number, err))
		}
	}
}

func (r *Run) report(took time.Duration, load time.Duration) {
	r.kinds.Range(func(key, value any) bool {
		fmt.Printf("outcome %-24s %d\n", key, *value.(*int64))
		return true
	})
	fmt.Printf("%d calls in %.1f s, %.0f a second, %d of unknown outcome; %d groups checked in %.1f s, %d calls by Porcupine too; %.1f s in all\n",
		r.calls, load.Seconds(), float64(r.calls)/load.Seconds(), r.unknown, r.groupsChecked, r.checking.Seconds(),
		r.porcupineCalls, took.Seconds())
}

func main() {
	uri := flag.String("uri", "", "the database")
	calls := flag.Int64("ops", 10000, "calls in all")
	clients := flag.Int("clients", 12, "sessions")
	active := flag.Int("groups", 3, "groups of wallets that are worked on at once")
	groupCalls := flag.Int("group-ops", 300, "calls to one group")
	terminate := flag.Duration("terminate", 0, "time between two ends of a session; 0: none")
	kills := flag.Int("kills", 0, "how often the server is killed")
	usePorcupine := flag.Bool("porcupine", true, "check by Porcupine too")
	seed := flag.Int64("seed", 1, "of what is drawn")
	flag.Parse()

	ctx := context.Background()
	r := &Run{uri: *uri, groupCalls: *groupCalls, began: time.Now(), wanted: *calls, random: rand.New(rand.NewSource(*seed)),
		completed: make(chan *Group, 1024), stopped: make(chan struct{})}
	for i := 0; i < *active; i++ {
		r.active = append(r.active, newGroup(i, *groupCalls, r.random))
	}
	r.groups = *active

	var load, checker sync.WaitGroup
	done := make(chan struct{})
	checker.Add(1)
	go func() { r.check(ctx, *usePorcupine); checker.Done() }()
	if *terminate > 0 {
		go r.terminate(ctx, *terminate, done)
	}
	if *kills > 0 {
		go r.kill(*kills, done)
	}
	for i := 0; i < *clients; i++ {
		client := &Client{number: i, run: r, random: rand.New(rand.NewSource(*seed*1000 + int64(i))), isolation: "read committed"}
		if i%4 == 3 {
			client.isolation = "repeatable read"
		}
		load.Add(1)
		go func() { client.work(ctx); load.Done() }()
	}
	load.Wait()
	spent := time.Since(r.began)
	close(done)
	// Those that are still worked on are complete: nobody works any more.
	for _, g := range r.active {
		r.complete(g)
	}
	close(r.completed)
	checker.Wait()
	r.report(time.Since(r.began), spent)
	if err := r.failure(); err != nil {
		fmt.Println("VIOLATION", err)
		os.Exit(1)
	}
	fmt.Println("linearizable")
}
