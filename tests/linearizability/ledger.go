package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// Operation is one of the ledger, with its entries in the order of their legs.
type Operation struct {
	ID      string
	Request *Request // nil: a hold that expired
	Hold    *Request
	Entries []Entry
}

// Ledger is what the server has of a group once nobody works on it any more.
type Ledger struct {
	Operations []*Operation
	Newest     []Seen // the rows of wallets
}

func readLedger(ctx context.Context, r *Run, g *Group) (*Ledger, error) {
	for {
		ledger, lost, err := tryReadLedger(ctx, r, g)
		if !lost || r.failure() != nil {
			return ledger, err
		}
		r.await(50 * time.Millisecond)
	}
}

func tryReadLedger(ctx context.Context, r *Run, g *Group) (ledger *Ledger, lost bool, err error) {
	connection, err := pgx.Connect(ctx, r.uri)
	if err != nil {
		return nil, true, err
	}
	defer connection.Close(ctx)
	// Sorted here by the columns that the index has: versions come in order.
	rows, err := connection.Query(ctx, `SELECT wallet_id::text, version, type, amount::text, balance_after::text,
		held_after::text, transaction_id::text, coalesce(metadata->>'n', ''), coalesce(hold_id::text, '')
		FROM wallet_transactions WHERE wallet_id = ANY ($1::uuid[]) ORDER BY transaction_id, version`, g.Wallets[:])
	if err != nil {
		return nil, true, err
	}
	byID := map[string]*Operation{}
	byHold := map[string]*Request{}
	for request, id := range g.ids {
		if request.Kind == Hold {
			byHold[id] = request
		}
	}
	ledger = &Ledger{}
	for rows.Next() {
		var wallet, kind, amount, balance, held, id, number, hold string
		var version int64
		if err := rows.Scan(&wallet, &version, &kind, &amount, &balance, &held, &id, &number, &hold); err != nil {
			return nil, true, err
		}
		operation := byID[id]
		if operation == nil {
			operation = &Operation{ID: id}
			byID[id] = operation
			ledger.Operations = append(ledger.Operations, operation)
			if n, err := strconv.Atoi(number); err == nil && n < len(g.requests) {
				operation.Request = g.requests[n]
			}
		}
		if kind == "HOLD" && operation.Request != nil {
			byHold[id] = operation.Request
		}
		if kind == "EXPIRE" {
			operation.Hold = byHold[hold]
		}
		operation.Entries = append(operation.Entries, Entry{g.walletNumber(wallet), version, kind, parseMoney(amount),
			parseMoney(balance), parseMoney(held)})
	}
	if rows.Err() != nil {
		return nil, true, rows.Err()
	}
	rows, err = connection.Query(ctx, `SELECT id::text, version, balance::text, held::text FROM wallets
		WHERE id = ANY ($1::uuid[])`, g.Wallets[:])
	if err != nil {
		return nil, true, err
	}
	for rows.Next() {
		var wallet, balance, held string
		var version int64
		if err := rows.Scan(&wallet, &version, &balance, &held); err != nil {
			return nil, true, err
		}
		ledger.Newest = append(ledger.Newest, Seen{Wallet: g.walletNumber(wallet), Version: version,
			Balance: parseMoney(balance), Held: parseMoney(held)})
	}
	for _, operation := range ledger.Operations {
		if operation.Request == nil && operation.Hold == nil {
			return nil, false, fmt.Errorf("operation %s is nobody's: %v", operation.ID, operation.Entries)
		}
	}
	return ledger, rows.Err() != nil, rows.Err()
}
