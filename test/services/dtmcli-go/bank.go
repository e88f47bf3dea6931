package main

import (
	"database/sql"
	"encoding/json"
	"net/http"

	"github.com/dtm-labs/dtm/client/dtmcli"
	"github.com/dtm-labs/dtm/client/dtmcli/dtmimp"
)

type bank struct{ database dtmcli.DBConf }

type transfer struct {
	UserID int64 `json:"userId"`
	Amount int64 `json:"amount"`
}

// executor is what *sql.Tx and *sql.DB have in common.
type executor interface {
	Exec(query string, args ...any) (sql.Result, error)
}

// change is what a branch does to an account.
type change func(executor, transfer) error

func out(db executor, t transfer) error {
	result, err := db.Exec("update dtm_busi.user_account set balance = balance - ? where user_id = ? and balance >= ?",
		t.Amount, t.UserID, t.Amount)
	if err != nil {
		return err
	}
	if affected, err := result.RowsAffected(); err != nil || affected == 1 {
		return err
	}
	return dtmcli.ErrorMessage2Error("Insufficient balance", dtmcli.ErrFailure)
}

func in(db executor, t transfer) error {
	_, err := db.Exec("update dtm_busi.user_account set balance = balance + ? where user_id = ?", t.Amount, t.UserID)
	return err
}

func nothing(executor, transfer) error { return nil }

var success = map[string]string{"dtm_result": dtmcli.ResultSuccess}

// branch makes a change within the barrier.
func (b bank) branch(do change) func(*http.Request, []byte) (any, error) {
	return func(request *http.Request, body []byte) (any, error) {
		barrier, err := dtmcli.BarrierFromQuery(request.URL.Query())
		if err != nil {
			return nil, err
		}
		var t transfer
		if err := json.Unmarshal(body, &t); err != nil {
			return nil, err
		}
		db, err := dtmimp.PooledDB(b.database)
		if err != nil {
			return nil, err
		}
		return success, barrier.CallWithDB(db, func(tx *sql.Tx) error { return do(tx, t) })
	}
}

// xaBranch makes a change within an XA transaction of the database.
func (b bank) xaBranch(do change) func(*http.Request, []byte) (any, error) {
	return func(request *http.Request, body []byte) (any, error) {
		return success, dtmcli.XaLocalTransaction(request.URL.Query(), b.database, func(db *sql.DB, _ *dtmcli.Xa) error {
			var t transfer
			if err := json.Unmarshal(body, &t); err != nil {
				return err
			}
			return do(db, t)
		})
	}
}

func (b bank) queryPrepared(request *http.Request, _ []byte) (any, error) {
	barrier, err := dtmcli.BarrierFromQuery(request.URL.Query())
	if err != nil {
		return nil, err
	}
	db, err := dtmimp.PooledDB(b.database)
	if err != nil {
		return nil, err
	}
	return success, barrier.QueryPrepared(db)
}
