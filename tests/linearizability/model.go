package main

import (
	"fmt"
	"sort"
)

// The wallets of a group as they should be, written from the contract of the SQL API.

const groupWallets = 3

// WalletState is a wallet; version -1: not created yet.
type WalletState struct {
	Version       int64
	Balance, Held Money
	Expirable     Money // of Held: what is held until a moment that may have come
}

// Done is a request that was done, and what is left of it. It never changes: a step makes a new one.
type Done struct {
	Request   *Request
	Entries   []Entry
	Remaining Money  // of a hold
	Status    string // of a hold
	Reversed  Money
}

// State is a group. Copies share what they have done.
type State struct {
	Wallets [groupWallets]WalletState
	Done    []*Done // in the order of the requests' numbers
}

func newState() State {
	state := State{}
	for i := range state.Wallets {
		state.Wallets[i].Version = -1
	}
	return state
}

func (s *State) place(n int) (int, bool) {
	i := sort.Search(len(s.Done), func(i int) bool { return s.Done[i].Request.N >= n })
	return i, i < len(s.Done) && s.Done[i].Request.N == n
}

func (s *State) find(request *Request) *Done {
	if i, found := s.place(request.N); found {
		return s.Done[i]
	}
	return nil
}

func (s *State) keyOwner(key string) *Done {
	for _, done := range s.Done {
		if done.Request.Key == key {
			return done
		}
	}
	return nil
}

// put enters what was done, or what is left of it, into a list that no other state shares.
func (s *State) put(done Done) {
	i, found := s.place(done.Request.N)
	list := make([]*Done, 0, len(s.Done)+1)
	list = append(list, s.Done[:i]...)
	list = append(list, &done)
	if found {
		i++
	}
	s.Done = append(list, s.Done[i:]...)
}

func refused(code, detail string) Outcome { return Outcome{Code: code, Detail: detail} }

func (s *State) available(wallet int) Money {
	return s.Wallets[wallet].Balance - s.Wallets[wallet].Held
}

// outcomeOfDebit is WL002 where the money is not there.
func (s *State) outcomeOfDebit(wallet int, amount Money) *Outcome {
	available := s.available(wallet)
	if available >= amount {
		return nil
	}
	o := refused("WL002", fmt.Sprintf("requested %s", amount))
	o.Low, o.High = available, available+s.Wallets[wallet].Expirable
	return &o
}

// step changes a wallet and returns its entry.
func (s *State) step(wallet int, kind string, amount, balance, held Money) Entry {
	w := &s.Wallets[wallet]
	w.Version++
	w.Balance += balance
	w.Held += held
	return Entry{wallet, w.Version, kind, amount, w.Balance, w.Held}
}

// apply does the request, and returns what the server must answer.
func (s *State) apply(r *Request) Outcome {
	if r.isRead() {
		return s.read(r)
	}
	if r.Key != "" {
		if owner := s.keyOwner(r.Key); owner != nil {
			if owner.Request == r {
				return Outcome{Code: "00000", Entries: owner.Entries}
			}
			if owner.Request.Amount == r.Amount {
				return refused("WL005", "metadata")
			}
			return refused("WL005", "amount")
		}
	}
	if r.Kind == Create {
		if s.Wallets[r.To].Version >= 0 {
			return refused("23505", "")
		}
		return s.finish(r, Done{}, s.step(r.To, "CREATED", 0, 0, 0))
	}
	if r.Target != nil && s.find(r.Target) == nil {
		if r.Kind == Reverse {
			return refused("WL030", "")
		}
		return refused("WL020", "")
	}
	first := r.From
	if first < 0 {
		first = r.To
	}
	for _, wallet := range []int{first, r.To} {
		if wallet >= 0 && s.Wallets[wallet].Version < 0 {
			return refused("WL001", "")
		}
	}
	if r.Expected >= 0 && s.Wallets[first].Version != r.Expected {
		return refused("WL004", fmt.Sprintf("actual %d", s.Wallets[first].Version))
	}
	switch r.Kind {
	case Capture, Release:
		return s.settle(r)
	case Reverse:
		return s.reverse(r)
	}
	return s.move(r)
}

func (s *State) finish(r *Request, done Done, entries ...Entry) Outcome {
	done.Request, done.Entries = r, entries
	s.put(done)
	return Outcome{Code: "00000", Entries: entries}
}

func (s *State) move(r *Request) Outcome {
	if r.From >= 0 {
		if o := s.outcomeOfDebit(r.From, r.Amount); o != nil {
			return *o
		}
	}
	switch r.Kind {
	case Fund:
		return s.finish(r, Done{}, s.step(r.To, "FUND", r.Amount, r.Amount, 0))
	case Withdraw:
		return s.finish(r, Done{}, s.step(r.From, "WITHDRAW", r.Amount, -r.Amount, 0))
	case Hold:
		if r.Expires {
			s.Wallets[r.From].Expirable += r.Amount
		}
		return s.finish(r, Done{Remaining: r.Amount, Status: "open"}, s.step(r.From, "HOLD", r.Amount, 0, r.Amount))
	}
	return s.finish(r, Done{}, s.step(r.From, "TRANSFER_OUT", r.Amount, -r.Amount, 0),
		s.step(r.To, "TRANSFER_IN", r.Amount, r.Amount, 0))
}

// settle captures or releases: the wallet of the hold is r.From.
func (s *State) settle(r *Request) Outcome {
	hold := *s.find(r.Target)
	switch hold.Status {
	case "open":
	case "expired":
		return refused("WL021", "")
	default:
		return refused("WL022", hold.Status)
	}
	if r.Kind == Release {
		return s.finish(r, Done{}, s.giveBack(&hold, "RELEASE", "released"))
	}
	if r.Amount > hold.Remaining {
		return refused("WL023", fmt.Sprintf("remaining %s", hold.Remaining))
	}
	s.reserveLess(&hold, r.Amount)
	entries := []Entry{s.step(r.From, "CAPTURE_OUT", r.Amount, -r.Amount, -r.Amount)}
	if r.To >= 0 {
		entries = append(entries, s.step(r.To, "CAPTURE_IN", r.Amount, r.Amount, 0))
	}
	if r.Final && hold.Remaining > 0 {
		entries = append(entries, s.giveBack(&hold, "RELEASE", "captured"))
	}
	if hold.Remaining == 0 {
		hold.Status = "captured"
	}
	s.put(hold)
	return s.finish(r, Done{}, entries...)
}

func (s *State) reserveLess(hold *Done, amount Money) {
	hold.Remaining -= amount
	if hold.Request.Expires {
		s.Wallets[hold.Request.From].Expirable -= amount
	}
}

func (s *State) giveBack(hold *Done, kind, status string) Entry {
	rest := hold.Remaining
	s.reserveLess(hold, rest)
	hold.Status = status
	s.put(*hold)
	return s.step(hold.Request.From, kind, rest, 0, -rest)
}

// expire is no request: the server does it on the way of another one.
func (s *State) expire(target *Request) (Outcome, error) {
	hold := s.find(target)
	if hold == nil || hold.Status != "open" || !target.Expires {
		return Outcome{}, fmt.Errorf("a hold expired that can't: %s", target)
	}
	changed := *hold
	return Outcome{Code: "00000", Entries: []Entry{s.giveBack(&changed, "EXPIRE", "expired")}}, nil
}

// reverse pays back: r.From is debited, r.To credited, either may be outside.
func (s *State) reverse(r *Request) Outcome {
	target := *s.find(r.Target)
	left := r.Target.Amount - target.Reversed
	if r.Amount > left {
		return refused("WL032", fmt.Sprintf("reversible %s", left))
	}
	if r.From >= 0 {
		if o := s.outcomeOfDebit(r.From, r.Amount); o != nil {
			return *o
		}
	}
	target.Reversed += r.Amount
	s.put(target)
	var entries []Entry
	if r.From >= 0 {
		entries = append(entries, s.step(r.From, "REVERSAL_OUT", r.Amount, -r.Amount, 0))
	}
	if r.To >= 0 {
		entries = append(entries, s.step(r.To, "REVERSAL_IN", r.Amount, r.Amount, 0))
	}
	return s.finish(r, Done{}, entries...)
}

func (s *State) see(wallet int) Seen {
	w := s.Wallets[wallet]
	return Seen{wallet, w.Version, w.Balance, w.Held, w.Balance - w.Held}
}

func (s *State) read(r *Request) Outcome {
	o := Outcome{Code: "00000"}
	switch r.Kind {
	case ReadOne:
		if s.Wallets[r.From].Version < 0 {
			return refused("WL001", "")
		}
		o.Seen = []Seen{s.see(r.From)}
	case ReadAll:
		for i, w := range s.Wallets {
			if w.Version >= 0 {
				o.Seen = append(o.Seen, s.see(i))
			}
		}
	case ReadHold:
		o.Detail = "none"
		if hold := s.find(r.Target); hold != nil {
			o.Detail = fmt.Sprintf("%s %s", hold.Status, hold.Remaining)
		}
	case LookUp:
		o.Detail = "none"
		if s.keyOwner(r.Target.Key) != nil {
			o.Detail = "done"
		}
	}
	return o
}

// agrees: whether what the server answered is what it must. Where holds expire by the clock, what is
// available lies between bounds, and an open hold may have come to its end.
func agrees(expected, actual Outcome, expires bool) bool {
	if expected.Code != actual.Code || !sameEntries(expected.Entries, actual.Entries) ||
		len(expected.Seen) != len(actual.Seen) {
		return false
	}
	for i := range expected.Seen {
		e, a := expected.Seen[i], actual.Seen[i]
		if expires && a.Available >= e.Available && a.Available <= e.Balance {
			e.Available = a.Available
		}
		if e != a {
			return false
		}
	}
	if expected.Code == "WL002" && (actual.Low < expected.Low || actual.Low > expected.High) {
		return false
	}
	return expected.Detail == actual.Detail
}
