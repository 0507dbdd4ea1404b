"""The libraries of Kubernetes."""

from __future__ import annotations

import pytest

from capstan.apiserver.cel import CelEvaluationError, CostExceeded, Environment
from capstan.apiserver.cel.libraries.authorizer import AUTHORIZER, Answer, Check, Question
from capstan.apiserver.cel.libraries.jsonpatches import JSON_PATCH

HOLDS = r"""
    'tacocat'.charAt(3) == 'o' && 'été'.charAt(2) == 'é' && 'a'.charAt(1) == ''
    'tacocat'.indexOf('c') == 2 && 'tacocat'.indexOf('c', 3) == 4 && 'a'.indexOf('z') == -1
    'tacocat'.lastIndexOf('c') == 4 && 'tacocat'.lastIndexOf('c', 3) == 2 && ''.indexOf('') == 0
    'TacoCÆt'.lowerAscii() == 'tacocÆt' && 'tacocæt'.upperAscii() == 'TACOCæT'
    'a-b-c'.replace('-', '+') == 'a+b+c' && 'a-b-c'.replace('-', '+', 1) == 'a+b-c'
    'abc'.replace('', '_') == '_a_b_c_' && 'a-b'.replace('-', '', 0) == 'a-b'
    'a,b,c'.split(',') == ['a', 'b', 'c'] && 'a,b,c'.split(',', 2) == ['a', 'b,c']
    'abc'.split('') == ['a', 'b', 'c'] && 'a,b'.split(',', 0) == [] && 'a,b'.split(',', 1) == ['a,b']
    'tacocat'.substring(4) == 'cat' && 'tacocat'.substring(0, 4) == 'taco' && 'été'.substring(1, 2) == 't'
    '  \t trim \n'.trim() == 'trim' && '\u00a0x\u2003'.trim() == 'x'
    ['a', 'b'].join() == 'ab' && ['a', 'b'].join('-') == 'a-b' && [].join('-') == ''
    'gums'.reverse() == 'smug'
    strings.quote('a "b"\n') == '"a \\"b\\"\\n"'
    '%s and %d'.format(['a', 3]) == 'a and 3' && '100%%'.format([]) == '100%'
    '%.2f'.format([3.14159]) == '3.14' && '%e'.format([1052.032911275]) == '1.052033e+03'
    '%b %o %x %X'.format([5, 8, 255, 255]) == '101 10 ff FF' && '%x'.format(['hi']) == '6869'
    '%s'.format([[1, 'a', null, true]]) == '[1, a, null, true]'
    '%s'.format([duration('1h')]) == '3600s' && '%s'.format([1.5]) == '1.5'
    [1, 2, 2].isSorted() && !['b', 'a'].isSorted() && [].isSorted()
    [1, 2, 3].sum() == 6 && [1.5, 2.5].sum() == 4.0 && [duration('1m'), duration('1s')].sum() == duration('61s')
    [3, 1, 2].min() == 1 && [3, 1, 2].max() == 3 && ['b', 'a'].min() == 'a'
    ['a', 'b', 'a'].indexOf('a') == 0 && ['a', 'b', 'a'].lastIndexOf('a') == 2 && [1].indexOf(2) == -1
    [1, 2].includes(2) && ![1, 2].includes(3)
    [1, 2, 3, 4].slice(1, 3) == [2, 3] && [[1], [2, [3]]].flatten() == dyn([1, 2, [3]])
    [1, [2, [3, [4]]]].flatten(2) == [1, 2, 3, [4]]
    [3, 1, 2].sort() == [1, 2, 3] && ['b', 'a'].sort() == ['a', 'b'] && lists.range(3) == [0, 1, 2]
    [1, 2, 3].reverse() == [3, 2, 1] && [1, 2, 1].distinct() == [1, 2]
    sets.contains([1, 2, 3], [2]) && sets.equivalent([1, 2], [2, 1, 1]) && sets.intersects([1], [1, 2])
    !sets.contains([1], [2]) && sets.contains([], []) && !sets.intersects([], [1])
    'abc 123'.find('[0-9]+') == '123' && 'abc'.find('[0-9]+') == ''
    '1 2 3'.findAll('[0-9]') == ['1', '2', '3'] && '1 2 3'.findAll('[0-9]', 2) == ['1', '2']
    '1 2'.findAll('[0-9]', 0) == [] && '1 2'.findAll('[0-9]', -1) == ['1', '2']
    url('https://user@example.com:80/a b?k=v&k=w&l').getHost() == 'example.com:80'
    url('https://example.com:80/').getHostname() == 'example.com' && url('https://[::1]:80/').getPort() == '80'
    url('https://[::1]:80/').getHostname() == '::1' && url('https://[::1]:80/').getHost() == '[::1]:80'
    url('https://example.com/path?k=a&k=b').getQuery() == {'k': ['a', 'b']} && url('/path').getScheme() == ''
    url('https://example.com/with space').getEscapedPath() == '/with%20space'
    url('https://example.com').getEscapedPath() == '' && url('https://example.com').getScheme() == 'https'
    isURL('https://example.com') && isURL('/absolute') && !isURL('../relative') && !isURL('')
    !isURL('https://a:b:c/') && !isURL('https://exa mple.com/')
    quantity('1Gi').isGreaterThan(quantity('1G')) && quantity('200M').compareTo(quantity('0.2G')) == 0
    quantity('50k').isLessThan(quantity('50Ki')) && quantity('1500m').asApproximateFloat() == 1.5
    quantity('50k').asInteger() == 50000 && quantity('1.5').isInteger() == false && quantity('1e3').asInteger() == 1000
    quantity('1').add(quantity('1k')).sub(1) == quantity('1k') && quantity('1').add(2).compareTo(quantity('3')) == 0
    quantity('-1').sign() == -1 && quantity('0').sign() == 0 && quantity('0.5').sign() == 1
    isQuantity('1.3Gi') && !isQuantity('1.3GiB') && !isQuantity('') && !isQuantity('1 k') && isQuantity('.5')
    quantity('200M') == quantity('0.2G') && quantity('1') != quantity('2')
    ip('127.0.0.1').isLoopback() && ip('::1').isLoopback() && ip('0.0.0.0').isUnspecified()
    ip('10.0.0.1').family() == 4 && ip('2001:db8::1').family() == 6
    ip('169.254.169.254').isLinkLocalUnicast() && ip('fe80::1').isLinkLocalUnicast()
    !ip('fe00::1').isLinkLocalUnicast()
    ip('224.0.0.1').isLinkLocalMulticast() && ip('ff02::1').isLinkLocalMulticast()
    !ip('224.0.1.1').isLinkLocalMulticast()
    ip('192.168.0.1').isGlobalUnicast() && !ip('255.255.255.255').isGlobalUnicast()
    !ip('224.0.0.1').isGlobalUnicast()
    isIP('::') && !isIP('127.0.0.256') && !isIP('10.0.0.01') && !isIP('fe80::1%eth0') && !isIP('::ffff:1.2.3.4')
    ip.isCanonical('2001:db8::abcd') && !ip.isCanonical('2001:DB8::ABCD')
    string(ip('::0001')) == '::1' && type(ip('1.1.1.1')) == net.IP && ip('::1') == ip('0::1')
    cidr('192.168.0.0/24').containsIP(ip('192.168.0.1')) && !cidr('192.168.0.0/24').containsIP('192.168.1.0')
    cidr('192.168.0.0/16').containsCIDR(cidr('192.168.10.0/24')) && cidr('::/0').containsCIDR('2001:db8::/32')
    !cidr('192.168.0.0/24').containsCIDR('192.168.0.0/23') && !cidr('10.0.0.0/8').containsIP('::1')
    cidr('192.168.0.7/24').ip() == ip('192.168.0.7') && cidr('192.168.0.7/24').masked() == cidr('192.168.0.0/24')
    cidr('192.168.0.0/24').prefixLength() == 24 && string(cidr('::1/128')) == '::1/128'
    isCIDR('10.0.0.0/8') && !isCIDR('10.0.0.0') && !isCIDR('10.0.0.0/33') && !isCIDR('10.0.0.0/255.0.0.0')
    !isCIDR('10.0.0.0/08') && !isCIDR('10.0.0.0/-1')
    semver('1.2.3').isLessThan(semver('1.2.4')) && semver('1.0.0').isGreaterThan(semver('1.0.0-rc.1'))
    semver('1.0.0-alpha.2').isLessThan(semver('1.0.0-alpha.10')) && semver('1.0.0+a') == semver('1.0.0+b')
    semver('1.2.3').major() == 1 && semver('1.2.3').minor() == 2 && semver('1.2.3').patch() == 3
    semver('v1.02', true).compareTo(semver('1.2.0')) == 0 && isSemver('v1', true) && !isSemver('v1.0.0')
    isSemver('1.0.0-beta.1+build') && !isSemver('1.0') && !isSemver('01.0.0') && !isSemver('')
    !format.dns1123Label().validate('my-label').hasValue()
    format.dns1123Label().validate('My_Label').value().size() == 1
    format.dns1123Label().validate('a'.replace('a', 'aaaaaaaa').replace('a', 'aaaaaaaa')).value()[0].contains('63')
    !format.dns1123Subdomain().validate('a.b-c.d').hasValue() && format.dns1123Subdomain().validate('a..b').hasValue()
    format.dns1035Label().validate('1a').hasValue() && !format.dns1035LabelPrefix().validate('a-').hasValue()
    !format.qualifiedName().validate('example.com/My_name').hasValue()
    format.qualifiedName().validate('/x').hasValue()
    !format.labelValue().validate('').hasValue() && format.labelValue().validate('-a').hasValue()
    !format.uri().validate('https://example.com').hasValue() && format.uri().validate('x').hasValue()
    !format.uuid().validate('123e4567-e89b-12d3-a456-426614174000').hasValue() && format.uuid().validate('x').hasValue()
    !format.byte().validate('aGVsbG8=').hasValue() && format.byte().validate('*').hasValue()
    !format.date().validate('2021-01-01').hasValue() && format.date().validate('2021-13-01').hasValue()
    !format.datetime().validate('2021-01-01T00:00:00Z').hasValue() && format.datetime().validate('2021').hasValue()
    format.named('dns1123Label').hasValue() && !format.named('nope').hasValue()
    format.named('uuid').value() == format.uuid()
    jsonpatch.escapeKey('k8s.io/my~label') == 'k8s.io~1my~0label'
"""
FAILS = {
    "'tacocat'.charAt(30)": "index out of range: 30",
    "'a'.indexOf('a', 3)": "index out of range: 3",
    "'a'.substring(2)": "index out of range: 2",
    "'abc'.substring(2, 1)": "invalid substring range. start: 2, end: 1",
    "'%d'.format(['a'])": "decimal clause can only be used on integers, was given string",
    "'%s %s'.format(['a'])": "index 1 out of range",
    "'%z'.format(['a'])": 'unrecognized formatting clause "z"',
    "[].min()": "min called on empty list",
    "[1, 2].slice(0, 3)": "cannot slice(0, 3), list is length 2",
    "[1, 2].slice(2, 1)": "start index must be less than or equal to end index",
    "[[1]].flatten(-1)": "level must be non-negative",
    "'a'.find('[')": "Illegal regex",
    "url('../x')": "URL parse error during conversion from string",
    "quantity('x')": "quantities must match the regular expression",
    "quantity('1.5').asInteger()": "cannot convert value to integer",
    "ip('x')": "parse error during conversion from string",
    "cidr('10.0.0.0')": "network address parse error during conversion from string",
    "semver('1.0')": "No Major.Minor.Patch elements found",
    "lists.range(2000000)": "more than",
}
ENVIRONMENT = Environment({}, homogeneous=False)


@pytest.mark.parametrize("expression", [line.strip() for line in HOLDS.strip().splitlines()])
def test_it_holds(expression: str) -> None:
    assert ENVIRONMENT.compile(expression).evaluate({}) is True


@pytest.mark.parametrize(("expression", "message"), FAILS.items())
def test_it_fails(expression: str, message: str) -> None:
    program = ENVIRONMENT.compile(expression)
    with pytest.raises(CelEvaluationError) as failure:
        program.evaluate({})
    assert message in str(failure.value)


def test_the_authorizer_is_asked_through_an_interface() -> None:
    asked: list[Question] = []

    def ask(question: Question) -> Answer:
        asked.append(question)
        return Answer(question.verb == "delete", "because")

    environment = Environment({"authorizer": AUTHORIZER})
    expression = (
        "authorizer.group('apps').resource('deployments').subresource('status').namespace('ns').name('n')"
        ".check('delete').allowed() && !authorizer.path('/healthz').check('get').allowed() && "
        "authorizer.serviceAccount('ns', 'sa').group('').resource('pods').check('delete').reason() == 'because'"
    )
    program = environment.compile(expression)
    with pytest.raises(CostExceeded):
        # Only two checks fit into what one expression may cost.
        program.evaluate({"authorizer": Check(ask)})
    asked.clear()
    assert program.measure({"authorizer": Check(ask)}, 2_000_000)[0] is True
    assert asked == [
        Question("delete", group="apps", resource="deployments", subresource="status", namespace="ns", name="n"),
        Question("get", path="/healthz"),
        Question("delete", resource="pods", service_account="ns:sa"),
    ]


def test_patches_are_constructed_as_data() -> None:
    environment = Environment({}, objects={"JSONPatch": JSON_PATCH})
    program = environment.compile("[JSONPatch{op: 'add', path: '/a/' + jsonpatch.escapeKey('b/c'), value: {'x': 1}}]")
    assert program.evaluate({}) == [{"op": "add", "path": "/a/b~1c", "value": {"x": 1}}]
    assert str(program.result_type) == "list(JSONPatch)"
