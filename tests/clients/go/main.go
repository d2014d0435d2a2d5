// The wallet from pgx 5. PGHOST, PGPORT, PGUSER and PGDATABASE say where it is.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// What a pool, a connection and a transaction have in common.
type querier interface {
	QueryRow(ctx context.Context, query string, arguments ...any) pgx.Row
}

// Amounts and ids are strings: PostgreSQL reads them as numeric and uuid.
func call(ctx context.Context, db querier, query string, arguments ...any) (result string, err error) {
	err = db.QueryRow(ctx, query, arguments...).Scan(&result)
	return
}

func transfer(ctx context.Context, db querier, payer, payee, amount, key string) (string, error) {
	return call(ctx, db, "SELECT wallet_transfer($1, $2, $3, $4)", payer, payee, amount, key)
}

func available(ctx context.Context, db querier, wallet string) (string, error) {
	return call(ctx, db, "SELECT available::text FROM wallet_get($1)", wallet)
}

// Runs work in a transaction, again where another session was in its way: same call, same key.
func inTransaction(ctx context.Context, pool *pgxpool.Pool, work func(pgx.Tx) error) (err error) {
	for attempts := 0; attempts < 5; attempts++ {
		err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, work)
		if state := sqlState(err); state != "40001" && state != "40P01" {
			return err
		}
	}
	return err
}

func sqlState(err error) string {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return pgErr.Code
	}
	return ""
}

// The SQLSTATE says what to do, the JSON in DETAIL says why.
func refusal(err error) (state string, detail map[string]any) {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		if strings.HasPrefix(pgErr.Detail, "{") {
			must(json.Unmarshal([]byte(pgErr.Detail), &detail))
		}
		return pgErr.Code, detail
	}
	return "", nil
}

func main() {
	ctx := context.Background()
	pool := get(pgxpool.New(ctx, ""))
	defer pool.Close()

	alice := get(call(ctx, pool, "SELECT wallet_create($1)", "alice"))
	bob := get(call(ctx, pool, "SELECT wallet_create($1)", "bob"))
	get(call(ctx, pool, "SELECT wallet_fund($1, $2, $3)", alice, "100", "deposit-1"))
	isEqual(get(available(ctx, pool, alice)), "100.0000", "a wallet is funded")

	order := get(transfer(ctx, pool, alice, bob, "25.50", "order-17"))
	isEqual(get(available(ctx, pool, bob)), "25.5000", "a transfer moves money")

	_, err := transfer(ctx, pool, alice, bob, "80", "order-18")
	state, detail := refusal(err)
	isEqual(state, "WL002", "more than there is: insufficient_funds")
	isEqual(detail, map[string]any{"wallet_id": alice, "available": "74.5000", "requested": "80.0000"},
		"its DETAIL has the amounts")

	_, err = call(ctx, pool,
		"SELECT wallet_transfer($1, $2, $3, expected_version => $4, metadata => $5)",
		alice, bob, "1", 1, map[string]any{"order": 18})
	state, detail = refusal(err)
	isEqual(state, "WL004", "a version that is no more: version_conflict")
	isEqual(detail, map[string]any{"wallet_id": alice, "expected": 1.0, "actual": 2.0},
		"its DETAIL has the versions")

	retried := get(transfer(ctx, pool, alice, bob, "25.5", "order-17"))
	isEqual(retried, order, "the same request under its key: the first id")
	isEqual(get(available(ctx, pool, alice)), "74.5000", "and no money moves again")

	_, err = transfer(ctx, pool, alice, bob, "26", "order-17")
	state, detail = refusal(err)
	isEqual(state, "WL005", "another request under the key: idempotency_conflict")
	isEqual(detail["field"], "amount", "its DETAIL names the field")

	// Pays out all there is. On the first try another session is quicker.
	var seen []string
	must(inTransaction(ctx, pool, func(tx pgx.Tx) error {
		amount, err := available(ctx, tx, alice)
		if err != nil {
			return err
		}
		seen = append(seen, amount)
		if len(seen) == 1 {
			get(transfer(ctx, pool, alice, bob, "10", "order-19"))
		}
		_, err = transfer(ctx, tx, alice, bob, amount, "sweep-1")
		return err
	}))
	isEqual(seen, []string{"74.5000", "64.5000"}, "40001: the retry sees the new balance")
	isEqual(get(available(ctx, pool, alice)), "0.0000", "and succeeds")
	done()
}

// What the client finds, as TAP on standard output.

var tests, failed int

func isEqual(got, expected any, name string) {
	tests++
	if reflect.DeepEqual(got, expected) {
		fmt.Printf("ok %d - %s\n", tests, name)
		return
	}
	failed++
	fmt.Printf("not ok %d - %s\n# got %v, expected %v\n", tests, name, got, expected)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func get[T any](value T, err error) T {
	must(err)
	return value
}

func done() {
	fmt.Printf("1..%d\n", tests)
	if tests == 0 || failed > 0 {
		os.Exit(1)
	}
}
