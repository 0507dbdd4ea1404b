"""Request bodies: formats, duplicates, YAML as Kubernetes reads it, and bodies made to do harm."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capstan.api.errors import ApiError
from capstan.apiserver.decode import (
    decode_checked,
    decode_json,
    decode_patch,
    decode_yaml,
    repeated_lines,
)


def _refused(body: bytes, content_type: str = "", encoding: str = "") -> ApiError:
    with pytest.raises(ApiError) as caught:
        decode_checked(body, content_type, encoding, duplicates=True)
    return caught.value


def test_json_is_the_default_format() -> None:
    assert decode_checked(b'{"a": 1}').value == {"a": 1}
    assert decode_checked(b'{"a": 1}', "application/json; charset=utf-8").value == {"a": 1}
    assert decode_checked(b"a: 1", "application/yaml").value == {"a": 1}


def test_json_duplicates_have_paths() -> None:
    body = b'{"spec": {"a": 1, "a": 2, "l": [{"b": 1, "b": 2, "b": 3}]}, "kind": "X", "kind": "Y"}'
    decoded = decode_checked(body, duplicates=True)
    assert decoded.duplicates == ("kind", "spec.a", "spec.l[0].b")
    assert decoded.value == {"spec": {"a": 2, "l": [{"b": 3}]}, "kind": "Y"}
    assert decode_checked(body).duplicates == ()


def test_yaml_duplicates_have_paths() -> None:
    decoded = decode_checked(b"spec:\n  a: 1\n  a: 2\n  l:\n  - b: 1\n    b: 2\n", "application/yaml")
    assert decoded.duplicates == ("spec.a", "spec.l[0].b")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", True),
        ("Yes", True),
        ("y", True),
        ("OFF", False),
        ("'on'", "on"),
        ("onward", "onward"),
        ("~", None),
        ("", None),
        ("0777", 511),
        ("0x1F", 31),
        ("0b11", 3),
        ("1_000", 1000),
        ("-5", -5),
        ("+5", 5),
        ("089", 89.0),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1:30", "1:30"),
        ("2026-01-01", "2026-01-01"),
        ("1.2.3", "1.2.3"),
        ("v1.30", "v1.30"),
        ("!!str 5", "5"),
        ("!!int 5", 5),
        ("!!float 5", 5.0),
        ("18446744073709551616", 18446744073709551616.0),
    ],
)
def test_yaml_scalars(text: str, value: Any) -> None:
    found = decode_yaml(f"a: {text}".encode()).value["a"]
    assert found == value
    assert type(found) is type(value)


def test_yaml_keys_are_strings_and_merges_work() -> None:
    body = b"base: &b {x: 1, y1: 2}\non: 5\n7: z\nuse:\n  <<: *b\n  x: 3\nlist: [*b, *b]\n"
    assert decode_yaml(body).value == {
        "base": {"x": 1, "y1": 2},
        "true": 5,
        "7": "z",
        "use": {"x": 3, "y1": 2},
        "list": [{"x": 1, "y1": 2}, {"x": 1, "y1": 2}],
    }


@pytest.mark.parametrize(
    "body",
    [
        b"a: .inf",
        b"a: .nan",
        b"a: 1e999",
        b"a: *nowhere",
        b"a: [1",
        b"? [1]\n: 2",
        b"a: 1\n---\nb: 2",
        b"a: !!int x",
        b"a: !!python/object:os.system x",
        b"<<: 5",
        b"- 1",
        b"",
        b"a: \xff",
        b"\x00",
        b"a: \x07",
    ],
)
def test_yaml_that_is_refused(body: bytes) -> None:
    assert _refused(body, "application/yaml").code == 400


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b'{"a":NaN}', b'{"a":1', b'{"a":"\\ud800"}', b"\xef\xbb\xbf{}", b'{"a":"\xff"}']
)
def test_json_that_is_refused(body: bytes) -> None:
    assert _refused(body).code == 400


def test_bodies_made_to_do_harm_end_quickly() -> None:
    laughs = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    laughs += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    bodies = [
        ("\n".join(laughs).encode(), "application/yaml"),
        (b"[" * 3_000_000, "application/yaml"),
        (b"a: " + b"{a: " * 100_000, "application/yaml"),
        (b"[" * 3_000_000, "application/json"),
        (b'{"a":' * 500_000, "application/json"),
        (b'{"a":' * 250 + b"1" + b"}" * 250, "application/json"),
        (b"{a: " * 250 + b"1" + b"}" * 250, "application/yaml"),
    ]
    for body, media in bodies:
        start = time.perf_counter()
        assert _refused(body, media).code == 400
        assert time.perf_counter() - start < 1.0


def test_formats_that_are_not_served() -> None:
    assert _refused(b"{}", "text/plain").code == 415
    assert "application/yaml" in _refused(b"{}", "application/cbor").message
    assert _refused(b"{}", "", "gzip").code == 415
    assert _refused(b" " * (3 * 1024 * 1024 + 1)).code == 413


def test_patches_know_their_type() -> None:
    assert decode_patch(b"[]", "application/json-patch+json")[0] == "json"
    assert decode_patch(b"{}", "application/merge-patch+json; charset=utf-8")[0] == "merge"
    kind, decoded = decode_patch(b"a: on", "application/apply-patch+yaml")
    assert (kind, decoded.value) == ("apply", {"a": True})
    with pytest.raises(ApiError) as caught:
        decode_patch(b"{}", "application/json")
    assert caught.value.code == 415


@given(
    st.lists(
        st.tuples(st.text(alphabet='a"\\é/\u2028', max_size=3), st.text(alphabet='a"\\:,é', max_size=4)), max_size=5
    ),
    st.booleans(),
    st.booleans(),
)
def test_a_key_that_comes_twice_is_found_however_it_is_spelled(
    pairs: list[tuple[str, str]], ascii_only: bool, spaces: bool
) -> None:
    def written(text: str) -> str:
        return json.dumps(text, ensure_ascii=ascii_only)

    between, after = (" , ", " : ") if spaces else (",", ":")
    body = "{" + between.join(written(key) + after + written(value) for key, value in pairs) + "}"
    names = [key for key, _ in pairs]
    twice = {key for key in names if names.count(key) > 1}
    found = decode_json(body.encode(), duplicates=True).duplicates
    assert len(found) == len(twice)


def test_repeated_keys_of_yaml_are_told_by_their_lines() -> None:
    _, decoded = decode_patch(
        b"a: 1\nspec:\n  b: 1\n  c:\n  - d: 1\n    d: 2\n  b: 2\n", "application/apply-patch+yaml"
    )
    assert (decoded.duplicates, decoded.lines) == (("spec.c[0].d", "spec.b"), (6, 7))
    message = repeated_lines(decoded).message
    assert message.endswith(
        'unmarshal errors:\n  line 6: key "d" already set in map\n  line 7: key "b" already set in map'
    )
