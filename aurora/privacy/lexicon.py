"""Word lists in English and Arabic: what announces an identifier, a name, or a fact about health."""

from __future__ import annotations

import re
from typing import Final

_KEYWORDS: Final = {
    "passport": "passport|جواز(?: ال)?سفر",
    "trn": "trn|tax registration|الرقم الضريبي",
    "title_deed": "title deed|سند الملكية",
    "ejari": "ejari|إيجاري|ايجاري",
    "trakheesi_permit": "trakheesi(?: permit)?|advertis(?:ing|ement) permit|rera permit|تصريح",
    "medical_record": "mrn|medical record|patient file",
    "health_plan": "health plan|insurance (?:card|member|policy)|thiqa|daman card",
    "account_number": "account|a/c|رقم الحساب",
    "licence_number": "(?:driving )?licen[cs]e|certificate (?=no|num)",
    "vehicle_id": "vin|chassis",
    "device_id": "imei|serial",
    "plate": "plate",
    "secret": "password|passwd|api[ _]key|secret",
}
_NUMBER_WORD: Final = r"(?:\s*(?:no|nr|number|num|id|code|رقم))?\s*[.:#=]{0,2}\s*(?:is\s+|رقم\s*)?"
_VALUES: Final = {
    "trn": r"1\d{14}(?!\w)",
    "plate": r"(?:[A-Z]{1,2}[\s\-]?)?\d{3,5}(?![\w])",
    "secret": r"(?=[^\s\"',;]*\d)[^\s\"',;]{6,80}",
}
_VALUE: Final = r"(?=[A-Z0-9/\-]*\d{3})[A-Z0-9](?:[A-Z0-9/\-]{3,28})[A-Z0-9](?![\w])"
_DATE: Final = r"\d{1,4}[/.\- ](?:\d{1,2}|[A-Za-z]{3,9})[/.\- ]\d{2,4}"
_BIRTH: Final = (
    r"(?:dob|d\.o\.b|date of birth|birth ?da(?:te|y)|born(?: on)?|تاريخ الميلاد|مواليد)\s*[.:=]?\s*(?:is\s+)?"
)

KEYWORD_VALUE: Final = re.compile(
    "|".join(
        rf"(?<!\w)(?:(?i:{words})){_NUMBER_WORD}(?P<{name}>{_VALUES.get(name, _VALUE)})"
        for name, words in _KEYWORDS.items()
    )
    + rf"|(?<!\w)(?i:{_BIRTH})(?P<date_of_birth>{_DATE})"
)
"""A word and the value after it; the group that matched names the class."""

_NAME_PART: Final = r"(?:[A-Z][a-z'’]+|[A-Z]\.|Al[\- ][A-Z][a-z]+|al-[A-Z][a-z]+|bin|bint|ibn|van|de)"
_ARABIC: Final = "[\u0621-\u064a]"
HONORIFIC_NAME: Final = re.compile(
    rf"(?<!\w)(?:Mr|Mrs|Ms|Miss|Mx|Dr|Eng|Prof|Sheikha?|Sayed|H\.E)\.? (?P<titled>[A-Z][a-z'’]+(?: {_NAME_PART}){{0,3}})(?!\w)"
    rf"|(?<!\w)(?i:my name is|signed by) (?P<said>[A-Z][a-z'’]+(?: {_NAME_PART}){{0,3}})(?!\w)"
    rf"|(?<!\w)(?:السيد|السيدة|الشيخ|الشيخة|الدكتور|الدكتورة|المهندس|المهندسة|الأستاذ|الأستاذة|اسمي)\s(?P<arabic>{_ARABIC}{{2,}}(?:\s(?:بن|بنت|آل|{_ARABIC}{{3,}})){{0,2}})"
)
"""A title or "my name is", and the name after it."""

_HEALTH_EN: Final = (
    "diabet(?:es|ic)|cancer|tumou?r|chemotherapy|hiv|aids|hepatitis|pregnan(?:t|cy)|miscarriage|asthma|epilep(?:sy|tic)"
    "|bipolar|schizophreni[ac]|depressive disorder|clinical depression|antidepressants?|dialysis|kidney failure"
    "|heart (?:attack|disease|failure)|stroke patient|wheelchair|disabilit(?:y|ies)|autis(?:m|tic)|dementia|alzheimer'?s"
    "|surgery|biopsy|insulin|blood (?:pressure|type|group)|diagnos(?:is|ed)|prescription|psychiatr(?:ic|ist)"
)
_HEALTH_AR: Final = (
    "سكري|سرطان|ورم|كيماوي|إيدز|ايدز|حامل|حمل|ربو|صرع|اكتئاب|فصام|غسيل الكلى|فشل كلوي|قلب مفتوح|ضغط الدم|إعاقة|اعاقة"
    "|توحد|خرف|زهايمر|أنسولين|عملية جراحية|فصيلة الدم|طبيب نفسي|التهاب الكبد"
)
HEALTH: Final = re.compile(rf"(?<!\w)(?:(?i:{_HEALTH_EN})|[وبلف]?(?:ال)?(?:{_HEALTH_AR}))(?!\w)")
"""Words about health, whole words only: evidence that a text needs a look, not proof."""

WORDS: Final = (
    r"(?i)\b(?:" + "|".join(_KEYWORDS.values()).replace(" (?=no|num)", "") + r"|dob|d\.o\.b|birth|born)|مواليد|الميلاد"
    r"|(?-i:\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Eng|Prof|Sheikha?|Sayed|H\.E)\.?\s)|\b(?:my name is|signed by)\s"
    r"|السيد|الشيخ|الدكتور|المهندس|الأستاذ|اسمي|\b(?:" + _HEALTH_EN + r")\b|" + _HEALTH_AR
)
"""The words of all lists, for a look at a whole column."""
