"""What is found in texts, measured on generated ones with known truth, near misses included."""

from __future__ import annotations

import random
import time
from collections import Counter

import polars as pl
import pytest

from aurora.privacy.detection import MAY_BE, MAY_HOLD, find, find_in_id
from aurora.privacy.lexicon import WORDS
from benchmarks.identifiers import ANNOUNCED, KINDS, near_miss, sentence


def test_recall_and_precision_on_texts_with_known_truth():
    draw = random.Random(20)
    planted, found, right, wrong = Counter(), Counter(), Counter(), Counter()
    for _ in range(6000):
        kind = draw.choice([*KINDS, *ANNOUNCED, "nothing", "nothing", "nothing"])
        inner = near_miss(draw) if kind == "nothing" else {**KINDS, **ANNOUNCED}[kind](draw)
        told = [one for one in find(sentence(draw, inner)) if one.identifier_class != "health"]
        planted[kind] += 1
        for one in told:
            found[one.identifier_class] += 1
            is_right = one.identifier_class == kind and one.value in inner
            (right if is_right else wrong)[one.identifier_class] += 1
    recall = {kind: right[kind] / planted[kind] for kind in planted if kind != "nothing"}
    assert min(recall.values()) >= 0.99, recall
    assert sum(right.values()) / sum(found.values()) >= 0.99, wrong


def test_near_misses_are_left_alone():
    draw = random.Random(21)
    texts = [sentence(draw, near_miss(draw), near_miss(draw)) for _ in range(4000)]
    wrong = [(text, found) for text in texts if (found := find(text))]
    assert len(wrong) <= 8, wrong[:5]


@pytest.mark.parametrize("kind", KINDS)
def test_an_id_that_is_an_identifier_is_found_with_and_without_a_prefix(kind: str):
    draw = random.Random(22)
    for _ in range(200):
        value = KINDS[kind](draw)
        if kind in ("ssn", "ip_address") or " " in value:
            continue
        for prefix in ("", "whatsapp:", "crm:user/"):
            (found,) = find_in_id(prefix + value)
            assert (found.identifier_class, found.value) == (kind, value)


def test_ids_of_machines_are_left_alone():
    draw = random.Random(23)
    for _ in range(3000):
        value = near_miss(draw).replace(" ", "_")
        assert find_in_id(value) == [], value


def test_the_screens_let_nothing_through_that_is_found():
    draw = random.Random(24)
    makers = [*KINDS.values(), *ANNOUNCED.values(), near_miss]
    texts = [sentence(draw, draw.choice(makers)(draw), draw.choice(makers)(draw)) for _ in range(4000)]
    texts += [
        "السيد محمد بن راشد",
        "رقمي ٠٥٠١٢٣٤٥٦٧ شكرا",
        "مريض بالسكري",
        "mrs. Smith",
        "fe80::1 up",
        "GPS 25.20480, 55.27080",
    ]
    texts += [
        "Dubai A 12345",
        "aa:bb:cc:dd:ee:ff",
        "جواز السفر رقم N1234567",
        "password: hunter22",
        "2001:db8::8a2e:370:7334",
    ]
    column = pl.Series(texts)
    screened = (column.str.contains(MAY_HOLD) | column.str.contains(WORDS)).to_list()
    missed = [(text, find(text)) for text, passes in zip(texts, screened, strict=True) if find(text) and not passes]
    assert missed == []


def test_the_screen_of_ids_lets_nothing_through_that_is_found():
    draw = random.Random(25)
    values = [
        draw.choice(["", "tel:", "a/b:"]) + draw.choice([*KINDS.values(), near_miss])(draw).replace(" ", "")
        for _ in range(4000)
    ]
    column = pl.Series(values)
    screened = (column.str.contains(MAY_BE) | column.str.contains("[@ ]")).to_list()
    missed = [
        (value, find_in_id(value))
        for value, passes in zip(values, screened, strict=True)
        if find_in_id(value) and not passes
    ]
    assert missed == []


def test_without_its_words_a_text_gives_the_same_numbers():
    text = "mail a@example.com or +971501234567"
    assert find(text, has_words=False) == find(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("EID 784-1990-1234567-1", [("emirates_id", "784-1990-1234567-1", False)]),
        ("٠٥٠١٢٣٤٥٦٧ هو رقمي", [("phone", "٠٥٠١٢٣٤٥٦٧", True)]),
        ("السيد محمد بن راشد مصاب بالسكري", [("name", "محمد بن راشد", True), ("health", "بالسكري", True)]),
        ("AE070331234567890123456 IS MINE", [("iban", "AE070331234567890123456", True)]),
        ("AE080331234567890123456", []),
        ("Trakheesi permit 71234567890", [("trakheesi_permit", "71234567890", True)]),
        ("4111111111111112", []),
        ("she is diabetic", [("health", "diabetic", True)]),
        ("the cancerous growth of paperwork", []),
        ("at 25.20480, 55.27080", [("geolocation", "25.20480, 55.27080", True)]),
        ("vectors 48.85661, 2.35222", []),
        ("maps 48.85661, 2.35222", [("geolocation", "48.85661, 2.35222", True)]),
        ("Dubai A 12345", [("plate", "Dubai A 12345", True)]),
    ],
)
def test_examples(text: str, expected: list[tuple[str, str, bool]]):
    assert [(one.identifier_class, one.value, one.is_sure) for one in find(text)] == expected


@pytest.mark.parametrize(
    "piece", ["1", "a@", "+1 ", "Mr Aa ", "x://a:", "AE11", "passport ", "born ", "-1", "1.1.", "eyJ"]
)
def test_a_text_made_to_take_long_does_not(piece: str):
    started = time.process_time()
    find(piece * 20_000)
    assert time.process_time() - started < 2.0
