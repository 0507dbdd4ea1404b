"""The functions that templates of a ClusterClass may call: text/template's own, and sprig's repeatable ones."""

from __future__ import annotations

from typing import Final

_OWN: Final = """
and call eq ge gt html index js le len lt ne not or print printf println slice urlquery
"""
_TEXTS: Final = """
abbrev abbrevboth camelcase cat contains hasPrefix hasSuffix hello indent initials kebabcase lower nindent nospace
plural quote randSeededNumeric repeat replace shuffle snakecase squote substr swapcase title toString toStrings trim
trimAll trimPrefix trimSuffix trimall trunc untitle upper wrap wrapWith
regexFind regexFindAll regexMatch regexQuoteMeta regexReplaceAll regexReplaceAllLiteral regexSplit mustRegexFind
mustRegexFindAll mustRegexMatch mustRegexReplaceAll mustRegexReplaceAllLiteral mustRegexSplit
join sortAlpha split splitList splitn
"""
_NUMBERS: Final = """
add add1 add1f addf atoi biggest ceil div divf float64 floor int int64 max maxf min minf mod mul mulf randInt round seq
sub subf toDecimal until untilStep
"""
_DATES: Final = """
ago duration durationRound mustDateModify mustToDate must_date_modify toDate unixEpoch
"""
_VALUES: Final = """
all any coalesce compact deepCopy deepEqual default empty fail fromJson kindIs kindOf mustCompact mustDeepCopy
mustFromJson mustToJson mustToPrettyJson mustToRawJson ternary toJson toPrettyJson toRawJson typeIs typeIsLike typeOf
"""
_COLLECTIONS: Final = """
append chunk concat dict dig first get has hasKey initial keys last list merge mergeOverwrite mustAppend mustChunk
mustFirst mustHas mustInitial mustLast mustMerge mustMergeOverwrite mustPrepend mustPush mustRest mustReverse mustSlice
mustUniq mustWithout omit pick pluck prepend push rest reverse set tuple uniq unset values without
"""
_OTHERS: Final = """
b32dec b32enc b64dec b64enc adler32sum sha1sum sha256sum sha512sum
bcrypt buildCustomCert decryptAES derivePassword encryptAES genCA genCAWithKey genPrivateKey genSelfSignedCert
genSelfSignedCertWithKey genSignedCert genSignedCertWithKey htpasswd
base clean dir ext isAbs osBase osClean osDir osExt osIsAbs semver semverCompare urlJoin urlParse
"""

FUNCTIONS: Final = frozenset(
    name for names in (_OWN, _TEXTS, _NUMBERS, _DATES, _VALUES, _COLLECTIONS, _OTHERS) for name in names.split()
)
