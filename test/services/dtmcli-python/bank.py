"""A bank on dtmcli: its branches use the barrier of dtmcli, and POST /begin runs a transaction with dtmcli."""

import argparse
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pymysql
from dtmcli import barrier, msg, saga, tcc, utils

parser = argparse.ArgumentParser()
parser.add_argument("--address", default="127.0.0.1:0")
for name in ("host", "port", "user", "password"):
    parser.add_argument(f"--db-{name}")
args = parser.parse_args()


def connect():
    return pymysql.connect(
        host=args.db_host, port=int(args.db_port), user=args.db_user, password=args.db_password
    )


def move_out(cursor, transfer):
    sql = "update dtm_busi.user_account set balance = balance - %s where user_id = %s and balance >= %s"
    if cursor.execute(sql, (transfer["amount"], transfer["userId"], transfer["amount"])) == 0:
        raise utils.DTMFailureError("Insufficient balance")


def move_in(cursor, transfer):
    sql = "update dtm_busi.user_account set balance = balance + %s where user_id = %s"
    cursor.execute(sql, (transfer["amount"], transfer["userId"]))


CHANGES = {
    "/TransOut": move_out,
    "/TransOutRevert": move_in,
    "/TransIn": move_in,
    "/TransInRevert": move_out,
    "/Confirm": lambda cursor, transfer: None,
}

SUCCESS = {"dtm_result": "SUCCESS"}


def run_branch(path, query, body):
    branch = barrier.BranchBarrier(query["trans_type"], query["gid"], query["branch_id"], query["op"])
    with barrier.AutoCursor(connect().cursor()) as cursor:
        if path == "/QueryPrepared":
            branch.query_prepared(cursor)
        else:
            branch.call(cursor, lambda within: CHANGES[path](within, body))
    return SUCCESS


def begin(order):
    """Runs a transaction. The answer has the error text of each call of the client, null for success."""
    return {"errors": [error_of(call) for call in calls_of(order)]}


def calls_of(order):
    server, gid, steps = order["server"], order["gid"], order["steps"]
    if order["mode"] == "tcc":
        return [lambda: run_tcc(server, gid, steps)]
    if order["mode"] == "saga":
        transaction = saga.Saga(server, gid)
        for step in steps:
            transaction.add(step["payload"], step["action"], step["compensate"])
    else:
        transaction = msg.Msg(server, gid)
        for step in steps:
            transaction.add(step["payload"], step["action"])
    for option, value in order.get("options", {}).items():
        setattr(transaction.trans_base, option, value)
    query_prepared = order.get("queryPrepared")
    methods = {
        "submit": transaction.submit,
        "prepare": lambda: transaction.prepare(query_prepared),
        "doAndSubmit": lambda: do_and_submit(transaction, query_prepared, order["local"]),
    }
    return [methods[name] for name in order["calls"]]


def do_and_submit(transaction, query_prepared, local):
    with barrier.AutoCursor(connect().cursor()) as cursor:
        transaction.do_and_submit_db(query_prepared, cursor, lambda within: move_out(within, local))


def run_tcc(server, gid, steps):
    def call_branches(transaction):
        for step in steps:
            transaction.call_branch(step["payload"], step["action"], step["confirm"], step["compensate"])

    # dtmcli swallows the error of a branch, and returns no gid
    if tcc.tcc_global_transaction(server, gid, call_branches) == "":
        raise utils.DTMFailureError("FAILURE")


def error_of(call):
    try:
        call()
    except Exception as error:
        return str(error)
    return None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        url = urlsplit(self.path)
        text = self.rfile.read(int(self.headers.get("content-length", 0)))
        body = json.loads(text) if text else None
        try:
            if url.path == "/begin":
                self.answer(200, begin(body))
            else:
                self.answer(200, run_branch(url.path, dict(parse_qsl(url.query)), body))
        except utils.DTMFailureError as error:
            self.answer(409, {"error": str(error), "dtm_result": "FAILURE"})
        except Exception as error:
            self.answer(500, {"error": repr(error)})

    do_GET = do_POST

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


host, port = args.address.split(":")
server = ThreadingHTTPServer((host, int(port)), Handler)
print(f"bank is ready on {args.address}", flush=True)
server.serve_forever()
