{# An operation that OpenTelemetry has no name for counts as chat. The list is contracts/vocabulary.py's (drift test). #}
{% macro known_operation(column) -%}
    case
        when
            {{ column }} in (
                'chat',
                'generate_content',
                'text_completion',
                'embeddings',
                'retrieval',
                'create_agent',
                'invoke_agent',
                'execute_tool',
                'invoke_workflow',
                'image_generation',
                'speech',
                'transcription',
                'moderation',
                'rerank'
            )
        then {{ column }}
        else 'chat'
    end
{%- endmacro %}
