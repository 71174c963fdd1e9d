"""The kinds of sinks, one file a kind: how each service is spoken to, and what its answers mean.

How a kind is added:

1. Its keys in a plan: a class in `plan/sinks/kinds.py`, listed in `KINDS` there. `Sink` (a tool) or `TalkingSink` (what
   people read, which groups) has the keys that all have; `families` says which messages it takes, `usual` which it is
   told unless the plan names others.
2. A file here with one class derived from `HttpKind` (`kind.py`), or from `Kind` for what is not spoken to by HTTP.
   `requests` makes the HTTP requests of a message; `judge` says what an answer means; `PACE` how fast it may be called.
   `variables` names what it needs of the environment, as RAPPORT_SINK_<NAME>_URL.
3. A row in `TABLE` (`table.py`).
4. A recipe in docs/delivery.md, and a test in `tests/unit/streams/sinks/kinds/` against a local server that answers as
   the service does, its refusals included (`tests/sinks.py` has the server).

A kind gets a `Told`: the messages as `messages.py` has them, how many more there are that are not named, the language,
the currency, and `phrase`, by which the console's catalogue says what models say in that language. It decides nothing
about when and whether: grouping, quiet hours, caps, retries, order and the breaker are the engine's. It must say the
same of the same message each time but for what the service wants to be new (a time, a signature), must put hostile text
nowhere unescaped, and must name no customer by address or number. What people read is made once for all
kinds by `streams/sinks/wording/`; a room of a chat is derived from `ChatKind` (`chat.py`), or from `CodedKind` if the
service answers 200 to what it refuses.
"""
