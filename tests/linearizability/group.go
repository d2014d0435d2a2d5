package main

import (
	"fmt"
	"math/rand"
	"sync"
)

// Group is a few wallets that no other group touches: its history is checked by itself.
type Group struct {
	Number  int
	Expires bool // it has holds that expire within milliseconds
	Wallets [groupWallets]string

	mutex    sync.Mutex
	requests []*Request
	calls    []*Call
	limit    int // of calls
	begun    int
	ended    int
	closed   bool // nobody draws from it any more
	checked  bool

	// What the clients have learnt, to draw from.
	created    [groupWallets]bool
	version    [groupWallets]int64
	keyed      []*Request
	holds      []*Request
	reversible []*Request
	ids        map[*Request]string
	owners     map[string]*Request // of operations' ids
}

func newGroup(number, limit int, random *rand.Rand) *Group {
	g := &Group{Number: number, Expires: number%4 == 3, limit: limit, ids: map[*Request]string{},
		owners: map[string]*Request{}}
	for i := range g.Wallets {
		g.Wallets[i] = randomUUID(random)
		g.version[i] = -1
	}
	return g
}

func randomUUID(random *rand.Rand) string {
	var b [16]byte
	random.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (g *Group) user() string { return fmt.Sprintf("group %d", g.Number) }

func (g *Group) metadata(r *Request) string { return fmt.Sprintf(`{"n": %d}`, r.N) }

func (g *Group) walletNumber(id string) int {
	for i, wallet := range g.Wallets {
		if wallet == id {
			return i
		}
	}
	return -1
}

// begin draws a request for a client; nil: the group has had its calls.
func (g *Group) begin(random *rand.Rand) *Request {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.closed {
		return nil
	}
	g.begun++
	g.closed = g.begun >= g.limit
	return g.draw(random)
}

// again: a client is going to repeat a request whose outcome nobody knows.
func (g *Group) again() {
	g.mutex.Lock()
	g.begun++
	g.mutex.Unlock()
}

// end enters a call, and says whether the group is complete.
func (g *Group) end(call *Call) bool {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.calls = append(g.calls, call)
	g.ended++
	if call.Outcome.Code == "00000" {
		g.learn(call)
	}
	return g.closed && g.ended == g.begun
}

func (g *Group) learn(call *Call) {
	r := call.Request
	for _, e := range call.Outcome.Entries {
		g.see(e.Wallet, e.Version)
	}
	for _, s := range call.Outcome.Seen {
		g.see(s.Wallet, s.Version)
	}
	if r.isRead() || g.ids[r] != "" {
		return
	}
	g.ids[r] = call.Outcome.ID
	switch r.Kind {
	case Create:
		g.created[r.To] = true
	case Hold:
		g.holds = append(g.holds, r)
	case Fund, Withdraw, Transfer, Capture:
		g.reversible = append(g.reversible, r)
	}
}

func (g *Group) see(wallet int, version int64) {
	if wallet >= 0 && version > g.version[wallet] {
		g.version[wallet] = version
	}
}

func (g *Group) id(r *Request) string {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return g.ids[r]
}

// The kinds of request, each as often as its weight says.
var weights = [kinds]int{Create: 1, Fund: 13, Withdraw: 8, Transfer: 28, Hold: 11, Capture: 8, Release: 4, Reverse: 7,
	ReadOne: 8, ReadAll: 6, ReadHold: 2, LookUp: 2}

func drawKind(random *rand.Rand) Kind {
	sum := 0
	for _, weight := range weights {
		sum += weight
	}
	left := random.Intn(sum)
	for kind, weight := range weights {
		if left < weight {
			return Kind(kind)
		}
		left -= weight
	}
	panic("weights")
}

// newest draws from the end of a list: what others work on just now.
func newest(random *rand.Rand, list []*Request) *Request {
	if len(list) == 0 {
		return nil
	}
	reach := 8
	if random.Intn(4) == 0 || reach > len(list) {
		reach = len(list)
	}
	return list[len(list)-1-random.Intn(reach)]
}

func (g *Group) draw(random *rand.Rand) *Request {
	for wallet, created := range g.created {
		if !created && random.Intn(6) == 0 {
			return g.add(&Request{Kind: Create, From: -1, To: wallet, Expected: -1}, random)
		}
	}
	if len(g.keyed) > 0 && random.Intn(100) < 7 {
		return newest(random, g.keyed)
	}
	if r := newest(random, g.keyed); r != nil && r.Kind >= Fund && r.Kind <= Hold && random.Intn(100) < 2 {
		conflict := *r
		conflict.Amount++
		return g.add(&conflict, nil)
	}
	return g.add(g.drawNew(random), random)
}

// add numbers a request and, where random says so, gives it a key.
func (g *Group) add(r *Request, random *rand.Rand) *Request {
	r.N = len(g.requests)
	g.requests = append(g.requests, r)
	if r.isRead() || random == nil {
		return r
	}
	if random.Intn(2) == 0 {
		r.Key = fmt.Sprintf("%d-%d", g.Number, r.N)
		g.keyed = append(g.keyed, r)
	}
	return r
}

func amount(random *rand.Rand, most int) Money { return Money(1+random.Intn(most)) * 100 }

func (g *Group) drawNew(random *rand.Rand) *Request {
	kind := drawKind(random)
	one := random.Intn(groupWallets)
	other := (one + 1 + random.Intn(groupWallets-1)) % groupWallets
	r := &Request{Kind: kind, From: -1, To: -1, Expected: -1}
	switch kind {
	case Create:
		r.To = one
	case Fund:
		r.To, r.Amount = one, amount(random, 5000)
	case Withdraw, Hold, Transfer:
		r.From, r.Amount = one, amount(random, 4000)
		if kind == Transfer {
			r.To = other
		}
		r.Expires = kind == Hold && g.Expires && random.Intn(2) == 0
	case ReadOne:
		r.From = one
	case ReadAll:
	case LookUp:
		if r.Target = newest(random, g.keyed); r.Target == nil {
			r.Kind = ReadAll
		}
	case Capture, Release, ReadHold:
		return g.drawOfHold(random, r)
	case Reverse:
		return g.drawReversal(random, r)
	}
	// Holds that expire on the way of a call change the version after it was compared.
	if kind <= Hold && kind != Create && !g.Expires && random.Intn(12) == 0 {
		first := r.From
		if first < 0 {
			first = r.To
		}
		r.Expected = g.version[first]
	}
	return r
}

func (g *Group) drawOfHold(random *rand.Rand, r *Request) *Request {
	hold := newest(random, g.holds)
	if hold == nil {
		r.Kind = ReadAll
		return r
	}
	r.Target, r.From = hold, hold.From
	if r.Kind == Capture {
		r.Amount = amount(random, int(hold.Amount/100))
		if random.Intn(3) == 0 {
			r.Amount = hold.Amount
		}
		r.Final = random.Intn(2) == 0
		if random.Intn(3) > 0 {
			r.To = (hold.From + 1 + random.Intn(groupWallets-1)) % groupWallets
		}
	}
	return r
}

func (g *Group) drawReversal(random *rand.Rand, r *Request) *Request {
	target := newest(random, g.reversible)
	if target == nil {
		r.Kind = ReadAll
		return r
	}
	r.Target, r.From, r.To = target, target.To, target.From
	r.Amount = target.Amount
	if random.Intn(2) == 0 {
		r.Amount = amount(random, int(target.Amount/100))
	}
	return r
}
