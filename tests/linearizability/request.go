package main

import (
	"fmt"
	"strconv"
	"strings"
)

// Kind is what a request asks for.
type Kind int

const (
	Create Kind = iota
	Fund
	Withdraw
	Transfer
	Hold
	Capture
	Release
	Reverse
	ReadOne
	ReadAll
	ReadHold
	LookUp
	kinds
)

var kindNames = [kinds]string{"create", "fund", "withdraw", "transfer", "hold", "capture", "release", "reverse",
	"read", "read all", "read hold", "look up"}

func (k Kind) String() string { return kindNames[k] }

// Money is in units of 1/10000.
type Money int64

func (m Money) String() string {
	sign := ""
	if m < 0 {
		sign, m = "-", -m
	}
	return fmt.Sprintf("%s%d.%04d", sign, m/10000, m%10000)
}

func parseMoney(text string) Money {
	negative := strings.HasPrefix(text, "-")
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	value, err := strconv.ParseInt(whole+(fraction + "0000")[:4], 10, 64)
	if err != nil || len(fraction) > 4 {
		panic("not an amount: " + text)
	}
	if negative {
		value = -value
	}
	return Money(value)
}

// Request is what a client asks for. It may be sent several times: under its key it is one request.
type Request struct {
	N        int // its number in the group, which its ledger row bears in its metadata
	Kind     Kind
	From, To int // wallets of the group; -1: outside, or none
	Amount   Money
	Key      string
	Expected int64 // version; -1: any
	Target   *Request
	Final    bool
	Expires  bool // of a hold: within milliseconds
}

func (r *Request) isRead() bool { return r.Kind >= ReadOne }

func (r *Request) String() string {
	text := fmt.Sprintf("#%d %s", r.N, r.Kind)
	if r.From >= 0 {
		text += fmt.Sprintf(" from %d", r.From)
	}
	if r.To >= 0 {
		text += fmt.Sprintf(" to %d", r.To)
	}
	if r.Amount != 0 {
		text += " " + r.Amount.String()
	}
	if r.Target != nil {
		text += fmt.Sprintf(" of #%d", r.Target.N)
	}
	if r.Expected >= 0 {
		text += fmt.Sprintf(" at version %d", r.Expected)
	}
	if r.Key != "" {
		text += " key " + r.Key
	}
	return text
}

// Entry is what an operation did to one wallet.
type Entry struct {
	Wallet  int
	Version int64
	Type    string
	Amount  Money
	Balance Money
	Held    Money
}

// Seen is what a read saw of a wallet.
type Seen struct {
	Wallet        int
	Version       int64
	Balance, Held Money
	Available     Money
}

// Outcome is how a call ended. Code is a SQLSTATE, 00000 where it was done. Nobody knows what came of
// a call whose connection was lost.
type Outcome struct {
	Code    string
	Unknown bool
	Detail  string // what the error's DETAIL says, as far as it matters; of other reads what they saw
	ID      string // of the operation
	Entries []Entry
	Seen    []Seen
	Low     Money // what may be available, where holds expire: at least, and at most
	High    Money
}

func (o Outcome) String() string {
	if o.Unknown {
		return "unknown"
	}
	text := o.Code
	if o.Detail != "" {
		text += " " + o.Detail
	}
	for _, e := range o.Entries {
		text += fmt.Sprintf(" [%d v%d %s %s: %s held %s]", e.Wallet, e.Version, e.Type, e.Amount, e.Balance, e.Held)
	}
	for _, s := range o.Seen {
		text += fmt.Sprintf(" [%d v%d: %s held %s available %s]", s.Wallet, s.Version, s.Balance, s.Held, s.Available)
	}
	return text
}

// hasNoEffect: the server undid it and asks for another try.
func (o Outcome) hasNoEffect() bool { return o.Code == "40001" }

// Call is one time that a request was sent. Times are nanoseconds of one monotonic clock.
type Call struct {
	Request        *Request
	Client         int
	Invoke, Return int64
	Outcome        Outcome
}

func (c *Call) String() string {
	return fmt.Sprintf("client %d, %.6f to %.6f s: %s -> %s", c.Client, float64(c.Invoke)/1e9, float64(c.Return)/1e9,
		c.Request, c.Outcome)
}
