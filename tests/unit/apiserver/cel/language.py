"""Tables of the language: expressions that hold, values, and errors. The behaviours are those of the cel-spec."""

from __future__ import annotations

#: Expressions that are true, by subject.
HOLDS: dict[str, str] = {
    "literals": r"""
        0x1F == 31
        0xffu == 255u
        -0x10 == -16
        1e3 == 1000.0
        .5 == 0.5
        "tab\there" == 'tab	here'
        '\x41\u0042\U00000043\104' == "ABCD"
        r'\n' == "\\n"
        '''it's''' == "it's"
        b"abc" == b'\x61\142c'
        b'é' == b'\303\251'
        "\a\b\f\n\r\t\v\\\?\"\'\`".size() == 12
        '' == ""
        [] == [] && {} == {}
        [1, 2,] == [1, 2]
        {'a': 1,} == {'a': 1}
        null == null
        true != false
        -9223372036854775808 < 0
        18446744073709551615u > 0u
        1 == 1 // and ends the line
    """,
    "integers": r"""
        40 + 2 == 42
        40 - 42 == -2
        6 * -7 == -42
        -7 / 2 == -3
        7 / -2 == -3
        -7 % 2 == -1
        7 % -2 == 1
        -(3) == -3
        --3 == 3
        - -4 == 4
        1 + 2 * 3 == 7
        (1 + 2) * 3 == 9
        10 - 3 - 2 == 5
        100 / 10 / 5 == 2
        7u / 2u == 3u
        7u % 4u == 3u
        3u + 4u == 7u
        5u - 5u == 0u
        9223372036854775807 - 1 == 9223372036854775806
        -9223372036854775807 - 1 == -9223372036854775808
        9223372036854775807 + -9223372036854775808 == -1
        18446744073709551614u + 1u == 18446744073709551615u
        4611686018427387904 * -2 == -9223372036854775808
    """,
    "doubles": r"""
        0.1 + 0.2 != 0.3
        1.5 * 2.0 == 3.0
        7.0 / 2.0 == 3.5
        -(1.5) == -1.5
        1.0 / 0.0 == double('inf')
        -1.0 / 0.0 == double('-inf')
        !(0.0 / 0.0 == 0.0 / 0.0)
        double('nan') != double('nan')
        1.0 / -0.0 == double('-Infinity')
        1e308 * 10.0 == double('inf')
        0.0 == -0.0
        1.7976931348623157e308 < double('infinity')
    """,
    "equality": r"""
        1 == 1 && 1u == 1u && 1.0 == 1.0
        dyn(1) == 1.0
        dyn(1) == 1u
        dyn(1u) == 1.0
        dyn(1) != 1.5
        dyn(1) != '1'
        dyn(true) != 1
        dyn(null) != 0
        dyn('a') != b'a'
        dyn([1]) != {'a': 1}
        [1, 2] == [1, 2]
        [1, 2] != [2, 1]
        [1] != [1, 2]
        dyn([1, 'a', null]) == [dyn(1.0), 'a', null]
        {'a': 1, 'b': 2} == {'b': 2, 'a': 1}
        {'a': 1} != {'a': 2}
        {'a': 1} != {'b': 1}
        {1: 'x'} == {dyn(1u): 'x'}
        {'a': [1, {'b': 2}]} == {'a': [1, {'b': 2}]}
        dyn([true]) != [1]
        dyn({true: 1}) != {1: 1}
        type(1) == int && type(1u) == uint && type(1.0) == double
        type('') == string && type(b'') == bytes && type(true) == bool
        type(null) == null_type && type([]) == list && type({}) == map
        type(type(1)) == type && type(int) == type
        type(timestamp('2020-01-01T00:00:00Z')) == google.protobuf.Timestamp
        type(duration('1s')) == google.protobuf.Duration
        type(1) != type(1u)
        !(double('nan') == 1.0)
        [double('nan')] != [double('nan')]
    """,
    "order": r"""
        1 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3
        1u < 2u && !(2u < 1u)
        1.5 < 1.6
        'a' < 'b' && 'a' < 'aa' && 'B' < 'a'
        'é' > 'z'
        '\U0001F600' > '\uFFFD'
        b'a' < b'b'
        false < true
        dyn(1) < 2u
        dyn(1u) < 1.5
        dyn(-1) < 0u
        dyn(1.5) > 1
        dyn(9223372036854775807) <= 9223372036854775808.0
        timestamp('2020-01-01T00:00:00Z') < timestamp('2020-01-01T00:00:00.001Z')
        duration('59s') < duration('1m')
    """,
    "logic": r"""
        true && true
        !(true && false)
        false || true
        !false
        !!true
        true ? true : 1 / 0 == 0
        false ? 1 / 0 == 0 : true
        true || 1 / 0 == 0
        1 / 0 == 0 || true
        !(false && 1 / 0 == 0)
        !(1 / 0 == 0 && false)
        1 / 0 == 0 || 2 / 0 == 0 || true
        (1 < 2 ? 'a' : 'b') == 'a'
        false ? false : true ? true : false
        true && !false || false
        [1, 2].exists(x, x == 2) && true
    """,
    "strings": r"""
        'ab' + 'cd' == 'abcd'
        'été'.size() == 3 && size('😀') == 1
        size(b'été') == 5
        'hello'.contains('ell') && !'hello'.contains('elo')
        'hello'.startsWith('he') && 'hello'.endsWith('lo')
        ''.contains('') && 'a'.startsWith('')
        'foo123'.matches('[0-9]+')
        !'foo'.matches('^o')
        matches('abc', '^a.c$')
        'a\nb'.matches('a\\nb')
        'été'.contains('té')
        b'ab' + b'cd' == b'abcd'
        'x'.matches('') && ''.matches('^$')
    """,
    "collections": r"""
        [1, 2, 3][1] == 2
        [[1], [2, 3]][1][0] == 2
        {'a': 1}['a'] == 1 && {'a': 1}.a == 1
        {1: 'x', 2: 'y'}[2] == 'y'
        {true: 'yes'}[true] == 'yes'
        {2u: 'u'}[dyn(2)] == 'u'
        {1: 'i'}[dyn(1.0)] == 'i'
        [7, 8][dyn(1.0)] == 8 && [7, 8][dyn(0u)] == 7
        1 in [1, 2] && !(3 in [1, 2])
        dyn(1.0) in [1, 2]
        'a' in {'a': 1} && !('b' in {'a': 1})
        dyn(1u) in {1: 'x'}
        !(dyn('1') in [1])
        !(true in dyn([1]))
        [1] + [2, 3] == [1, 2, 3]
        [] + [] == []
        size([1, 2]) == 2 && [].size() == 0 && {'a': 1}.size() == 1
        has({'a': 1}.a) && !has({'a': 1}.b)
        has({'a': null}.a)
        has({'a': {'b': 1}}.a.b)
        {'a': {'b': [10, 20]}}.a.b[1] == 20
        'a' in ['a', 'b'] && 'x' in ['x']
        {'null': null}['null'] == null
    """,
    "macros": r"""
        [1, 2, 3].all(x, x > 0)
        ![1, 2, 3].all(x, x > 1)
        [].all(x, x) && ![].exists(x, x)
        [1, 2, 3].exists(x, x == 3)
        [1, 2, 3].exists_one(x, x > 2)
        ![1, 2, 3].exists_one(x, x > 1)
        [1, 2, 3].existsOne(x, x == 2)
        {'a': 1, 'b': 2}.all(k, k in ['a', 'b'])
        {'a': 1, 'b': 2}.exists(k, k == 'b')
        [1, 2, 3].map(x, x * 2) == [2, 4, 6]
        [1, 2, 3].map(x, x > 1, x * 2) == [4, 6]
        [1, 2, 3].filter(x, x != 2) == [1, 3]
        {'a': 1, 'b': 2}.filter(k, k == 'a') == ['a']
        {'x': 1}.map(k, k + '!') == ['x!']
        [[1, 2], [3]].map(l, l.map(x, x + 1)) == [[2, 3], [4]]
        [1, 2].all(x, [1, 2, 3].exists(y, x + 1 == y))
        [1, 2].map(x, [3].map(x, x)) == [[3], [3]]
        [0, 1].exists(x, 1 / x == 1)
        ![0, 2].all(x, 1 / x == 1)
        [1, 2, 3].all(i, v, i + 1 == v)
        [1, 2, 3].exists(i, v, i == 2 && v == 3)
        [1, 2, 3].existsOne(i, v, v - i == 1 && i == 0)
        {'a': 1}.all(k, v, k == 'a' && v == 1)
        {'a': 1, 'b': 2}.exists(k, v, v == 2)
        [5, 6].transformList(i, v, i * v) == [0, 6]
        [5, 6].transformList(i, v, i > 0, v) == [6]
        {'a': 1}.transformList(k, v, k) == ['a']
        {'a': 1, 'b': 2}.transformMap(k, v, v * 10) == {'a': 10, 'b': 20}
        {'a': 1, 'b': 2}.transformMap(k, v, v > 1, v) == {'b': 2}
        [7, 8].transformMap(i, v, v) == {0: 7, 1: 8}
        {'a': 'x'}.transformMapEntry(k, v, {v: k}) == {'x': 'a'}
        cel.bind(x, 20, x + x + 2) == 42
        cel.bind(x, 1, cel.bind(y, x + 1, x + y)) == 3
        cel.bind(x, 1 / 0, true)
        cel.bind(m, {'a': [1]}, has(m.a) && m.a[0] == 1)
        [1, 2].map(x, cel.bind(y, x * x, y + y)) == [2, 8]
        [3, 1, 2].sortBy(x, -x) == [3, 2, 1]
    """,
    "conversions": r"""
        int(1.9) == 1 && int(-1.9) == -1
        int('-42') == -42 && int('+7') == 7
        int(42u) == 42
        int(timestamp('1970-01-01T00:01:00Z')) == 60
        uint(3) == 3u && uint('7') == 7u && uint(3.99) == 3u
        double(3) == 3.0 && double('1.5e3') == 1500.0 && double(2u) == 2.0
        string(1) == '1' && string(1u) == '1' && string(true) == 'true'
        string(1.5) == '1.5' && string(-0.25) == '-0.25' && string(1e30) == '1e+30'
        string(2.0) == '2' && string(1.5e-9) == '1.5e-09'
        string(b'abc') == 'abc' && string('s') == 's'
        bytes('é') == b'\303\251' && bytes(b'x') == b'x'
        bool('true') && !bool('false') && bool('T') && bool('1')
        string(duration('1h30m')) == '5400s'
        string(duration('1.5s')) == '1.5s' && string(duration('-250ms')) == '-0.25s'
        string(timestamp('2020-02-29T23:59:59.120Z')) == '2020-02-29T23:59:59.12Z'
        dyn(1) == 1
        timestamp(60) == timestamp('1970-01-01T00:01:00Z')
        timestamp(timestamp('1970-01-01T00:00:00Z')) == timestamp(0)
        duration(duration('1s')) == duration('1000ms')
    """,
    "times": r"""
        timestamp('2009-02-13T23:31:30Z') == timestamp('2009-02-14T01:31:30+02:00')
        timestamp('2009-02-13T23:31:30Z').getFullYear() == 2009
        timestamp('2009-02-13T23:31:30Z').getMonth() == 1
        timestamp('2009-02-13T23:31:30Z').getDate() == 13
        timestamp('2009-02-13T23:31:30Z').getDayOfMonth() == 12
        timestamp('2009-02-13T23:31:30Z').getDayOfYear() == 43
        timestamp('2009-02-13T23:31:30Z').getDayOfWeek() == 5
        timestamp('2009-02-15T00:00:00Z').getDayOfWeek() == 0
        timestamp('2009-02-13T23:31:30Z').getHours() == 23
        timestamp('2009-02-13T23:31:30Z').getMinutes() == 31
        timestamp('2009-02-13T23:31:30Z').getSeconds() == 30
        timestamp('2009-02-13T23:31:30.5Z').getMilliseconds() == 500
        timestamp('2009-02-13T23:31:30Z').getDate('Australia/Sydney') == 14
        timestamp('2009-02-13T23:31:30Z').getHours('+05:30') == 5
        timestamp('2009-02-13T23:31:30Z').getMinutes('-00:31') == 0
        timestamp('2009-02-13T23:31:30Z').getHours('America/St_Johns') == 20
        duration('1h1m1s').getHours() == 1 && duration('90m').getMinutes() == 90
        duration('1m30s').getSeconds() == 90 && duration('1.25s').getMilliseconds() == 250
        duration('-90s').getMinutes() == -1
        timestamp('2020-01-01T00:00:00Z') + duration('24h') == timestamp('2020-01-02T00:00:00Z')
        duration('1h') + timestamp('2020-01-01T00:00:00Z') == timestamp('2020-01-01T01:00:00Z')
        timestamp('2020-01-02T00:00:00Z') - timestamp('2020-01-01T00:00:00Z') == duration('86400s')
        timestamp('2020-01-02T00:00:00Z') - duration('1ns') < timestamp('2020-01-02T00:00:00Z')
        duration('1h') - duration('30m') == duration('1800s')
        duration('1us') == duration('1000ns') && duration('1ms') == duration('1000us')
        duration('1.5h') == duration('90m') && duration('0') == duration('0s')
        timestamp('0001-01-01T00:00:00Z').getFullYear() == 1
        timestamp('9999-12-31T23:59:59.999999999Z').getFullYear() == 9999
    """,
    "optionals": r"""
        optional.of(1).hasValue() && !optional.none().hasValue()
        optional.of(1).value() == 1
        optional.none().orValue(2) == 2 && optional.of(1).orValue(2) == 1
        optional.none().or(optional.of(3)).value() == 3
        optional.of(1).or(optional.of(3)) == optional.of(1)
        optional.of(1) == optional.of(1) && optional.of(1) != optional.of(2)
        optional.none() == optional.none()
        optional.ofNonZeroValue(0) == optional.none() && optional.ofNonZeroValue('') == optional.none()
        optional.ofNonZeroValue([]) == optional.none() && optional.ofNonZeroValue(5).value() == 5
        {'a': 1}.?a == optional.of(1) && {'a': 1}.?b == optional.none()
        {'a': {'b': 2}}.?a.b.value() == 2
        {'a': {'b': 2}}.?a.?c == optional.none()
        {'a': {'b': {'c': 2}}}.?x.b.c == optional.none()
        {'a': 1}[?'a'].value() == 1 && [1, 2][?5] == optional.none() && [1, 2][?1].value() == 2
        optional.of([1, 2])[?0].value() == 1 && optional.of({'a': 1})['a'].value() == 1
        {?'a': optional.none(), ?'b': optional.of(1)} == {'b': 1}
        [?optional.none(), ?optional.of(1), 2] == [1, 2]
        optional.of(2).optMap(x, x * 2).value() == 4
        optional.none().optMap(x, x) == optional.none()
        optional.of(2).optFlatMap(x, optional.of(x + 1)).value() == 3
        {'a': {'b': 'c'}}.?a.optMap(x, x.b).orValue('') == 'c'
        {'a': 1}.?a.optMap(x, x + 1).optMap(x, x * 3).value() == 6
        has({'a': {'b': 1}}.?a.b) && !has({'a': {'b': 1}}.?x.b)
        optional.unwrap([optional.of(1), optional.none()]) == [1]
        [optional.of(1), optional.none()].unwrapOpt() == [1]
        [1, 2].first().value() == 1 && [1, 2].last().value() == 2 && [].first() == optional.none()
        type(optional.none()) == optional_type
        optional.of(null).hasValue()
    """,
}

#: Expressions that compile and fail, and what the failure says.
FAILS: dict[str, str] = {
    "1 / 0": "division by zero",
    "1 % 0": "modulus by zero",
    "1u / 0u": "division by zero",
    "9223372036854775807 + 1": "integer overflow",
    "-9223372036854775808 - 1": "integer overflow",
    "-9223372036854775808 / -1": "integer overflow",
    "-9223372036854775808 % -1": "integer overflow",
    "-(-9223372036854775808)": "integer overflow",
    "5000000000 * 5000000000": "integer overflow",
    "0u - 1u": "unsigned integer overflow",
    "18446744073709551615u + 1u": "unsigned integer overflow",
    "int(1e99)": "integer overflow",
    "int(double('nan'))": "integer overflow",
    "int(18446744073709551615u)": "integer overflow",
    "uint(-1)": "unsigned integer overflow",
    "uint(-1.0)": "unsigned integer overflow",
    "int('x')": "type conversion error from 'string' to 'int'",
    "int('1_0')": "type conversion error",
    "int(' 1')": "type conversion error",
    "uint('-1')": "type conversion error from 'string' to 'uint'",
    "double('1.5x')": "type conversion error from 'string' to 'double'",
    "bool('yes')": "type conversion error from 'string' to 'bool'",
    r"string(b'\xff')": "invalid UTF-8 in bytes",
    "duration('1' + 'x')": "type conversion error",
    "timestamp('2020-13-01' + 'T00:00:00Z')": "type conversion error",
    "timestamp('9999-12-31T23:59:59Z') + duration('1s')": "timestamp overflow",
    "timestamp('0001-01-01T00:00:00Z') - duration('1s')": "timestamp overflow",
    "timestamp('9999-12-31T00:00:00Z') - timestamp('0001-01-01T00:00:00Z')": "duration overflow",
    "timestamp('2020-01-01T00:00:00Z').getHours('Mars/Base')": "unknown time zone",
    "[1, 2][2]": "index out of bounds: 2",
    "[1][-1]": "index out of bounds: -1",
    "[1][dyn('a')]": "unsupported index type 'string' in list",
    "{'a': 1}.b": "no such key: b",
    "{'a': 1}['b']": "no such key: b",
    "{1: 2}[3]": "no such key: 3",
    "{'a': 1, 'a': 2}": "Failed with repeated key: a",
    "{dyn([1]): 1}": "unsupported key type: list",
    "dyn(1) + 'a'": "no such overload",
    "dyn('a') - 1": "no such overload",
    "dyn('a') < 1": "no such overload",
    "!dyn(1)": "no such overload",
    "dyn(1) && true": "no such overload",
    "dyn('x') ? 1 : 2": "no such overload",
    "dyn(1).startsWith('a')": "no such overload",
    "dyn(1).all(x, true)": "no such overload",
    "dyn(1).a": "no such overload",
    "[1, 0].all(x, 1 / x == 1)": "division by zero",
    "[0, 1].exists_one(x, 1 / x == 1)": "division by zero",
    "[0].map(x, 1 / x)": "division by zero",
    "[1].all(x, dyn(x))": "no such overload",
    "false || 1 / 0 == 0": "division by zero",
    "true && 1 / 0 == 0": "division by zero",
    "double('nan') < 1.0": "NaN values cannot be ordered",
    "'a'.matches('[' + 'a')": "error parsing regexp",
    "optional.none().value()": "optional.none() dereference",
    "[?dyn(1)]": "cannot initialize optional list element from non-optional value 1",
    "{?'a': dyn(1)}": "cannot initialize optional entry 'a' from non-optional value 1",
    "{'a': 1}.transformMapEntry(k, v, {dyn(1): v}).a": "no such key: a",
    "['a', 'a'].transformMapEntry(i, v, {v: i})": "insert failed: key a already exists",
    "unset + 1": "no such attribute(s): unset",
}

#: Expressions that do not compile: the first message, without and with its place.
REFUSED: dict[str, str] = {
    "": "1:1: Syntax error: mismatched input '<EOF>'",
    "1 +": "1:4: Syntax error: mismatched input '<EOF>' expecting",
    "1 2": "1:3: Syntax error: mismatched input '2' expecting <EOF>",
    "(1": "1:3: Syntax error: mismatched input '<EOF>' expecting ')'",
    "[1": "1:3: Syntax error: mismatched input '<EOF>' expecting ','",
    "a.": "1:3: Syntax error: mismatched input '<EOF>' expecting IDENTIFIER",
    "f(1,)": "1:5: Syntax error: mismatched input ')'",
    "'abc": "1:1: Syntax error: token recognition error at: ''abc'",
    "1 # 2": "1:3: Syntax error: token recognition error at: '#'",
    "x ? 1": "1:6: Syntax error: mismatched input '<EOF>' expecting ':'",
    r"'\z'": "1:1: unable to unescape string",
    r"'\ud800'": "1:1: unable to unescape string",
    "while + 1": "1:1: reserved identifier: while",
    "9223372036854775808": "1:1: invalid int literal",
    "18446744073709551616u": "1:1: invalid uint literal",
    "nope": "1:1: undeclared reference to 'nope' (in container '')",
    "1 + nope": "1:5: undeclared reference to 'nope' (in container '')",
    "nope(1)": "1:5: undeclared reference to 'nope' (in container '')",
    "1 + 'a'": "1:3: found no matching overload for '_+_' applied to '(int, string)'",
    "1 == 'a'": "1:3: found no matching overload for '_==_' applied to '(int, string)'",
    "1 == 1u": "1:3: found no matching overload for '_==_' applied to '(int, uint)'",
    "1 && true": "1:3: found no matching overload for '_&&_' applied to '(int, bool)'",
    "!1": "1:1: found no matching overload for '!_' applied to '(int)'",
    "'a'.size(1)": "1:9: found no matching overload for 'size' applied to 'string.(int)'",
    "1.a": "1:2: type 'int' does not support field selection",
    "(1).a": "1:4: type 'int' does not support field selection",
    "[1, 'a']": "1:5: expected type 'int' but found 'string'",
    "{'a': 1, 'b': 'c'}": "1:15: expected type 'int' but found 'string'",
    "[1].all(x, x)": "1:8: found no matching overload for '_&&_' applied to '(bool, int)'",
    "[1].all(1, true)": "1:9: argument must be a simple name",
    "[1].all(i, i, true)": "1:12: duplicate variable name: i",
    "(1).all(x, true)": "1:2: expression of type 'int' cannot be range of a comprehension "
    "(must be list, map, or dynamic)",
    "has(1)": "1:5: invalid argument to has() macro",
    "has(a)": "1:5: invalid argument to has() macro",
    "true ? 1 : 'a'": "1:6: found no matching overload for '_?_:_' applied to '(bool, int, string)'",
    "duration('x') > duration('1s')": "1:10: invalid duration argument",
    "timestamp('x') == timestamp('x')": "1:11: invalid timestamp argument",
    "'a'.matches('[')": "1:13: invalid matches argument",
    "Thing{a: 1}": "1:6: undeclared reference to 'Thing' (in container '')",
    "'é' + 1": "1:5: found no matching overload for '_+_' applied to '(string, int)'",
}
