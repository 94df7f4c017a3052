"""Readers: one file each; adding one is a new file and a line in `STAGES`.

`STAGES` says where each one stands, so that a run imports those that it uses.
"""

from __future__ import annotations

STAGES: dict[str, str] = {
    "abcd": "abcd:Abcd",
    "alpaca": "layouts:Alpaca",
    "anthropic-hh": "layouts:AnthropicHH",
    "bedrock": "layouts:Bedrock",
    "chatgpt": "chatgpt:ChatGPT",
    "chat-log": "chat_log:ChatLog",
    "claude": "claude:Claude",
    "cohere": "layouts:Cohere",
    "discord": "discord:Discord",
    "dolly": "layouts:Dolly",
    "email": "email:Email",
    "gemini": "layouts:Gemini",
    "glaive": "layouts:Glaive",
    "help-desk": "help_desk:HelpDesk",
    "hermes": "layouts:Hermes",
    "irc": "irc:Irc",
    "kto": "layouts:Kto",
    "llama-factory": "layouts:LlamaFactory",
    "messenger": "messenger:Messenger",
    "openai-chat": "openai_chat:OpenAIChat",
    "preference": "layouts:Preference",
    "prompt-completion": "prompt_completion:PromptCompletion",
    "question-answer": "layouts:QuestionAnswer",
    "rendered-text": "layouts:RenderedText",
    "sharegpt": "layouts:ShareGPT",
    "signal": "signal:Signal",
    "slack": "slack:Slack",
    "teams": "teams:Teams",
    "telegram": "telegram:Telegram",
    "tickets": "tickets:Tickets",
    "trl-completion": "layouts:TrlCompletion",
    "whatsapp": "whatsapp:WhatsApp",
}
