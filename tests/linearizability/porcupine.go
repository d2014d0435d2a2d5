package main

import (
	"fmt"
	"time"

	"github.com/anishathalye/porcupine"
)

// The second opinion: Porcupine gets the calls and what they were told, and searches for an order itself. Of the
// ledger it knows only which of the calls without an answer were done.

func model() porcupine.Model {
	return porcupine.Model{
		Init: func() interface{} { return newState() },
		Step: func(state, input, output interface{}) (bool, interface{}) {
			after := state.(State)
			expected := after.apply(input.(*Request))
			return agrees(expected, output.(Outcome), false), after
		},
		Equal: func(one, other interface{}) bool { return equalStates(one.(State), other.(State)) },
		DescribeOperation: func(input, output interface{}) string {
			return fmt.Sprintf("%s -> %s", input.(*Request), output.(Outcome))
		},
	}
}

func equalStates(one, other State) bool {
	if one.Wallets != other.Wallets || len(one.Done) != len(other.Done) {
		return false
	}
	for i, a := range one.Done {
		b := other.Done[i]
		if a != b && (a.Request != b.Request || a.Remaining != b.Remaining || a.Status != b.Status ||
			a.Reversed != b.Reversed || !sameEntries(a.Entries, b.Entries)) {
			return false
		}
	}
	return true
}

func checkPorcupine(g *Group, ledger *Ledger) error {
	done := map[*Request]*Operation{}
	for _, operation := range ledger.Operations {
		if operation.Request != nil {
			done[operation.Request] = operation
		}
	}
	var operations []porcupine.Operation
	for _, call := range g.calls {
		outcome := call.Outcome
		if outcome.Unknown {
			operation := done[call.Request]
			if operation == nil {
				continue
			}
			outcome = Outcome{Code: "00000", Entries: operation.Entries}
		}
		if outcome.hasNoEffect() {
			continue
		}
		operations = append(operations, porcupine.Operation{ClientId: call.Client, Input: call.Request, Call: call.Invoke,
			Output: outcome, Return: call.Return})
	}
	switch porcupine.CheckOperationsTimeout(model(), operations, 60*time.Second) {
	case porcupine.Ok:
		return nil
	case porcupine.Unknown:
		return fmt.Errorf("Porcupine found no answer within a minute")
	}
	return fmt.Errorf("Porcupine finds no order: %d calls", len(operations))
}
