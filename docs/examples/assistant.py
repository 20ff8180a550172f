"""A whole assistant in thirty lines and nothing but Python: `python docs/examples/assistant.py 8200`.

Set tight, so that it can be read at a glance. What it says of itself stands in assistant.json beside it.
"""

# ruff: noqa: ANN001, ANN201, E401, E701, I001
# fmt: off
import datetime as dt, json, pathlib, sys, urllib.parse, wsgiref.simple_server

ME = json.loads(pathlib.Path(__file__).with_suffix(".json").read_text().replace(":8200", f":{sys.argv[1]}"))
DONE, ROWS = {}, {contract: [] for contract in ME["exports"]}  # commands and their replies by id; rows to export

def now(): return dt.datetime.now(dt.UTC).isoformat()

def execute(asked):
    wrong = asked["command_kind"] not in ME["kinds"] or set(asked) - set(ME["fields"])
    if wrong or asked["command_kind"] not in ME["does"]: return 422 if wrong else 403, "Echo does ping and run_task."
    if (name := asked["command_id"]) not in DONE:
        late = "deadline_at" in asked and dt.datetime.fromisoformat(asked["deadline_at"]) < dt.datetime.now(dt.UTC)
        DONE[name] = asked, {"command_id": name, "command_state": "refused" if late else "completed", "updated_at": now()}
        if asked["command_kind"] == "run_task" and not late:
            ROWS["task"] += [{**ME["task"], "task_id": asked.get("task_id", name), "submitted_at": now(), "updated_at": now()}]
    return (200, DONE[name][1]) if DONE[name][0] == asked else (409, "This command_id came with another body.")

def answer(env, path, query):
    room, name = path.removeprefix("/api/echo").rsplit("/", 1)
    if name == "agent-card.json": return 304 if env.get("HTTP_IF_NONE_MATCH") == '"1"' else 200, ME["card"]
    if path == "/api/echo/status": return 200, {**ME["status"], "updated_at": now(), "request_count": len(DONE)}
    if path == "/api/echo/execute": return execute(json.loads(env["wsgi.input"].read(int(env["CONTENT_LENGTH"]))))
    if room == "/export" and name in ROWS:
        rows = ROWS[name][(start := int(query.get("cursor", 0))):][:int(query.get("limit", 1000))]
        head = {**ME["exports"][name], "exported_at": now(), "cursor": str(start + len(rows))}
        return 200, {"aurora_export": head, "rows": rows}
    return (200, DONE[name][1]) if room == "/commands" and name in DONE else (404, "There is nothing here.")

def app(env, start):
    try: status, value = answer(env, env["PATH_INFO"], dict(urllib.parse.parse_qsl(env["QUERY_STRING"])))
    except (ValueError, KeyError, TypeError): status, value = 400, "The body is no command."
    value, kind = (value, "json") if status < 400 else ({"status": status, "detail": value}, "problem+json")
    start(f"{status} .", [("Content-Type", f"application/{kind}"), ("ETag", '"1"'), ("Cache-Control", "no-cache")])
    return [b"" if status == 304 else json.dumps(value).encode()]

wsgiref.simple_server.make_server("127.0.0.1", int(sys.argv[1]), app).serve_forever()
