"""Ids: what one row, person, assistant, task or batch is called. One line a column."""

from contracts.field import Field, at_least

COLUMNS: tuple[Field, ...] = (
    Field(name="usage_id", type="text", meaning="One AI operation, unique within the tenant: source and the source's own id, or a content hash where it has none."),
    Field(name="conversation_id", type="text", meaning="The exchange with one person or case that operations belong to (OpenTelemetry gen_ai.conversation.id)."),
    Field(name="trace_id", type="text", meaning="The distributed trace of the operation (OpenTelemetry trace id or the exporter's)."),
    Field(name="price_id", type="text", meaning="One dated price of one language model in the price book."),
    Field(name="assistant_id", type="text", meaning="The assistant that did or may do the work (OpenTelemetry gen_ai.agent.id)."),
    Field(name="task_id", type="text", meaning="One piece of work that an assistant or a person takes."),
    Field(name="case_id", type="text", meaning="One run of a workflow that tasks belong to."),
    Field(name="decision_id", type="text", meaning="One decision of the engine."),
    Field(name="outcome_id", type="text", meaning="One report of what came of a decision."),
    Field(name="override_id", type="text", meaning="One change of a decision by a person."),
    Field(name="actor_id", type="text", meaning="The person or assistant that asked or acted.", privacy="personal"),
    Field(name="user_id", type="text", meaning="Pseudonym of the person served, as the exporter gave it.", privacy="personal", residency="tenant_region"),
    Field(name="batch_id", type="text", meaning="The ingested batch a row came with: the fingerprint of its file or request."),
    Field(name="batch_seq", type="int", meaning="Order in which batches were committed, from 1.", checks=at_least(0)),
    Field(name="row_number", type="int", meaning="Position in the source, from 1: line, array element or span.", checks=at_least(0)),
    Field(name="quarantine_id", type="text", meaning="One refused row for one reason."),
    Field(name="kpi_id", type="text", meaning="One KPI, by its file name."),
    Field(name="record_id", type="text", meaning="One record of the tenant's journal."),
)
