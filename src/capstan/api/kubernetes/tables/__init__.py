"""One module for each API group: its messages as a table.

A line is `Name field field ...`; lines that go on are indented. `Name@atomic` is an object that server-side apply
replaces whole. A field is `number=jsonName:type` and what follows: `*` has presence (zero is a value), `!` is written
even when empty, `^` is inlined into its parent, `+` is required; `@set`, `@atomic` or `@key,key` is the list (or map)
type; `~m` merges under a strategic merge patch, `~m:key` by a key, `~r` retains keys; `?json` is the default. Types are
scalars, well-known forms (time, microtime, duration, quantity, intstr, json, strings), enums (`enum Name a|b`) and
messages; `[t]` is a list, `{t}` a map of strings; `core.X` is in another table. The facts are those of the
API types of Kubernetes 1.37: JSON tags, protobuf tags and markers.
"""
