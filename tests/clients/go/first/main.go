// A first program with pgx 5. DATABASE_URL says where the wallet is.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// One statement is a transaction. Where another session was in the way: the same call, the same key.
// Amounts and ids are strings: PostgreSQL reads them as numeric and uuid.
func call(ctx context.Context, pool *pgxpool.Pool, query string, arguments ...any) (result string, err error) {
	for attempts := 0; attempts < 5; attempts++ {
		err = pool.QueryRow(ctx, query, arguments...).Scan(&result)
		if state, _ := refusal(err); state != "40001" && state != "40P01" {
			break
		}
	}
	return
}

// The SQLSTATE says what to do, the JSON in DETAIL, where there is one, says why.
func refusal(err error) (state string, detail map[string]any) {
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		return "", nil
	}
	if strings.HasPrefix(pgErr.Detail, "{") {
		if err := json.Unmarshal([]byte(pgErr.Detail), &detail); err != nil {
			log.Fatal(err)
		}
	}
	return pgErr.Code, detail
}

func get(result string, err error) string {
	if err != nil {
		log.Fatal(err)
	}
	return result
}

func main() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()

	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		log.Fatal(err)
	}
	key := fmt.Sprintf("%x", random)
	pay := "SELECT wallet_transfer($1, $2, $3, $4)"
	alice := get(call(ctx, pool, "SELECT wallet_create('alice')"))
	bob := get(call(ctx, pool, "SELECT wallet_create('bob')"))
	get(call(ctx, pool, "SELECT wallet_fund($1, $2, $3)", alice, "100", "deposit-"+key))

	order := get(call(ctx, pool, pay, alice, bob, "25.50", "order-"+key))
	again := get(call(ctx, pool, pay, alice, bob, "25.50", "order-"+key))
	fmt.Println("paid once:", order == again)
	fmt.Println("bob has", get(call(ctx, pool, "SELECT balance::text FROM wallet_get($1)", bob)))
	if _, err := call(ctx, pool, pay, alice, bob, "80", "more-"+key); err != nil {
		state, detail := refusal(err)
		fmt.Println("refused:", state, detail["available"])
	}
}
