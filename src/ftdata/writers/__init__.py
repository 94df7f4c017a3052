"""Writers: from batches to files, under a scratch folder that the engine publishes; `STAGES` says where each stands."""

from __future__ import annotations

STAGES: dict[str, str] = {
    "openai-chat": "openai_chat:OpenAIChat",
    "hf-dataset": "hf_dataset:HfDataset",
    "nova": "nova:Nova",
    "claude": "claude:Claude",
    "gemini": "gemini:Gemini",
    "cohere": "cohere:Cohere",
    "sharegpt": "sharegpt:ShareGPT",
    "preference": "preference:Preference",
    "prompt-completion": "prompt_completion:PromptCompletion",
    "trl-completion": "trl_completion:TrlCompletion",
    "trl": "trl:Trl",
    "axolotl": "axolotl:Axolotl",
    "llama-factory": "llama_factory:LlamaFactory",
    "mlx-lm": "mlx_lm:MlxLm",
}
