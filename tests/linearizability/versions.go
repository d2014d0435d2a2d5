package main

import (
	"container/heap"
	"fmt"
	"sort"
	"strings"
)

// The linear checker. A wallet's versions have no gap, so the order in which it changed is given, and where
// a read stands in it too. What is left to see is that these orders and real time have no circle, that one
// call after the other in such an order gives what was told, and that a refusal, which stands nowhere, was
// right at some moment between its call and its answer.

// node is an operation of the ledger, or a read of wallets, in the order that is to be found.
type node struct {
	operation   *Operation
	read        *Call
	invoke, ret int64
	next        []*node
	before      int // nodes that must come first and have not
	emitted     bool
}

func (n *node) String() string {
	if n.read != nil {
		return n.read.String()
	}
	return fmt.Sprintf("operation %s, %d to %d ns, of %v: %v", n.operation.ID, n.invoke, n.ret, n.operation.Request,
		n.operation.Entries)
}

// chain is one wallet: position p is version p-1, position 0 the time before it was created.
type chain struct {
	nodes     []*node // nil at position 0
	reads     [][]*node
	states    []State // of the group, as of each position
	maxInvoke []int64 // of the operations up to a position
	minReturn []int64 // of operations and reads from a position on
}

// history is a group's, ready to be judged.
type history struct {
	group  *Group
	byID   map[*Request]*node
	nodes  []*node
	chains [groupWallets]chain
	order  []*node
}

func checkVersions(g *Group, ledger *Ledger) error {
	h := &history{group: g, byID: map[*Request]*node{}}
	for _, step := range []func() error{
		func() error { return h.enterOperations(ledger) },
		h.enterCalls,
		func() error { return h.checkNewest(ledger) },
		h.sort,
		h.replay,
		h.judgeRest,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (h *history) enterOperations(ledger *Ledger) error {
	for i := range h.chains {
		h.chains[i].nodes = []*node{nil}
	}
	var longest [groupWallets]int
	for _, operation := range ledger.Operations {
		for _, e := range operation.Entries {
			longest[e.Wallet]++
		}
	}
	for i := range h.chains {
		h.chains[i].nodes = make([]*node, longest[i]+1)
		h.chains[i].reads = make([][]*node, longest[i]+1)
	}
	for _, operation := range ledger.Operations {
		n := &node{operation: operation, invoke: never, ret: never}
		if r := operation.Request; r != nil {
			if h.byID[r] != nil {
				return fmt.Errorf("done twice: %s: %v and %v", r, h.byID[r], n)
			}
			h.byID[r] = n
		} else {
			n.invoke = 0
		}
		h.nodes = append(h.nodes, n)
		for _, e := range operation.Entries {
			c := &h.chains[e.Wallet]
			position := e.Version + 1
			if position < 1 || position >= int64(len(c.nodes)) || c.nodes[position] != nil {
				return fmt.Errorf("versions of wallet %d are not 0 to %d, each once: %v", e.Wallet, len(c.nodes)-2, n)
			}
			c.nodes[position] = n
		}
	}
	return nil
}

// enterCalls gives the operations the time in which they happened, and the reads their places.
func (h *history) enterCalls() error {
	for _, call := range h.group.calls {
		r := call.Request
		n := h.byID[r]
		switch {
		case call.Outcome.Unknown:
			if n != nil && call.Invoke < n.invoke {
				n.invoke = call.Invoke
			}
		case call.Outcome.Code == "WL005":
			if err := h.seenBy(h.keyOwner(r.Key), call); err != nil {
				return err
			}
		case r.Kind == LookUp:
			if call.Outcome.Detail == "done" {
				if err := h.seenBy(h.keyOwner(r.Target.Key), call); err != nil {
					return err
				}
			}
		case call.Outcome.Code != "00000" || r.Kind == ReadHold:
		case r.isRead():
			if err := h.enterRead(call); err != nil {
				return err
			}
		default:
			if n == nil {
				return fmt.Errorf("acknowledged, and not in the ledger: %s", call)
			}
			if call.Invoke < n.invoke {
				n.invoke = call.Invoke
			}
			if r.Kind != Create {
				if err := h.seenBy(n, call); err != nil {
					return err
				}
			} else if call.Return < n.ret {
				n.ret = call.Return
			}
			if !sameEntries(call.Outcome.Entries, n.operation.Entries) {
				return fmt.Errorf("told otherwise than the ledger: %s, and %s", call, n)
			}
		}
	}
	for r, n := range h.byID {
		if n.invoke == never {
			return fmt.Errorf("done, though every call was refused: %s: %s", r, n)
		}
	}
	return nil
}

func (h *history) keyOwner(key string) *node {
	for r, n := range h.byID {
		if r.Key == key {
			return n
		}
	}
	return nil
}

// seenBy: the call's answer names the operation, which has happened by then.
func (h *history) seenBy(n *node, call *Call) error {
	if n == nil || n.operation.ID != call.Outcome.ID {
		return fmt.Errorf("another operation than was named, %s: %s, and %v", call.Outcome.ID, call, n)
	}
	if call.Return < n.ret {
		n.ret = call.Return
	}
	return nil
}

func (h *history) enterRead(call *Call) error {
	n := &node{read: call, invoke: call.Invoke, ret: call.Return}
	h.nodes = append(h.nodes, n)
	var position [groupWallets]int64
	for _, s := range call.Outcome.Seen {
		if s.Wallet < 0 || s.Version+1 >= int64(len(h.chains[s.Wallet].nodes)) {
			return fmt.Errorf("saw a version that there never was: %s", call)
		}
		position[s.Wallet] = s.Version + 1
	}
	for i := range h.chains {
		if call.Request.Kind == ReadAll || i == call.Request.From {
			h.chains[i].reads[position[i]] = append(h.chains[i].reads[position[i]], n)
		}
	}
	return nil
}

func (h *history) checkNewest(ledger *Ledger) error {
	for _, w := range ledger.Newest {
		c := h.chains[w.Wallet]
		if w.Version != int64(len(c.nodes))-2 {
			return fmt.Errorf("wallet %d is at version %d, its ledger at %d", w.Wallet, w.Version, len(c.nodes)-2)
		}
		for _, e := range c.nodes[w.Version+1].operation.Entries {
			if e.Wallet == w.Wallet && e.Version == w.Version && (e.Balance != w.Balance || e.Held != w.Held) {
				return fmt.Errorf("wallet %d has %s held %s, its newest entry %s held %s", w.Wallet, w.Balance, w.Held,
					e.Balance, e.Held)
			}
		}
	}
	return nil
}

func (n *node) leadsTo(other *node) {
	if n != nil && other != nil && n != other {
		n.next = append(n.next, other)
		other.before++
	}
}

// byInvoke is a heap of the nodes that may come next.
type byInvoke []*node

func (b byInvoke) Len() int           { return len(b) }
func (b byInvoke) Less(i, j int) bool { return b[i].invoke < b[j].invoke }
func (b byInvoke) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }
func (b *byInvoke) Push(x any)        { *b = append(*b, x.(*node)) }
func (b *byInvoke) Pop() any {
	last := len(*b) - 1
	n := (*b)[last]
	*b = (*b)[:last]
	return n
}

// sort finds an order that keeps each wallet's and real time; where there is none, there is a circle.
func (h *history) sort() error {
	for i := range h.chains {
		c := &h.chains[i]
		for p := 1; p < len(c.nodes); p++ {
			c.nodes[p-1].leadsTo(c.nodes[p])
		}
		for p, reads := range c.reads {
			for _, read := range reads {
				c.nodes[p].leadsTo(read)
				// An operation of several steps shows none of them by itself.
				if p+1 < len(c.nodes) {
					if c.nodes[p] == c.nodes[p+1] {
						return fmt.Errorf("saw an operation half done: %s, and %s", read, c.nodes[p])
					}
					read.leadsTo(c.nodes[p+1])
				}
			}
		}
	}
	byReturn := append([]*node(nil), h.nodes...)
	sort.Slice(byReturn, func(i, j int) bool { return byReturn[i].ret < byReturn[j].ret })
	ready := &byInvoke{}
	for _, n := range h.nodes {
		if n.before == 0 {
			heap.Push(ready, n)
		}
	}
	for first := 0; ready.Len() > 0; {
		for byReturn[first].emitted {
			first++
		}
		n := heap.Pop(ready).(*node)
		if n.invoke > byReturn[first].ret {
			return fmt.Errorf("no order keeps real time: %s had ended before, and comes behind, %s", byReturn[first], n)
		}
		n.emitted = true
		h.order = append(h.order, n)
		for _, other := range n.next {
			if other.before--; other.before == 0 {
				heap.Push(ready, other)
			}
		}
	}
	if len(h.order) < len(h.nodes) {
		return fmt.Errorf("the wallets' orders contradict each other: %s", h.stuck())
	}
	return nil
}

func (h *history) stuck() string {
	var lines []string
	for _, n := range h.nodes {
		if !n.emitted && len(lines) < 6 {
			lines = append(lines, n.String())
		}
	}
	return strings.Join(lines, "; ")
}

// replay does one after the other, and compares what each must have given.
func (h *history) replay() error {
	state := newState()
	for i := range h.chains {
		h.chains[i].states = make([]State, len(h.chains[i].nodes))
		h.chains[i].states[0] = state
	}
	for _, n := range h.order {
		if n.read != nil {
			if expected := state.read(n.read.Request); !agrees(expected, n.read.Outcome, h.group.Expires) {
				return fmt.Errorf("saw what never was: %s, and not %s", n.read, expected)
			}
			continue
		}
		var expected Outcome
		var err error
		if r := n.operation.Request; r != nil {
			expected = state.apply(r)
		} else {
			expected, err = state.expire(n.operation.Hold)
		}
		if err != nil {
			return err
		}
		if expected.Code != "00000" || !sameEntries(expected.Entries, n.operation.Entries) {
			return fmt.Errorf("should be %s: %s", expected, n)
		}
		for _, e := range n.operation.Entries {
			h.chains[e.Wallet].states[e.Version+1] = state
		}
	}
	return nil
}

// judgeRest looks at the calls that have no place of their own.
func (h *history) judgeRest() error {
	for i := range h.chains {
		h.chains[i].bound()
	}
	for _, call := range h.group.calls {
		r := call.Request
		if call.Outcome.Unknown || call.Outcome.hasNoEffect() ||
			call.Outcome.Code == "00000" && r.Kind != ReadHold && r.Kind != LookUp {
			continue
		}
		if !h.wasRight(call) {
			return fmt.Errorf("at no moment between was it so: %s", call)
		}
	}
	return nil
}

func (c *chain) bound() {
	count := len(c.nodes)
	c.maxInvoke, c.minReturn = make([]int64, count), make([]int64, count+1)
	c.minReturn[count] = never
	for p := 1; p < count; p++ {
		c.maxInvoke[p] = c.maxInvoke[p-1]
		if c.nodes[p].invoke > c.maxInvoke[p] {
			c.maxInvoke[p] = c.nodes[p].invoke
		}
	}
	for p := count - 1; p >= 0; p-- {
		c.minReturn[p] = c.minReturn[p+1]
		for _, n := range append(c.reads[p], c.nodes[p]) {
			if n != nil && n.ret < c.minReturn[p] {
				c.minReturn[p] = n.ret
			}
		}
	}
}

// window gives the positions at which the wallet may have been during the call.
func (c *chain) window(call *Call) (low, high int) {
	low = sort.Search(len(c.nodes), func(p int) bool { return c.minReturn[p] >= call.Invoke }) - 1
	if low < 0 {
		low = 0
	}
	high = sort.Search(len(c.nodes), func(p int) bool { return c.maxInvoke[p] >= call.Return }) - 1
	return low, high
}

func (h *history) wasRight(call *Call) bool {
	r := call.Request
	about := r
	if r.Kind == LookUp {
		about = r.Target
	}
	first, second := about.From, about.To
	if first < 0 {
		first, second = second, -1
	}
	low, high := h.chains[first].window(call)
	lowOther, highOther := 0, 0
	if second >= 0 {
		lowOther, highOther = h.chains[second].window(call)
	}
	for p := low; p <= high; p++ {
		for q := lowOther; q <= highOther; q++ {
			state := h.chains[first].states[p]
			if second >= 0 {
				state.Wallets[second] = h.chains[second].states[q].Wallets[second]
			}
			if h.answers(state, call) {
				return true
			}
		}
	}
	return false
}

// answers: whether the call had to end so in this state; a hold may have come to its end by the clock.
func (h *history) answers(state State, call *Call) bool {
	r := call.Request
	after := state
	if agrees(after.apply(r), call.Outcome, h.group.Expires) {
		return true
	}
	if r.Target == nil || !r.Target.Expires {
		return false
	}
	hold := state.find(r.Target)
	if hold == nil || hold.Status != "open" {
		return false
	}
	expired := *hold
	expired.Status = "expired"
	state.put(expired)
	return agrees(state.apply(r), call.Outcome, true)
}

func sameEntries(one, other []Entry) bool {
	if len(one) != len(other) {
		return false
	}
	for _, e := range one {
		found := false
		for _, o := range other {
			found = found || e == o
		}
		if !found {
			return false
		}
	}
	return true
}
