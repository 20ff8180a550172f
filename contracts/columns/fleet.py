"""Assistants, tasks and conversations. One line a column."""

from contracts.field import SLUG, Field, at_least, one_of
from contracts.vocabulary import ASSISTANT_STATES, CONTROL_LEVELS, PRIORITIES, PRIVACY_CLASSES, TASK_STATES

COLUMNS: tuple[Field, ...] = (
    Field(name="assistant_name", type="text", meaning="Name people know it by.", privacy="public"),
    Field(name="role", type="text", meaning="What it is for, in one line.", privacy="public"),
    Field(name="industry", type="text", meaning="Industry pack it comes from.", privacy="public"),
    Field(name="skills", type="json", meaning="Task types it can take, a JSON array of texts.", privacy="public"),
    Field(name="control_level", type="text", meaning="What Aurora may do with it.", privacy="public", checks=one_of(*CONTROL_LEVELS)),
    Field(name="assistant_state", type="text", meaning="Whether it can take work.", privacy="public", checks=one_of(*ASSISTANT_STATES)),
    Field(name="priority", type="text", meaning="How soon it must be served.", privacy="public", checks=one_of(*PRIORITIES)),
    Field(name="is_sample", type="bool", meaning="Shipped as an example; not the owner's own."),
    Field(name="capacity_count", type="int", unit="tasks", meaning="Tasks it can work on at the same time.", checks=at_least(0)),
    Field(name="backup_assistant_id", type="text", meaning="Who takes over when it is down."),
    Field(name="task_type", type="text", meaning="Kind of work, the skill it takes.", privacy="public", checks=SLUG),
    Field(name="task_state", type="text", meaning="State of the task, A2A's words.", privacy="public", checks=one_of(*TASK_STATES)),
    Field(name="privacy_class", type="text", meaning="Most sensitive data the work touches.", privacy="public", checks=one_of(*PRIVACY_CLASSES)),
    Field(name="turn_count", type="int", unit="turns", meaning="Messages in the conversation.", checks=at_least(0)),
    Field(name="channel", type="text", meaning="Where the conversation took place: chat, voice, e-mail ...", privacy="public"),
)
