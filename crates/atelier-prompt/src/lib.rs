//! Templates and typed inputs become prompts within a token budget; replies become typed answers.
