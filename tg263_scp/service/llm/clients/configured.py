"""The client that the configuration asks for."""

from __future__ import annotations

from tg263_scp.config.llm import Llm
from tg263_scp.service.llm.clients.ollama_client import OllamaClient
from tg263_scp.service.llm.clients.openai_client import OpenAiClient
from tg263_scp.service.llm.voting import Chooser


def client_of(llm: Llm) -> Chooser:
    """Return the client for ``llm.api``; nothing is sent yet.

    Raises:
        Tg263Error: a file with certificates or a key cannot be used.
    """
    return OllamaClient.of(llm) if llm.api == "ollama" else OpenAiClient.of(llm)
