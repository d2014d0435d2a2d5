package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Client is one session that sends requests one after the other, and notes when it did and what it was told.
type Client struct {
	number     int
	run        *Run
	random     *rand.Rand
	connection *pgx.Conn
	isolation  string
}

const receipt = `SELECT wallet_id::text, version, type, amount::text, balance_after::text, held_after::text,
	transaction_id::text FROM wallet_receipt(%s)`

// The parameters of all but the first are: key, expected version, metadata, and what the request is about.
var statements = [kinds]string{
	Create:   `SELECT wallet_create($4, 'USD', $5, $1, $3)::text WHERE $2::bigint IS NULL`,
	Fund:     fmt.Sprintf(receipt, `wallet_fund($4, $5, $1, $2, $3)`),
	Withdraw: fmt.Sprintf(receipt, `wallet_withdraw($4, $5, $1, $2, $3)`),
	Transfer: fmt.Sprintf(receipt, `wallet_transfer($4, $5, $6, $1, $2, $3)`),
	Hold:     fmt.Sprintf(receipt, `wallet_hold($4, $5, $6, $1, $2, $3)`),
	Capture:  fmt.Sprintf(receipt, `wallet_capture($4, $5, $6, $7, $1, $2, $3)`),
	Release:  fmt.Sprintf(receipt, `wallet_release($4, $1, $2, $3)`),
	Reverse:  fmt.Sprintf(receipt, `wallet_reverse($4, $5, $1, $2, $3)`),
	ReadOne:  `SELECT id::text, version, balance::text, held::text, available::text FROM wallet_get($1)`,
	ReadAll:  `SELECT id::text, version, balance::text, held::text, available::text FROM wallet_list($1)`,
	ReadHold: `SELECT status || ' ' || remaining FROM wallet_hold_get($1)`,
	LookUp:   `SELECT transaction_id::text FROM wallet_lookup($1)`,
}

// wallet gives a wallet's id, or NULL for the world outside.
func (g *Group) wallet(number int) any {
	if number < 0 {
		return nil
	}
	return g.Wallets[number]
}

func (c *Client) arguments(g *Group, r *Request) []any {
	switch r.Kind {
	case ReadOne:
		return []any{g.wallet(r.From)}
	case ReadAll:
		return []any{g.user()}
	case ReadHold:
		return []any{g.id(r.Target)}
	case LookUp:
		return []any{r.Target.Key}
	}
	var key, expected any
	if r.Key != "" {
		key = r.Key
	}
	if r.Expected >= 0 {
		expected = r.Expected
	}
	list := []any{key, expected, g.metadata(r)}
	amount := r.Amount.String()
	switch r.Kind {
	case Create:
		list = append(list, g.user(), g.wallet(r.To))
	case Fund:
		list = append(list, g.wallet(r.To), amount)
	case Withdraw:
		list = append(list, g.wallet(r.From), amount)
	case Transfer:
		list = append(list, g.wallet(r.From), g.wallet(r.To), amount)
	case Hold:
		expiry := "1 hour"
		if r.Expires {
			expiry = "5 milliseconds"
		}
		list = append(list, g.wallet(r.From), amount, expiry)
	case Capture:
		list = append(list, g.id(r.Target), g.wallet(r.To), amount, r.Final)
	case Release:
		list = append(list, g.id(r.Target))
	case Reverse:
		list = append(list, g.id(r.Target), amount)
	}
	return list
}

// work sends requests until there are no more.
func (c *Client) work(ctx context.Context) {
	for c.run.failure() == nil {
		g := c.run.group(c.random)
		if g == nil {
			return
		}
		r := g.begin(c.random)
		if r == nil {
			continue
		}
		for {
			call := c.send(ctx, g, r)
			// Nearly always the client that lost its answer asks again, if the request has a key.
			again := call.Outcome.Unknown && r.Key != "" && c.random.Intn(10) > 0
			if again {
				g.again()
			}
			if g.end(call) {
				c.run.complete(g)
			}
			if !again {
				break
			}
		}
	}
}

func (c *Client) connect(ctx context.Context) {
	for c.connection == nil && c.run.failure() == nil {
		connection, err := pgx.Connect(ctx, c.run.uri)
		if err == nil {
			_, err = connection.Exec(ctx, "SET default_transaction_isolation = '"+c.isolation+"'")
		}
		if err == nil {
			c.connection = connection
			return
		}
		if connection != nil {
			connection.Close(ctx)
		}
		c.run.await(20 * time.Millisecond)
	}
}

func (c *Client) send(ctx context.Context, g *Group, r *Request) *Call {
	c.connect(ctx)
	call := &Call{Request: r, Client: c.number, Invoke: c.run.now()}
	call.Outcome = c.execute(ctx, g, r)
	call.Return = c.run.now()
	if call.Outcome.Unknown {
		call.Return = never
		if c.connection != nil {
			c.connection.Close(ctx)
		}
		c.connection = nil
	}
	c.run.count(call)
	return call
}

func (c *Client) execute(ctx context.Context, g *Group, r *Request) Outcome {
	if c.connection == nil {
		return Outcome{Unknown: true}
	}
	rows, err := c.connection.Query(ctx, statements[r.Kind], c.arguments(g, r)...)
	if err != nil {
		return c.failed(g, r, err)
	}
	defer rows.Close()
	outcome := Outcome{Code: "00000"}
	if r.Kind == ReadHold || r.Kind == LookUp {
		outcome.Detail = "none"
	}
	for rows.Next() {
		if err := scan(g, r, rows, &outcome); err != nil {
			return c.failed(g, r, err)
		}
	}
	if err := rows.Err(); err != nil {
		return c.failed(g, r, err)
	}
	return outcome
}

func scan(g *Group, r *Request, rows pgx.Rows, outcome *Outcome) error {
	var wallet, kind, amount, balance, held, available, id string
	var version int64
	switch r.Kind {
	case Create:
		if err := rows.Scan(&id); err != nil {
			return err
		}
		outcome.ID = id
		outcome.Entries = []Entry{{Wallet: g.walletNumber(id), Type: "CREATED"}}
	case ReadOne, ReadAll:
		if err := rows.Scan(&wallet, &version, &balance, &held, &available); err != nil {
			return err
		}
		outcome.Seen = append(outcome.Seen, Seen{g.walletNumber(wallet), version, parseMoney(balance), parseMoney(held),
			parseMoney(available)})
		for i := len(outcome.Seen) - 1; i > 0 && outcome.Seen[i].Wallet < outcome.Seen[i-1].Wallet; i-- {
			outcome.Seen[i], outcome.Seen[i-1] = outcome.Seen[i-1], outcome.Seen[i]
		}
	case ReadHold:
		return rows.Scan(&outcome.Detail)
	case LookUp:
		if err := rows.Scan(&outcome.ID); err != nil {
			return err
		}
		outcome.Detail = "done"
	default:
		if err := rows.Scan(&wallet, &version, &kind, &amount, &balance, &held, &id); err != nil {
			return err
		}
		outcome.ID = id
		outcome.Entries = append(outcome.Entries, Entry{g.walletNumber(wallet), version, kind, parseMoney(amount),
			parseMoney(balance), parseMoney(held)})
	}
	return nil
}

// What may be answered: refusals, and what asks for another try.
var refusals = map[string]string{"WL001": "", "WL002": "requested", "WL004": "actual", "WL005": "field", "WL020": "",
	"WL021": "", "WL022": "status", "WL023": "remaining", "WL030": "", "WL032": "reversible", "23505": "", "40001": ""}

func (c *Client) failed(g *Group, r *Request, err error) Outcome {
	var told *pgconn.PgError
	if !errors.As(err, &told) || strings.HasPrefix(told.Code, "57P") || strings.HasPrefix(told.Code, "08") {
		return Outcome{Unknown: true}
	}
	field, known := refusals[told.Code]
	if !known {
		c.run.fail(fmt.Errorf("group %d, %s: %s %s %s", g.Number, r, told.Code, told.Message, told.Detail))
	}
	outcome := Outcome{Code: told.Code}
	if field == "" {
		return outcome
	}
	var detail map[string]any
	_ = json.Unmarshal([]byte(told.Detail), &detail)
	outcome.Detail = fmt.Sprintf("%s %v", field, detail[field])
	switch told.Code {
	case "WL002":
		outcome.Detail = fmt.Sprintf("requested %s", parseMoney(fmt.Sprint(detail["requested"])))
		outcome.Low = parseMoney(fmt.Sprint(detail["available"]))
	case "WL005":
		outcome.Detail = fmt.Sprint(detail["field"])
		outcome.ID = fmt.Sprint(detail["transaction_id"])
	case "WL022":
		outcome.Detail = fmt.Sprint(detail["status"])
	}
	return outcome
}
