"""The presets of servers on this machine: keyless, each at its own default port; and the mock."""

from llmroute.catalog.preset import Preset, quirks

LOCAL_SERVERS = (
    Preset(
        "ollama",
        "Ollama",
        "http://localhost:11434/v1",
        base_url_variable="OLLAMA_HOST",
        quirks=quirks(cloud_model_suffixes=("-cloud", ":cloud")),
        start_hint="ollama serve",
        model_hint="ollama pull {model}",
        docs="https://docs.ollama.com/api/openai-compatibility",
    ),
    Preset(
        "lmstudio",
        "LM Studio",
        "http://localhost:1234/v1",
        quirks=quirks(tool_choice_strings_only=True, no_json_object=True, top_k=True),
        start_hint="lms server start",
        model_hint="lms get {model}",
        docs="https://lmstudio.ai/docs/developer/openai-compat",
    ),
    Preset(
        "llamacpp",
        "llama.cpp server",
        "http://localhost:8080/v1",
        # `/v1/messages` passes over `output_config`.
        quirks=quirks(prefill=True, top_k=True, output_format=False),
        start_hint="llama-server -m MODEL.gguf --jinja",
        model_hint="start the server with the file of the model: llama-server -m MODEL.gguf --alias {model}",
        docs="https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
    ),
    Preset(
        "vllm",
        "vLLM",
        "http://localhost:8000/v1",
        quirks=quirks(top_k=True),
        start_hint="vllm serve MODEL",
        model_hint="vllm serve {model}",
        docs="https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
    ),
    Preset(
        "mock",
        "Mock (scripted replies, no network)",
        "mock://mock",
        api="mock",
        auth="none",
        quirks=quirks(prefill=True),
    ),
)
