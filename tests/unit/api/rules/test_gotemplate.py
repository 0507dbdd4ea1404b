"""Which texts are Go templates, and what is said about those that are not."""

from __future__ import annotations

import pytest

from capstan.api.rules.gotemplate import template_problem


@pytest.mark.parametrize(
    "template",
    [
        "",
        "no actions } }} at all",
        "{{ .a }}",
        "{{.a.b.c}}{{ . }}{{ $ }}{{ $.a }}",
        "{{- .a -}} trimmed {{- /* a comment */ -}} {{/* with }} inside */}}",
        "{{ if .ipv4Config }}true{{ end }}",
        '{{ if eq .kubeProxy.mode "ipvs" }}true{{ else if .a }}x{{ else }}false{{ end }}',
        "{{ if (index .cloneSpec.machineSpec 0).templateID }}true{{ end }}",
        "{{ range $i, $x := .list }}{{ $i }}{{ $x.name }}{{ continue }}{{ else }}none{{ break }}{{ end }}",
        "{{ range $x := .list }}{{ $x }}{{ end }}{{ range .list }}{{ . }}{{ end }}",
        "{{ with .a }}{{ . }}{{ else with .b }}{{ . }}{{ else }}-{{ end }}",
        '{{ $a := 1 }}{{ $a = 2 }}{{ printf "%d }}" $a | quote | default `raw "text"` }}',
        '{{ define "x" }}a{{ end }}{{ template "x" . }}{{ template "x" }}{{ block "y" . }}b{{ end }}',
        "{{ 'a' }} {{ 1.5e3 }} {{ -1 }} {{ .5 }} {{ 0xFF }} {{ true }} {{ nil | default 1 }}",
        '{{ not (and .a (or .b .c) (eq $.x.y "z")) }}',
        '{{ .list | join "," | nindent 4 | toJson }}',
    ],
)
def test_templates(template: str) -> None:
    assert template_problem(template) == ""


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{", "line 1: unclosed action: }} is missing"),
        ("a\nb {{ .a }", "line 2: unexpected '}' in an action"),
        ("{{ }}", "line 1: missing value for command: the action is empty"),
        ("{{ if }}x{{ end }}", "line 1: missing value for if"),
        ("{{ if .a }}x", "unexpected end of the template: {{if}} has no {{end}}"),
        ("x{{ end }}", "line 1: unexpected {{end}}"),
        ("{{ if .a }}{{ end .a }}", "line 1: unexpected .a in {{end}}"),
        ("{{ else }}", "line 1: unexpected {{else}}"),
        ("{{ if .a }}{{ else }}{{ else }}{{ end }}", "line 1: expected end; found {{else}}"),
        ("{{ if .a }}{{ else range .b }}{{ end }}", "line 1: unexpected range in {{else}}"),
        ("{{ lookup .a }}", 'line 1: function "lookup" not defined'),
        ("{{ now }}", 'line 1: function "now" not defined'),
        ('{{ env "HOME" }}', 'line 1: function "env" not defined'),
        ("{{ .a | }}", "line 1: missing value for command after |"),
        ('{{ .a | "x" }}', "line 1: non executable command in pipeline stage 2"),
        ("{{ $x }}", 'line 1: undefined variable "$x"'),
        ("{{ $x = 1 }}", 'line 1: undefined variable "$x"'),
        ("{{ if .a }}{{ $y := 1 }}{{ end }}{{ $y }}", 'line 1: undefined variable "$y"'),
        ("{{ with $i, $x := .a }}{{ end }}", "line 1: too many declarations in with"),
        ('{{ "abc }}', "line 1: unterminated quoted string"),
        ("{{ (.a }}", "line 1: unclosed left paren"),
        ("{{ " + "(" * 5000 + ".a" + ")" * 5000 + " }}", "line 1: parentheses are nested deeper than 100"),
        ("{{ .a ) }}", "line 1: unexpected ')' in command"),
        ("{{ break }}", "line 1: {{break}} outside {{range}}"),
        ("{{ .a := 1 }}", "line 1: unexpected ':=' in operand"),
        ('{{ .a"b" }}', "line 1: unexpected '\"b\"' in operand"),
        ("{{ .a end }}", "line 1: unexpected <end> in command"),
        ("{{ template x }}", "line 1: unexpected x in template clause"),
        ('{{ if .a }}{{ define "x" }}{{ end }}{{ end }}', "line 1: unexpected {{define}}"),
        ("{{/* never closed }}", "line 1: unclosed comment"),
    ],
)
def test_others(template: str, says: str) -> None:
    assert template_problem(template) == says
