"""What was found at the door, what was done about it, and rows that belong elsewhere. One line a column."""

from contracts.field import Field, at_least, one_of

IDENTIFIER_CLASSES = (
    "emirates_id", "passport", "phone", "iban", "card_number", "email", "name", "health", "trn", "title_deed", "ejari",
    "trakheesi_permit", "ssn", "ip_address", "url_credentials", "secret", "date_of_birth", "plate", "geolocation",
    "address", "medical_record", "health_plan", "account_number", "licence_number", "device_id", "vehicle_id",
    "biometric", "photo", "personal", "sensitive",
)  # fmt: skip
"""What a value is: UAE identifiers, HIPAA Safe Harbor's, secrets. `personal` and `sensitive` say that only the
contract tells."""

PRIVACY_ACTIONS = ("encrypted", "truncated", "tokenised", "redacted", "flagged", "kept")
"""`flagged`: found and left as it was, for a person to look at. `kept`: the contract declares the column and
asks for no protection."""

COLUMNS: tuple[Field, ...] = (
    Field(name="identifier_class", type="text", meaning="What kind of identifier or sensitive fact it is.", privacy="public", checks=one_of(*IDENTIFIER_CLASSES)),
    Field(name="privacy_action", type="text", meaning="What was done before the value was stored.", privacy="public", checks=one_of(*PRIVACY_ACTIONS)),
    Field(name="finding_count", type="int", unit="values", meaning="Values of that class in that column of the batch.", checks=at_least(0)),
    Field(name="unsure_count", type="int", unit="values", meaning="Those of them that have the shape but not the check digit.", checks=at_least(0)),
    Field(name="refused_region", type="text", meaning="Region that a refused row named for itself."),
    Field(name="row_hash", type="text", meaning="Keyed hash of a row that was not kept, to recognise it by."),
)  # fmt: skip
